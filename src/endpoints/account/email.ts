import { askToConfirm } from '../../accounts/ask-to-confirm.ts'
import { emailProblem } from '../../accounts/user-fields.ts'
import { emailForm } from '../../pages/account/email-form.ts'
import type { Section } from './section.ts'

/** The address: the established one stays until a letter to the new one was answered (H15, H18). */
export const emailSection: Section = {
  id: 'email',
  title: 'email.title',
  summary: 'email.summary',
  done: 'email.sent',
  offered: ({ outbox }) => outbox !== undefined,
  recent: () => true,
  body: ({ form, signedIn: { user } }, mistake) =>
    emailForm(form, { now: user.email, verified: user.emailVerified, wrong: mistake?.field }),
  async act({ core, http, form, signedIn: { user } }, typed) {
    const email = typed.get('email') ?? ''
    if (emailProblem(email) !== undefined) return { says: 'register.emailBad', field: 'email', typed }
    const wish = { user, email, language: form.language, address: http.peer.address }
    return (await askToConfirm(core, wish)) === 'asked' ? 'done' : { says: 'password.throttled', status: 429 }
  },
}
