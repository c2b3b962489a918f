import { patchUser } from '../../accounts/patch-user.ts'
import { passwordForm } from '../../pages/account/password-form.ts'
import { isRefusal } from '../../protocol/errors.ts'
import { verifyPassword } from '../../signin/password.ts'
import { oneself } from './oneself.ts'
import type { Mistake, Section } from './section.ts'

/** The current password stands in for a recent sign-in; whoever has none must have signed in just now. */
export const passwordSection: Section = {
  id: 'password',
  title: 'password.title',
  summary: 'password.summary',
  done: 'password.changed',
  newPassword: true,
  recent: ({ user }) => user.passwordHash === undefined,
  body: ({ form, signedIn: { user } }, mistake) =>
    passwordForm(form, {
      username: user.username,
      hasPassword: user.passwordHash !== undefined,
      wrong: mistake?.field,
      strength: mistake?.strength,
    }),
  async act(asked, typed) {
    const { core, http, signedIn } = asked
    const { user, sessionId } = signedIn
    const password = typed.get('new_password') ?? ''
    if (password !== typed.get('repeat_password')) return differs
    // As with every change of a credential: each is a letter, and work that others wait behind.
    const room = core.limits.reserve('credential-change', [user.userId, http.peer.address])
    if ('retryAfterSeconds' in room) return throttled
    if (user.passwordHash !== undefined) {
      const given = typed.get('current_password') ?? ''
      const proved = await verifyPassword(core, {
        username: user.username,
        password: given,
        address: http.peer.address,
      })
      if (isRefusal(proved)) {
        room.forgive()
        return proved.retryAfter === undefined ? wrong : throttled
      }
      // The name may have become somebody else's meanwhile.
      if (proved.userId !== user.userId) return { says: 'account.problem' }
    }
    const { actor, userId } = oneself(asked)
    const request = { actor, userId, patch: { password }, own: true, keepSession: sessionId }
    const updated = await patchUser(core, request)
    if ('done' in updated) return 'done'
    return updated.refused.field === 'password'
      ? { says: 'password.weak', field: 'new_password', strength: updated.strength }
      : { says: 'account.problem' }
  },
}

const differs: Mistake = { says: 'password.differs', field: 'repeat_password' }
const wrong: Mistake = { says: 'password.wrong', field: 'current_password', status: 403 }
const throttled: Mistake = { says: 'password.throttled', field: 'current_password', status: 429 }
