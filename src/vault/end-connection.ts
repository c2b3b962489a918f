import { eventWrite } from '../audit/event-write.ts'
import { endConnection, type Ending } from '../domain/connect.ts'
import type { Connection } from '../domain/connection.ts'
import { ref } from '../domain/record.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { transition } from '../store/transition.ts'
import type { VaultContext } from './context.ts'
import { ownerOf } from './renew.ts'

export type EndedBy = { readonly actor?: string; readonly address?: string; readonly reason?: string }

/** Disconnect. True if it was connected until now. The tokens go back to the provider by the errand that is written with it. */
export async function disconnect(
  context: Pick<VaultContext, 'clock' | 'random' | 'transition'>,
  id: string,
  { connection, by }: { readonly connection: Connection; readonly by: EndedBy },
): Promise<boolean> {
  const ending = endingOf(context, id, { connection, by })
  return transition(context.transition, { connection: ref('connection', id) }, (slots, now) =>
    endConnection(slots.connection, ending(now)),
  )
}

/** The papers of an ending, made before the decision that may need them. */
export function endingOf(
  context: Pick<VaultContext, 'clock' | 'random'>,
  id: string,
  { connection, by }: { readonly connection: Connection; readonly by: EndedBy },
): (now: EpochSeconds) => Ending {
  const errandId = context.random.id(context.clock.millis())
  const event = eventWrite(context, { type: 'connection.revoked', ...ownerOf(connection), ...by, target: id })
  return (now) => ({ now, event, errandId })
}
