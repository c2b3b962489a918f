import type { EpochSeconds } from '../protocol/time.ts'
import type { Connection } from './connection.ts'
import type { Instance } from './instance.ts'

/** All connections of a provider were ended at once. They are worth nothing from then on; each is ended afterwards. */
export type Recall = {
  /** What was started until then, this second included. */
  readonly at: EpochSeconds
  /** As audit events name whoever did it. */
  readonly actor: string
  /** When the last of them had been ended. */
  readonly finishedAt?: EpochSeconds
}

/** Whether all that was connected when this was has been recalled since: a comparison, however many there are (L25). */
export function isRecalled(
  { recalls }: Pick<Instance, 'recalls'>,
  { provider, createdAt }: Pick<Connection, 'provider' | 'createdAt'>,
): boolean {
  const recall = recalls?.[provider]
  return recall !== undefined && createdAt <= recall.at
}

/** An instance with another word about a provider. */
export function withRecall(instance: Instance, provider: string, recall: Recall): Instance {
  return { ...instance, recalls: { ...instance.recalls, [provider]: recall } }
}
