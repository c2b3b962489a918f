import type { User } from './user.ts'

/**
 * Why nobody signs in as an account; undefined: its person may. A bot never does, whatever proves it (docs/decisions/0023): it gets
 * tokens from whoever answers for it. That is told first, since unlocking it would change nothing.
 */
export function signInBar(user: Pick<User, 'bot' | 'locked'>): 'bot' | 'locked' | undefined {
  if (user.bot) return 'bot'
  return user.locked ? 'locked' : undefined
}
