import type { Client } from '../domain/client.ts'
import { formPostPage } from '../pages/form-post-page.ts'
import { describe, type Refusal } from '../protocol/errors.ts'
import type { HttpRequest, HttpResponse } from '../protocol/http.ts'
import type { Pair } from '../protocol/parameters.ts'
import type { RedirectTarget } from '../protocol/redirect-uri.ts'
import type { ResponseMode } from '../protocol/response-mode.ts'
import { printResponseUrl } from '../protocol/response-url.ts'
import type { Core } from './core.ts'
import { presentationFor, requesterOf } from './presentation.ts'
import { seeOther } from './respond.ts'

/** Where and how a client gets its answer. Only a verified redirect URI can be a target. */
export type ReplyTo = {
  readonly client: Client
  readonly target: RedirectTarget
  readonly mode: ResponseMode
  readonly state?: string | undefined
}

/** An authorization response (RFC 6749 §4.1.2), with `iss` always (RFC 9207 §2). */
export function replyToClient(
  core: Core,
  http: HttpRequest,
  { to, pairs }: { readonly to: ReplyTo; readonly pairs: readonly Pair[] },
): HttpResponse {
  const all: readonly Pair[] = [
    ...pairs,
    ...(to.state === undefined ? [] : [['state', to.state] as const]),
    ['iss', core.issuer],
  ]
  if (to.mode === 'form_post') {
    return formPostPage(presentationFor(core, http), {
      requester: requesterOf(to.client, to.target),
      parameters: all.map(([name, value]) => ({ name, value })),
    })
  }
  const url = printResponseUrl(to.target, to.mode, all)
  // A29: a browser carries a fragment on over a redirect that has none, and so to wherever this client sends it.
  return seeOther(to.mode === 'query' && to.client.legacy.includes('open_redirector') ? `${url}#_` : url)
}

/** An authorization error response (RFC 6749 §4.1.2.1). */
export function refuseToClient(
  core: Core,
  http: HttpRequest,
  { to, refusal }: { readonly to: ReplyTo; readonly refusal: Refusal },
): HttpResponse {
  core.observer.refused('authorize', refusal, { clientId: to.client.clientId, address: http.peer.address })
  return replyToClient(core, http, {
    to,
    pairs: [
      ['error', refusal.error],
      ['error_description', describe(refusal)],
    ],
  })
}
