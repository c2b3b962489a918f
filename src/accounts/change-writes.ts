import { eventWrite, type Happening } from '../audit/event-write.ts'
import { announce } from '../domain/change.ts'
import type { Ref, Write } from '../domain/record.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import type { AccountsContext } from './context.ts'

/**
 * The trail of every change of an account, client or API, for its commit: the audit event, and a note to every node's memory
 * for each record that changes. Ids are drawn here, so that the decision itself stays pure.
 */
export function changeWrites(
  context: Pick<AccountsContext, 'clock' | 'random'>,
  happening: Happening,
  changed: readonly Ref[],
): (now: EpochSeconds) => readonly Write[] {
  const event = eventWrite(context, happening)
  const notes = changed.map((ref) => ({ id: context.random.id(context.clock.millis()), ref }))
  return (now) => [event, ...notes.map((note) => announce(note.id, note.ref, now))]
}
