import { register, type Registered } from '../accounts/register.ts'
import { formPage } from '../pages/form-page.ts'
import { html } from '../pages/html.ts'
import { letterSentPage } from '../pages/letter-sent-page.ts'
import { registerForm } from '../pages/register-form.ts'
import type { Endpoint } from '../protocol/http.ts'
import { bindForm } from '../signin/form-guard.ts'
import type { Mistake } from './account/section.ts'
import type { Core } from './core.ts'
import { presentationFor, withHeaders } from './presentation.ts'
import { purposeOf, readPageRequest } from './read-page-request.ts'
import { seeOther } from './respond.ts'

/** Making an account for oneself: the form, and what it sends. */
export function createRegisterEndpoint(core: Core): Endpoint {
  return async (http) => {
    const asked = await readPageRequest(core, http, 'register')
    if ('status' in asked) return asked
    const { parameters: typed, signedIn } = asked
    const presentation = presentationFor(core, http)
    const back = { path: '/signin', label: 'register.have' } as const
    if (core.usersPolicy().registration !== 'open') {
      const problem = { says: 'register.closed', status: 403 } as const
      return formPage(presentation, { title: 'register.title', body: html``, back, problem })
    }
    let mistake: Mistake | undefined
    if (http.method === 'POST') {
      const password = typed.get('new_password') ?? ''
      if (password === typed.get('repeat_password')) {
        const [fullName, email] = [typed.get('full_name'), typed.get('email')]
        const registered = await register(core, {
          username: typed.get('username') ?? '',
          password,
          ...(fullName !== undefined && { fullName }),
          ...(email !== undefined && { email }),
          language: presentation.language,
          address: http.peer.address,
        })
        if ('done' in registered)
          return registered.done === 'letter sent' ? letterSentPage(presentation) : seeOther('/signin')
        mistake = mistakeOf(registered)
      } else mistake = { says: 'password.differs', field: 'repeat_password' }
    }
    const bound = bindForm(core, http, { purpose: purposeOf('register', undefined), signedIn })
    const form = { language: presentation.language, action: '/register', hidden: [bound.field] }
    const view = formPage(presentation, {
      title: 'register.title',
      back,
      body: registerForm(form, {
        username: typed.get('username') ?? '',
        fullName: typed.get('full_name') ?? '',
        email: typed.get('email') ?? '',
        byLetter: core.outbox !== undefined,
        wrong: mistake?.field,
        strength: mistake?.strength,
      }),
      newPassword: true,
      problem: mistake,
    })
    return withHeaders(view, bound.setCookie)
  }
}

function mistakeOf({ refused, strength, retryAfter }: Extract<Registered, { readonly refused: unknown }>): Mistake {
  if (retryAfter !== undefined) return { says: 'register.throttled', status: 429 }
  const { field, code } = refused
  switch (field) {
    case 'username':
      return { says: code === 'conflict' ? 'profile.usernameTaken' : 'profile.usernameBad', field }
    case 'full_name':
      return { says: 'profile.fullNameBad', field }
    case 'email':
      return { says: 'register.emailBad', field }
    case 'password':
      return { says: 'password.weak', field: 'new_password', strength }
    default:
      return { says: 'account.problem' }
  }
}
