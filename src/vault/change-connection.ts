import { withEdition } from '../domain/edition.ts'
import { ref, type Decision, type Slot } from '../domain/record.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { transition, type TransitionContext } from '../store/transition.ts'

/** A change of a connection that may leave another edition in it: what tells a row that was put back is written with it (L19). */
export function changeConnection<Result>(
  context: TransitionContext,
  id: string,
  decide: (slot: Slot<'connection'>, now: EpochSeconds) => Decision<Result>,
): Promise<Result> {
  const refs = { connection: ref('connection', id), edition: ref('edition', id) }
  return transition(context, refs, ({ connection, edition }, now) => withEdition(edition, decide(connection, now), now))
}
