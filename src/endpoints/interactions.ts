import type { AuthorizationRequest, Interaction } from '../domain/interaction.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import { create, put, ref, type Decision, type Slot, type Write } from '../domain/record.ts'
import { staleInteractionPage } from '../pages/stale-interaction-page.ts'
import { isRefusal, refuse, throttled, type Refusal } from '../protocol/errors.ts'
import type { HttpRequest, HttpResponse } from '../protocol/http.ts'
import { isLoopbackRequest } from '../protocol/loopback-request.ts'
import { verifyRedirectUri } from '../protocol/redirect-uri.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { browserHash, isOfBrowser, knowBrowser, type Browser } from '../signin/browser.ts'
import { lookUp } from '../store/look-up.ts'
import { commitNew, transition } from '../store/transition.ts'
import type { ReplyTo } from './authorization-response.ts'
import type { Core } from './core.ts'
import { presentationFor, refusalPage } from './presentation.ts'
import { seeOther } from './respond.ts'

/** An authorization request that waits for its person. */
export type Pending = {
  readonly request: AuthorizationRequest
  readonly to: ReplyTo
  /** Absent: the request has not been parked. */
  readonly parked?: { readonly id: string; readonly interaction: Interaction }
}

/** A parked authorization request, taken up again in its browser, its client and redirect URI checked afresh. */
export type Parked = Pending & Required<Pick<Pending, 'parked'>>

/** Nothing else is an id of ours; what a stranger sends instead costs no read. */
const idShape = /^[0-9A-Za-z_-]{34}$/

/** Park a request until its person has done what it needs, and send him there. */
export async function park(
  core: Core,
  http: HttpRequest,
  { request, path }: { readonly request: AuthorizationRequest; readonly path: string },
): Promise<HttpResponse> {
  const browser = knowBrowser(core, http)
  const id = await store(core, http, waitingFor(core, request, browser))
  if (isRefusal(id)) return refusalPage(core, http, { endpoint: 'authorize', refusal: id, clientId: request.clientId })
  return seeOther(`${path}?interaction=${id}`, browser.setCookie)
}

/** A request as it waits, from now on, for the person in this browser; for the first who comes, if there is none yet. */
export function waitingFor(core: Core, request: AuthorizationRequest, browser?: Browser): Interaction {
  const createdAt = core.clock.seconds()
  return { v: 1, request, createdAt, ...(browser !== undefined && { browserHash: browserHash(browser.value) }) }
}

/** Park a request that came by POST: a cross-site POST carries no cookie, so the GET that follows binds it to its browser. */
export async function parkUnbound(core: Core, http: HttpRequest, request: AuthorizationRequest): Promise<HttpResponse> {
  const id = await store(core, http, waitingFor(core, request))
  if (isRefusal(id)) return refusalPage(core, http, { endpoint: 'authorize', refusal: id, clientId: request.clientId })
  return seeOther(`/oauth/authorize/resume?interaction=${id}`)
}

/** Whoever asks and never answers fills the store, so parking has a budget; answered requests give back what they took. */
export async function store(core: Core, http: HttpRequest, interaction: Interaction): Promise<string | Refusal> {
  const reserved = core.limits.reserve('park', [http.peer.address])
  if ('retryAfterSeconds' in reserved) return throttled(reserved.retryAfterSeconds)
  const id = core.random.id(core.clock.millis())
  await commitNew(core.transition, [createParked(id, interaction)])
  return id
}

/** A waiting request as a record of its own. */
export function createParked(id: string, interaction: Interaction): Write {
  return create(ref('interaction', id), interaction, { owners: [], expiresAt: endOf(interaction) })
}

/** When a request has waited for too long, however far it has come. */
export function endOf({ createdAt }: Interaction): EpochSeconds {
  return createdAt + lifetimes.interaction
}

/** Take up a parked request. One that is gone, or belongs to another browser (B28), is the same to whoever asks. */
export async function takeUp(core: Core, http: HttpRequest, id: string | undefined): Promise<Parked | HttpResponse> {
  const interaction =
    id === undefined || !idShape.test(id)
      ? undefined
      : await lookUp(core.transition, ref('interaction', id), core.clock.seconds())
  if (id === undefined || interaction === undefined) return stale(core, http, 400)
  const claimed = await claim(core, http, interaction)
  return 'status' in claimed ? claimed : { ...claimed, parked: { id, interaction } }
}

/** A waiting request in the hands of its own browser, with its client and redirect URI as they are now. */
export async function claim(core: Core, http: HttpRequest, interaction: Interaction): Promise<Pending | HttpResponse> {
  if (!isOfBrowser(core, http, interaction)) return stale(core, http, 403)
  const to = await replyToOf(core, http, interaction.request)
  if (isRefusal(to))
    return refusalPage(core, http, { endpoint: 'authorize', refusal: to, clientId: interaction.request.clientId })
  return { request: interaction.request, to }
}

export function stale(core: Core, http: HttpRequest, status: 400 | 403): HttpResponse {
  return staleInteractionPage(presentationFor(core, http), { status })
}

/** A31: a client that was switched off, or a redirect URI withdrawn, since the request was parked. */
async function replyToOf(core: Core, http: HttpRequest, request: AuthorizationRequest): Promise<ReplyTo | Refusal> {
  const client = await core.directory.client(request.clientId)
  if (client === undefined || client.disabled) return refuse('unauthorized_client', 'client_disabled')
  if (client.loopbackOnly && !isLoopbackRequest(core, http))
    return refuse('unauthorized_client', 'client_loopback_only')
  const target = verifyRedirectUri(client.redirectUris, request.redirectUri)
  if (isRefusal(target)) return target
  return { client, target, mode: request.responseMode, state: request.state }
}

/** The first browser that follows the redirect of a POST owns the request. */
export async function bindToBrowser(
  core: Core,
  http: HttpRequest,
  id: string | undefined,
): Promise<HttpResponse | undefined> {
  if (id === undefined || !idShape.test(id)) return undefined
  const browser = knowBrowser(core, http)
  const bound = await transition(core.transition, { interaction: ref('interaction', id) }, ({ interaction }) => {
    const { value } = interaction
    if (value === undefined || value.browserHash !== undefined) return { writes: [], result: false }
    const bound = { ...value, browserHash: browserHash(browser.value) }
    return {
      writes: [put(interaction, bound, { expiresAt: endOf(value) })],
      result: true,
    }
  })
  return bound ? seeOther(`/oauth/authorize/resume?interaction=${id}`, browser.setCookie) : undefined
}

export type Progress = Pick<Interaction, 'sessionId' | 'authenticatedAt' | 'browserHash'>

/** Note in a parked request who signed in, or was chosen, for it. Nothing, if it was used up or has expired meanwhile. */
export async function advance(core: Core, pending: Parked, progress: Progress): Promise<Parked | undefined> {
  const refs = { interaction: ref('interaction', pending.parked.id) }
  return transition(core.transition, refs, ({ interaction }) => noteProgress(interaction, pending, progress))
}

/** The same as a decision, for the commit of what makes the progress. */
export function noteProgress(
  slot: Slot<'interaction'>,
  pending: Parked,
  progress: Progress,
): Decision<Parked | undefined> {
  if (slot.value === undefined) return { writes: [], result: undefined }
  const interaction: Interaction = { ...slot.value, ...progress }
  return {
    writes: [put(slot, interaction, { expiresAt: endOf(interaction) })],
    result: { ...pending, parked: { id: slot.id, interaction } },
  }
}
