import type { FlowPurpose } from '../../domain/flow.ts'
import { barReasons, type SignInBar } from '../../domain/sign-in-bar.ts'
import { refuse } from '../../protocol/errors.ts'
import type { HttpRequest, HttpResponse } from '../../protocol/http.ts'
import { openDestination } from '../../signin/destination.ts'
import type { Core } from '../core.ts'
import { refusalPage } from '../presentation.ts'
import { seeOther } from '../respond.ts'

export const noSuchProvider = refuse('invalid_request', 'provider_unknown', 'there is no such provider here')

type Trouble = {
  readonly kind: 'unavailable' | 'refused' | 'denied' | 'unknown' | SignInBar | 'stale'
  readonly why?: string
}

type Troubled = { readonly provider: { readonly name: string }; readonly trouble: Trouble }

const problems = {
  unavailable: ['providerBusy', 'failed'],
  refused: ['providerFailed', 'failed'],
  denied: ['providerDenied', 'denied'],
  unknown: ['providerUnknown', 'failed'],
  locked: ['providerLocked', 'failed'],
  bot: ['providerBot', 'failed'],
  stale: ['providerStale', 'failed'],
} as const

const reasons = {
  unavailable: 'upstream_unavailable',
  refused: 'upstream_refused',
  denied: 'upstream_denied',
  unknown: 'identity_unknown',
  ...barReasons,
  stale: 'upstream_not_fresh',
} as const

/** Back to where the person left from, with the reason in a closed word; the page's address keeps neither state nor code. */
export function troubled(
  core: Core,
  http: HttpRequest,
  about: Troubled & { readonly purpose: FlowPurpose },
): HttpResponse {
  const { provider, purpose, trouble } = about
  if (purpose.for === 'connect') return unconnected(core, http, about)
  core.observer.refused('provider', refuse('access_denied', reasons[trouble.kind]), {
    address: http.peer.address,
    reference: `${provider.name}: ${trouble.why ?? trouble.kind}`,
  })
  const [signIn, link] = problems[trouble.kind]
  if (purpose.for !== 'sign-in') return seeOther(`/account/identities?problem=${link}`)
  const next = openDestination(core, purpose)
  const query = new URLSearchParams({
    ...(purpose.interaction === undefined ? {} : { interaction: purpose.interaction }),
    ...(next === undefined ? {} : { next }),
    provider: provider.name,
    problem: signIn,
  })
  return seeOther(`/signin?${query.toString()}`)
}

/** Whoever left to connect has no page of ours to go back to; the address that he came by works again while it lives. */
function unconnected(core: Core, http: HttpRequest, { provider, trouble: { kind, why } }: Troubled): HttpResponse {
  core.observer.refused('connect', refuse('access_denied', reasons[kind]), {
    address: http.peer.address,
    reference: `${provider.name}: ${why ?? kind}`,
  })
  const again = kind === 'unavailable' ? { retryAfter: 30 } : {}
  const refusal = refuse(kind === 'unavailable' ? 'temporarily_unavailable' : 'server_error', reasons[kind])
  return refusalPage(
    core,
    { ...http, path: '/', query: '', body: '' },
    { endpoint: 'connect', refusal: { ...refusal, ...again } },
  )
}
