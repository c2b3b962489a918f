import { eventWrite } from '../../audit/event-write.ts'
import type { OAuthProvider } from '../../config/provider.ts'
import { consentId } from '../../domain/consent.ts'
import { bindConnection, startExpiry } from '../../domain/connect.ts'
import { lifetimes } from '../../domain/lifetimes.ts'
import type { SignedIn } from '../../domain/next-step.ts'
import { put, ref, type Decision } from '../../domain/record.ts'
import { widenConsent } from '../../domain/remembers-consent.ts'
import { connectPage, type ConnectProblem } from '../../pages/connect-page.ts'
import { readWithNewest } from '../../keys/read-with-newest.ts'
import { isRefusal, refuse, throttled, type Refusal } from '../../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../../protocol/http.ts'
import { parseParameters, refuseRepeated } from '../../protocol/parameters.ts'
import { browserHash, knowBrowser } from '../../signin/browser.ts'
import { bindForm, guardForm } from '../../signin/form-guard.ts'
import { currentSession } from '../../signin/session.ts'
import { transition } from '../../store/transition.ts'
import { openConnectTicket, type ConnectTicket } from '../../tokens/connect-ticket.ts'
import { normaliseShortCode } from '../../tokens/short-code.ts'
import { vaultScope } from '../../vault/agreed.ts'
import { refuseConnection } from '../../vault/obtain-connection.ts'
import { connectPath } from '../../vault/start-connection.ts'
import type { Core } from '../core.ts'
import { presentationFor, refusalPage, withHeaders } from '../presentation.ts'
import { troubled } from '../identities/provider-trouble.ts'
import { seeOther } from '../respond.ts'
import { leaveConnect } from './connected.ts'

type Opened = {
  readonly ticket: ConnectTicket
  readonly provider: OAuthProvider
  readonly signedIn: SignedIn | undefined
}

/** `GET /vault/connect/<ticket>`: what is asked, by whom and from where, before the browser goes to the provider. */
export function createConnectPageEndpoint(core: Core): Endpoint {
  return async (http) => {
    const opened = await open(core, http)
    return 'status' in opened ? opened : show(core, http, { opened })
  }
}

/** What that page sends. The first browser that says the right thing is bound, and goes to the provider. */
export function createConnectFormEndpoint(core: Core): Endpoint {
  return async (http) => {
    const parameters = parseParameters(http.body)
    if (isRefusal(parameters)) return refused(core, http, parameters)
    const opened = await open(core, http)
    if ('status' in opened) return opened
    const { ticket, signedIn } = opened
    const form = { purpose: purposeOf(ticket), signedIn, parameters }
    const foreign = refuseRepeated(parameters) ?? guardForm(core, http, form)
    if (foreign !== undefined) return refused(core, http, foreign)
    const isOwn = ticket.owner.kind === 'user'
    if (isOwn && parameters.get('decision') !== 'allow') return decline(core, http, opened)
    const right =
      isOwn ||
      (parameters.get('confirm_mine') !== undefined &&
        normaliseShortCode(parameters.get('user_code') ?? '') === ticket.userCode)
    const browser = knowBrowser(core, http)
    // Whoever comes so far and no further costs disk.
    const reserved = core.limits.reserve('connect-form', [http.peer.address])
    if ('retryAfterSeconds' in reserved) return refused(core, http, throttled(reserved.retryAfterSeconds))
    const bound = await bind(core, http, { opened, right, browserHash: browserHash(browser.value) })
    if (bound === 'wrong')
      return show(core, http, { opened, problem: parameters.get('confirm_mine') === undefined ? 'mine' : 'code' })
    if (bound === 'ended') return refused(core, http, refuse('invalid_request', 'connect_ended', ended))
    return goToProvider(core, http, { opened, browser })
  }
}

const ended = 'this connection was begun in another browser, or has ended: start it again'

async function open(core: Core, http: HttpRequest): Promise<Opened | HttpResponse> {
  const ticket = await readWithNewest(core.keys, () => openConnectTicket(core.keys, http.params['ticket'] ?? ''))
  const provider = ticket === undefined ? undefined : core.upstream.providers.get(ticket.provider)
  const now = core.clock.seconds()
  const { restoredAt = 0 } = await core.directory.instance()
  // FLT-33: what was started before a backup was restored may have been used since, or recalled.
  const isOver = ticket === undefined || now >= startExpiry(ticket) || ticket.startedAt < restoredAt
  if (isOver || provider === undefined || provider.kind === 'site-login')
    return refused(core, http, refuse('invalid_request', 'connect_ticket', 'the address has expired: start again'))
  if (ticket.owner.kind === 'handle' && !provider.anonymous)
    return refused(core, http, refuse('access_denied', 'connect_not_anonymous'))
  const signedIn = await currentSession(core, http)
  if (ticket.owner.kind !== 'user') return { ticket, provider, signedIn }
  // L04, L05: what an account started is opened in a session of that account, and in no other.
  if (signedIn === undefined) return seeOther(`/signin?next=${encodeURIComponent(http.path)}`)
  if (signedIn.user.userId !== ticket.owner.userId)
    return refused(core, http, refuse('access_denied', 'connect_other_user', 'another account started this'))
  return { ticket, provider, signedIn }
}

