import type { Reason } from '../protocol/reasons.ts'
import type { User } from './user.ts'

export type SignInBar = 'bot' | 'locked'

/** What log and events say of it. */
export const barReasons = { bot: 'user_bot', locked: 'user_locked' } as const satisfies Record<SignInBar, Reason>

/**
 * Why nobody signs in as an account; undefined: its person may. A bot never does, whatever proves it (docs/decisions/0023): it gets
 * tokens from whoever answers for it. That is told first, since unlocking it would change nothing.
 */
export function signInBar(user: Pick<User, 'bot' | 'locked'>): SignInBar | undefined {
  if (user.bot) return 'bot'
  return user.locked ? 'locked' : undefined
}
