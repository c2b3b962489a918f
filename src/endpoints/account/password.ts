import { provedRecently } from '../../domain/session-state.ts'
import { passwordForm } from '../../pages/account/password-form.ts'
import { changeOwnPassword } from '../../signin/change-own-password.ts'
import { renewCookie } from '../../signin/session.ts'
import { withHeaders } from '../presentation.ts'
import { seeOther } from '../respond.ts'
import { oneself } from './oneself.ts'
import type { Mistake, Section } from './section.ts'

/** Asks for the current password, or else for a sign-in of the last minutes, which whoever has no password must have (docs/decisions/0022). */
export const passwordSection: Section = {
  id: 'password',
  title: 'password.title',
  summary: 'password.summary',
  done: 'password.changed',
  newPassword: true,
  recent: ({ user }) => user.passwordHash === undefined,
  body: ({ core, form, signedIn }, mistake) =>
    passwordForm(form, {
      username: signedIn.user.username,
      hasPassword: signedIn.user.passwordHash !== undefined,
      // That a second factor was shown where there is one, is a gate of every section.
      justSignedIn: provedRecently(signedIn, core.clock.seconds()),
      wrong: mistake?.field,
      strength: mistake?.strength,
    }),
  async act(asked, typed) {
    const { core, signedIn } = asked
    const password = typed.get('new_password') ?? ''
    if (password !== typed.get('repeat_password')) return differs
    const { imprint, setCookie } = renewCookie(core, signedIn)
    const changed = await changeOwnPassword(core, {
      ...oneself(asked),
      sessionId: signedIn.sessionId,
      imprint,
      maySignInDo: true,
      current: typed.get('current_password'),
      wanted: password,
    })
    // Whoever copied the cookie of before is out, too.
    if ('done' in changed) return withHeaders(seeOther(`${asked.form.action}?done`), [setCookie])
    if ('retryAfter' in changed) return throttled
    if ('unproved' in changed) return unproved[changed.unproved]
    return changed.refused.field === 'password'
      ? { says: 'password.weak', field: 'new_password', strength: changed.strength }
      : problem
  },
}

const problem: Mistake = { says: 'account.problem' }
const differs: Mistake = { says: 'password.differs', field: 'repeat_password' }
const throttled: Mistake = { says: 'password.throttled', field: 'current_password', status: 429 }
const unproved: Readonly<Record<'needed' | 'wrong' | 'renamed', Mistake>> = {
  // The form was shown while the sign-in was recent enough.
  needed: { says: 'password.needed', field: 'current_password', status: 403 },
  wrong: { says: 'password.wrong', field: 'current_password', status: 403 },
  renamed: problem,
}
