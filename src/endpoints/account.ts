import { sessionExpiry } from '../domain/session-state.ts'
import { accountPage } from '../pages/account-page.ts'
import { homePage } from '../pages/home-page.ts'
import type { Endpoint } from '../protocol/http.ts'
import { currentSession } from '../signin/session.ts'
import type { Core } from './core.ts'
import { presentationFor } from './presentation.ts'
import { seeOther } from './respond.ts'

/** Who is signed in here. */
export function createAccountEndpoint(core: Core): Endpoint {
  return async (http) => {
    const signedIn = await currentSession(core, http)
    if (signedIn === undefined) return seeOther('/signin')
    const { user, session } = signedIn
    return accountPage(presentationFor(core, http), {
      person: user,
      ...(user.email === undefined ? {} : { email: { address: user.email, verified: user.emailVerified } }),
      session: { signedInAt: session.authTime, endsAt: sessionExpiry(session), device: session.device },
      signOut: '/oauth/logout',
    })
  }
}

/** The start page, for whoever types the server's address. */
export function createHomeEndpoint(core: Core): Endpoint {
  return async (http) => {
    const signedIn = await currentSession(core, http)
    return homePage(presentationFor(core, http), {
      issuer: core.issuer,
      ...(signedIn === undefined ? {} : { person: signedIn.user }),
      signIn: '/signin',
      account: '/account',
      metadata: '/.well-known/openid-configuration',
      keys: '/.well-known/jwks.json',
    })
  }
}
