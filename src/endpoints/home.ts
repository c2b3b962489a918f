import { homePage } from '../pages/home-page.ts'
import type { Endpoint } from '../protocol/http.ts'
import { currentSession } from '../signin/session.ts'
import type { Core } from './core.ts'
import { presentationFor } from './presentation.ts'

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