/** A form for one start answers no other. */
const purposeOf = ({ connectionId }: ConnectTicket): string => `connect:${connectionId}`

async function show(
  core: Core,
  http: HttpRequest,
  { opened, problem }: { readonly opened: Opened; readonly problem?: ConnectProblem },
): Promise<HttpResponse> {
  const { ticket, provider, signedIn } = opened
  const form = bindForm(core, http, { purpose: purposeOf(ticket), signedIn })
  const client = ticket.clientId === undefined ? undefined : await core.directory.client(ticket.clientId)
  const view = connectPage(presentationFor(core, http), {
    action: http.path,
    hidden: [form.field],
    provider: provider.title,
    scopes: ticket.scope,
    address: ticket.address,
    startedAt: ticket.startedAt,
    renews: ticket.renews !== undefined,
    ...(client !== undefined && {
      client: { clientId: client.clientId, ...(client.name !== undefined && { name: client.name }) },
    }),
    ...(ticket.owner.kind === 'user' && signedIn !== undefined && { person: signedIn.user }),
    ...(problem !== undefined && { problem }),
  })
  return withHeaders(view, form.setCookie)
}

/** One commit: who has it now, and what its account agreed to. L14: per client, before anything goes to the provider. */
async function bind(
  core: Core,
  http: HttpRequest,
  { opened, ...shown }: { readonly opened: Opened; readonly right: boolean; readonly browserHash: string },
): Promise<'bound' | 'wrong' | 'ended'> {
  const { ticket, signedIn } = opened
  const { owner, clientId } = ticket
  const connection = ref('connection', ticket.connectionId)
  if (owner.kind !== 'user' || clientId === undefined || signedIn === undefined)
    return transition(core.transition, { connection }, (slots, now) =>
      bindConnection(slots.connection, ticket, { ...shown, now }),
    )
  const { userId } = owner
  const scope = [vaultScope(ticket.provider)]
  const event = eventWrite(core, {
    type: 'consent.given',
    userId,
    clientId,
    sessionId: signedIn.sessionId,
    scope: scope.join(' '),
    address: http.peer.address,
  })
  const refs = { connection, consent: ref('consent', consentId(userId, clientId)) }
  return transition(
    core.transition,
    refs,
    ({ connection: slot, consent }, now): Decision<'bound' | 'wrong' | 'ended'> => {
      const bound = bindConnection(slot, ticket, { ...shown, now })
      if (bound.result !== 'bound') return bound
      const given = widenConsent(consent.value, {
        userId,
        clientId,
        scope,
        resources: [],
        claims: [],
        epoch: signedIn.user.epoch,
        givenAt: now,
      })
      const agreed = put(consent, given, { expiresAt: now + lifetimes.consent, owners: [userId, `client:${clientId}`] })
      return { writes: [...bound.writes, agreed, event], result: 'bound' }
    },
  )
}

async function goToProvider(
  core: Core,
  http: HttpRequest,
  {
    opened: { ticket, provider },
    browser,
  }: { readonly opened: Opened; readonly browser: ReturnType<typeof knowBrowser> },
): Promise<HttpResponse> {
  const purpose = { for: 'connect', connection: ticket.connectionId } as const
  const begun = await core.upstream.open(provider, {
    purpose,
    browserHash: browserHash(browser.value),
    scope: ticket.scope,
    offline: true,
  })
  if (begun.kind === 'begun') return seeOther(begun.url, browser.setCookie)
  return troubled(core, http, { provider, purpose, trouble: begun })
}

/** The account's owner says no on our own page. */
async function decline(core: Core, http: HttpRequest, { ticket, provider, signedIn }: Opened): Promise<HttpResponse> {
  const browser = knowBrowser(core, http)
  await transition(core.transition, { connection: ref('connection', ticket.connectionId) }, (slots, now) =>
    bindConnection(slots.connection, ticket, { right: true, browserHash: browserHash(browser.value), now }),
  )
  const { address } = http.peer
  await refuseConnection(core, ticket.connectionId, { why: 'consent_denied', userId: signedIn?.user.userId, address })
  return withHeaders(
    leaveConnect(core, http, {
      provider,
      connectionId: ticket.renews ?? ticket.connectionId,
      returnTo: ticket.returnTo,
      outcome: 'denied',
    }),
    browser.setCookie,
  )
}

function refused(core: Core, http: HttpRequest, refusal: Refusal): HttpResponse {
  return refusalPage(core, { ...http, path: connectPath, body: '' }, { endpoint: 'connect', refusal })
}
