import type { OAuthProvider } from '../config/provider.ts'
import type { FlowPurpose } from '../domain/flow.ts'
import type { SignedIn } from '../domain/next-step.ts'
import { throttled } from '../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../protocol/http.ts'
import type { Seconds } from '../protocol/time.ts'
import { browserHash, knowBrowser } from '../signin/browser.ts'
import { errandOf } from '../signin/destination.ts'
import type { Core } from './core.ts'
import { takeUp, type Parked } from './interactions.ts'
import { refusalPage } from './presentation.ts'
import { readPageRequest } from './read-page-request.ts'
import { seeOther } from './respond.ts'
import { noSuchProvider, troubled } from './provider-trouble.ts'
import { showSiteLogin } from './show-site-login.ts'

/** `/signin/with/<provider>`: the way to another server to sign in there. A page to leave from, not a deed: it signs nobody in. */
export function createStartProviderEndpoint(core: Core): Endpoint {
  return async (http) => {
    const provider = core.upstream.providers.get(http.params['provider'] ?? '')
    // J15: a name that is none of ours is the caller's own word, and no page repeats it.
    if (provider === undefined || provider.signIn === 'off')
      return refusalPage(core, { ...http, path: '/signin' }, 'provider', noSuchProvider)
    const asked = await readPageRequest(core, http, 'signin')
    if ('status' in asked) return asked
    const { interaction, signedIn } = asked
    const pending = interaction === undefined ? undefined : await takeUp(core, http, interaction)
    if (pending !== undefined && 'status' in pending) return pending
    if (provider.kind === 'site-login') return showSiteLogin(core, http, { provider, form: asked })
    const purpose: FlowPurpose = { for: 'sign-in', ...errandOf(core, asked) }
    return sendToProvider(core, http, { provider, purpose, maxAge: maxAgeOf(pending, signedIn) })
  }
}

/** How fresh a sign-in it must be: as the request asks; and whoever is signed in here and comes by himself wants to prove himself anew. */
function maxAgeOf(pending: Parked | undefined, signedIn: SignedIn | undefined): Seconds | undefined {
  if (pending === undefined) return signedIn === undefined ? undefined : 0
  return pending.request.prompt.includes('login') ? 0 : pending.request.maxAge
}

/** Remember what the browser leaves for, and send it off. Whoever leaves and never returns fills the store, so leaving has a budget. */
export async function sendToProvider(
  core: Core,
  http: HttpRequest,
  about: { readonly provider: OAuthProvider; readonly purpose: FlowPurpose; readonly maxAge: Seconds | undefined },
): Promise<HttpResponse> {
  const { provider, purpose, maxAge } = about
  const reserved = core.limits.reserve('park', [http.peer.address])
  if ('retryAfterSeconds' in reserved) return refusalPage(core, http, 'provider', throttled(reserved.retryAfterSeconds))
  const browser = knowBrowser(core, http)
  const opened = await core.upstream.open(provider, {
    purpose,
    browserHash: browserHash(browser.value),
    scope: provider.scope,
    offline: false,
    maxAge,
  })
  if (opened.kind === 'begun') return seeOther(opened.url, browser.setCookie)
  reserved.forgive()
  return troubled(core, http, { provider, purpose, trouble: opened })
}
