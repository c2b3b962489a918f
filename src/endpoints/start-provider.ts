import type { OAuthProvider } from '../config/provider.ts'
import type { FlowPurpose } from '../domain/flow.ts'
import { refuse, throttled } from '../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../protocol/http.ts'
import { browserHash, knowBrowser } from '../signin/browser.ts'
import type { Core } from './core.ts'
import { takeUp } from './interactions.ts'
import { refusalPage } from './presentation.ts'
import { stepOf } from './proceed.ts'
import { readPageRequest } from './read-page-request.ts'
import { seeOther } from './respond.ts'

/** `/signin/with/<provider>`: the way to another server to sign in there. A page to leave from, not a deed: it signs nobody in. */
export function createStartProviderEndpoint(core: Core): Endpoint {
  return async (http) => {
    const provider = core.upstream.providers.get(http.params['provider'] ?? '')
    // J15: a name that is none of ours is the caller's own word, and no page repeats it.
    if (provider === undefined || provider.kind === 'site-login' || provider.signIn === 'off')
      return refusalPage(core, { ...http, path: '/signin' }, 'provider', noSuchProvider)
    const asked = await readPageRequest(core, http, 'signin')
    if ('status' in asked) return asked
    const { interaction, signedIn } = asked
    const pending = interaction === undefined ? undefined : await takeUp(core, http, interaction)
    if (pending !== undefined && 'status' in pending) return pending
    const step = pending === undefined ? undefined : await stepOf(core, pending, signedIn)
    const fresh = step?.step === 'sign-in' && (step.reason === 'prompt' || step.reason === 'max_age')
    const purpose: FlowPurpose = { for: 'sign-in', ...(interaction !== undefined && { interaction }) }
    return sendToProvider(core, http, { provider, purpose, fresh })
  }
}

export const noSuchProvider = refuse('invalid_request', 'provider_unknown', 'there is no such provider here')

/** Remember what the browser leaves for, and send it off. Whoever leaves and never returns fills the store, so leaving has a budget. */
export async function sendToProvider(
  core: Core,
  http: HttpRequest,
  about: { readonly provider: OAuthProvider; readonly purpose: FlowPurpose; readonly fresh: boolean },
): Promise<HttpResponse> {
  const { provider, purpose, fresh } = about
  const reserved = core.limits.reserve('park', [http.peer.address])
  if ('retryAfterSeconds' in reserved) return refusalPage(core, http, 'provider', throttled(reserved.retryAfterSeconds))
  const browser = knowBrowser(core, http)
  const opened = await core.upstream.open(provider, {
    purpose,
    browserHash: browserHash(browser.value),
    scope: provider.scope,
    offline: false,
    fresh,
  })
  if (opened.kind === 'begun') return seeOther(opened.url, browser.setCookie)
  reserved.forgive()
  return troubled(core, http, { provider, purpose, trouble: opened })
}

type Trouble = { readonly kind: 'unavailable' | 'refused' | 'denied' | 'unknown' | 'locked'; readonly why?: string }

const problems = {
  unavailable: ['providerBusy', 'failed'],
  refused: ['providerFailed', 'failed'],
  denied: ['providerDenied', 'denied'],
  unknown: ['providerUnknown', 'failed'],
  locked: ['providerLocked', 'failed'],
} as const

const reasons = {
  unavailable: 'upstream_unavailable',
  refused: 'upstream_refused',
  denied: 'upstream_denied',
  unknown: 'identity_unknown',
  locked: 'user_locked',
} as const

/** Back to where the person left from, with the reason in a closed word; the page's address keeps neither state nor code. */
export function troubled(
  core: Core,
  http: HttpRequest,
  about: { readonly provider: { readonly name: string }; readonly purpose: FlowPurpose; readonly trouble: Trouble },
): HttpResponse {
  const { provider, purpose, trouble } = about
  core.observer.refused('provider', refuse('access_denied', reasons[trouble.kind]), {
    address: http.peer.address,
    reference: `${provider.name}: ${trouble.why ?? trouble.kind}`,
  })
  const [signIn, link] = problems[trouble.kind]
  if (purpose.for !== 'sign-in') return seeOther(`/account/identities?problem=${link}`)
  const query = new URLSearchParams({
    ...(purpose.interaction === undefined ? {} : { interaction: purpose.interaction }),
    provider: provider.name,
    problem: signIn,
  })
  return seeOther(`/signin?${query.toString()}`)
}
