import type { EpochSeconds } from '../protocol/time.ts'
import type { Connection } from './connection.ts'
import type { Instance } from './instance.ts'

/** All connections of a provider were ended at once. They are worth nothing from then on; each is ended afterwards. */
export type Recall = {
  /** The how manieth of this provider. What was started before it is recalled, and no clock has a say in that. */
  readonly count: number
  readonly at: EpochSeconds
  /** As audit events name whoever did it. */
  readonly actor: string
  /** When the last of them had been ended. */
  readonly finishedAt?: EpochSeconds
}

/** The latest recall of a provider, which may be called `constructor`: what every object inherits is none. */
export function recallOf({ recalls }: Pick<Instance, 'recalls'>, provider: string): Recall | undefined {
  return recalls !== undefined && Object.hasOwn(recalls, provider) ? recalls[provider] : undefined
}

/**
 * How many recalls of a provider there have been, as what is started now remembers it. One that was written down without its number
 * is the first: it ends whatever knows of none, rather than nothing.
 */
export function recallsOf(instance: Pick<Instance, 'recalls'>, provider: string): number {
  const recall: Partial<Recall> | undefined = recallOf(instance, provider)
  return recall === undefined ? 0 : (recall.count ?? 1)
}

/**
 * Whether all that was started when this was has been recalled since: a comparison, however many there are (L25). A node that hasn't
 * heard of a recall yet gives a smaller number, so that what it starts comes to nothing; never a larger one.
 */
export function isRecalled(
  instance: Pick<Instance, 'recalls'>,
  { provider, recallsBefore = 0 }: Pick<Connection, 'provider' | 'recallsBefore'>,
): boolean {
  return recallsBefore < recallsOf(instance, provider)
}

/** An instance with another word about a provider. */
export function withRecall(instance: Instance, provider: string, recall: Recall): Instance {
  return { ...instance, recalls: { ...instance.recalls, [provider]: recall } }
}
