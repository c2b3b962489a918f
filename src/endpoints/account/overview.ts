import { sessionExpiry } from '../../domain/session-state.ts'
import { accountPage } from '../../pages/account-page.ts'
import type { Endpoint } from '../../protocol/http.ts'
import { currentSession } from '../../signin/session.ts'
import type { Core } from '../core.ts'
import { presentationFor } from '../presentation.ts'
import { seeOther } from '../respond.ts'
import { sectionsOf } from './sections.ts'

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
      sections: sectionsOf(core).map(({ id, title, summary }) => ({ path: `/account/${id}`, title, summary })),
      signOut: '/oauth/logout',
      ...(core.upstream.providers.size === 0 ? {} : { identities: '/account/identities' }),
    })
  }
}
