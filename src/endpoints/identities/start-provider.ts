import type { OAuthProvider } from '../../config/provider.ts'
import type { FlowPurpose } from '../../domain/flow.ts'
import type { SignedIn } from '../../domain/next-step.ts'
import { isRefusal, throttled } from '../../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../../protocol/http.ts'
import type { Seconds } from '../../protocol/time.ts'
import { browserHash, knowBrowser } from '../../signin/browser.ts'
import { errandOf } from '../../signin/destination.ts'
import { takeUpToSignIn } from '../carried-requests.ts'
import type { Core } from '../core.ts'
import { store, type Pending } from '../interactions.ts'
import { refusalPage } from '../presentation.ts'
import { readPageRequest, type PageRequest } from '../read-page-request.ts'
import { seeOther } from '../respond.ts'
import { noSuchProvider, troubled } from './provider-trouble.ts'
import { showSiteLogin } from './show-site-login.ts'

/** `/signin/with/<provider>`: the way to another server to sign in there. A page to leave from, not a deed: it signs nobody in. */
export function createStartProviderEndpoint(core: Core): Endpoint {
  return async (http) => {
    const provider = core.upstream.providers.get(http.params['provider'] ?? '')
    // J15: a name that is none of ours is the caller's own word, and no page repeats it.
    if (provider === undefined || provider.signIn === 'off')
      return refusalPage(core, { ...http, path: '/signin' }, { endpoint: 'provider', refusal: noSuchProvider })
    const asked = await readPageRequest(core, http, 'signin')
    if ('status' in asked) return asked
    const left = await leave(core, http, asked)
    if ('status' in left) return left
    const { pending, form } = left
    if (provider.kind === 'site-login') {
      // The language switch at its foot has to come back to what was parked.
      const at = form === asked ? http : { ...http, query: `interaction=${form.interaction}` }
      return showSiteLogin(core, at, { provider, form, aim: 'sign-in' })
    }
    const purpose: FlowPurpose = { for: 'sign-in', ...errandOf(core, form) }
    return sendToProvider(core, http, { provider, purpose, maxAge: maxAgeOf(pending, asked.signedIn) })
  }
}

/** What the person leaves behind. A journey outlives the page that carries a request, so that is parked before it begins. */
async function leave(
  core: Core,
  http: HttpRequest,
  form: PageRequest,
): Promise<{ readonly pending: Pending | undefined; readonly form: PageRequest } | HttpResponse> {
  if (form.interaction === undefined) return { pending: undefined, form }
  const pending = await takeUpToSignIn(core, http, form.interaction)
  if ('status' in pending || !('carried' in pending)) return 'status' in pending ? pending : { pending, form }
  const interaction = await store(core, http, pending.carried.interaction)
  if (isRefusal(interaction))
    return refusalPage(core, http, { endpoint: 'authorize', refusal: interaction, clientId: pending.request.clientId })
  return { pending, form: { ...form, interaction } }
}

/** How fresh a sign-in it must be: as the request asks; and whoever is signed in here and comes by himself wants to prove himself anew. */
function maxAgeOf(pending: Pending | undefined, signedIn: SignedIn | undefined): Seconds | undefined {
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
  if ('retryAfterSeconds' in reserved)
    return refusalPage(core, http, { endpoint: 'provider', refusal: throttled(reserved.retryAfterSeconds) })
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
