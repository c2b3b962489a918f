import type { Imprint } from './grant.ts'
import { sessionExpiry } from './session-state.ts'
import { put, type Slot, type Write } from './record.ts'
import type { User } from './user.ts'

/**
 * Takes one session across a bump of its user's epoch, in the same commit. One that was dead before stays dead: its epoch
 * names another user epoch than the one that is left behind. `imprint`: of another cookie, since the one of before may be copied (G03).
 */
export function carrySession(
  slot: Slot<'session'>,
  [before, after]: readonly [before: User, after: User],
  imprint: Imprint | undefined,
): readonly Write[] {
  const session = slot.value
  const [global = ''] = session?.epoch.split('.') ?? []
  if (session?.userId !== before.userId || session.ended !== undefined) return []
  if (session.epoch !== `${global}.${before.epoch}`) return []
  const value = { ...session, ...imprint, epoch: `${global}.${after.epoch}` }
  return [put(slot, value, { expiresAt: sessionExpiry(value) })]
}
