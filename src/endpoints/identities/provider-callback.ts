import { findUserOfIdentity } from '../../accounts/find-identity.ts'
import { relabelIdentity } from '../../accounts/relabel-identity.ts'
import { signInPolicy, type OAuthProvider, type Provider } from '../../config/provider.ts'
import type { FlowPurpose } from '../../domain/flow.ts'
import { provedAt } from '../../domain/session-state.ts'
import { signInBar } from '../../domain/sign-in-bar.ts'
import { upstreamProof } from '../../domain/upstream-proof.ts'
import { isRefusal, refuse, type Refusal } from '../../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../../protocol/http.ts'
import { parseParameters, refuseRepeated } from '../../protocol/parameters.ts'
import { browserHashOf } from '../../signin/browser.ts'
import { currentSession } from '../../signin/session.ts'
import type { UpstreamIdentity } from '../../upstream/identify.ts'
import { addIdentity } from './add-identity.ts'
import type { Core } from '../core.ts'
import { goOn } from './go-on.ts'
import { parkNewcomer } from './newcomer.ts'
import { refusalPage } from '../presentation.ts'
import { seeOther } from '../respond.ts'
import { troubled } from './provider-trouble.ts'
import { finishConnect } from '../vault/connected.ts'

/**
 * Where a provider sends browsers back to. The state is redeemed first, by this provider's callback and this browser alone;
 * then the answer is judged; then comes what the browser left for.
 */
export function createProviderCallbackEndpoint(core: Core, provider: OAuthProvider): Endpoint {
  return async (asked) => {
    const parameters = parseParameters(asked.query)
    // The address holds code and state; nothing on a page may repeat it.
    const http = { ...asked, query: '' }
    const refused = (refusal: Refusal): HttpResponse => refusalPage(core, http, { endpoint: 'callback', refusal })
    if (isRefusal(parameters)) return refused(parameters)
    // L02: of two states another parser would take the other one.
    const repeated = refuseRepeated(parameters)
    if (repeated !== undefined) return refused(repeated)
    const state = parameters.get('state')
    const taken = await core.upstream.take(provider, { state, browserHash: browserHashOf(core, http) })
    if (isRefusal(taken)) return refused(taken)
    const { purpose } = taken.flow
    const finished = await core.upstream.finish(provider, taken, parameters)
    if (purpose.for === 'connect') return finishConnect(core, http, { provider, purpose, finished })
    if (finished.kind !== 'done') return troubled(core, http, { provider, purpose, trouble: finished })
    core.limits.forgive('park', [http.peer.address])
    const { identity } = finished
    if (identity === undefined) return refused(refuse('invalid_request', 'upstream_subject'))
    switch (purpose.for) {
      case 'sign-in':
        return signInWith(core, http, {
          provider,
          identity,
          purpose,
          proved: upstreamProof(taken.flow, finished.authTime, core.clock.seconds()),
        })
      case 'link':
        return link(core, http, { provider, identity, purpose })
    }
  }
}

/** Login or create: whose identity it is, or a newcomer where newcomers are let in. Addresses and names count for nothing (L24). */
async function signInWith(
  core: Core,
  http: HttpRequest,
  about: {
    readonly provider: Provider
    readonly identity: UpstreamIdentity
    readonly purpose: Extract<FlowPurpose, { for: 'sign-in' }>
    readonly proved: ReturnType<typeof upstreamProof>
  },
): Promise<HttpResponse> {
  const { provider, identity, purpose, proved } = about
  const { for: _signIn, ...errand } = purpose
  if (proved === 'not fresh') return troubled(core, http, { provider, purpose, trouble: { kind: 'stale' } })
  const user = await findUserOfIdentity(core, identity)
  if (user === undefined) {
    if (signInPolicy(provider, core.usersPolicy()) === 'create')
      return parkNewcomer(core, http, { provider, identity, errand, amr: ['fed'], proved })
    return troubled(core, http, { provider, purpose, trouble: { kind: 'unknown' } })
  }
  const bar = signInBar(user)
  if (bar !== undefined) return troubled(core, http, { provider, purpose, trouble: { kind: bar } })
  await relabelIdentity(core, user.userId, { ...identity, provider: provider.name })
  const previous = await currentSession(core, http)
  // Coming back as who he is already, by a provider that doesn't say when it saw him, proves nothing newer than before.
  const known = proved.untold === true && previous?.user.userId === user.userId ? previous.session : proved
  const proof = { user, persistent: false, amr: ['fed'], acr: 'fed', proved: provedAt(known), previous }
  return goOn(core, http, { proof, errand })
}

/** L04: only in the very session that asked, so that nobody's identity ends up at somebody else's account. */
async function link(
  core: Core,
  http: HttpRequest,
  about: {
    readonly provider: OAuthProvider
    readonly identity: UpstreamIdentity
    readonly purpose: Extract<FlowPurpose, { for: 'link' }>
  },
): Promise<HttpResponse> {
  const { provider, identity, purpose } = about
  const signedIn = await currentSession(core, http)
  if (signedIn?.sessionId !== purpose.sessionId || signedIn.user.userId !== purpose.userId)
    return refusalPage(core, http, {
      endpoint: 'callback',
      refusal: refuse('invalid_request', 'flow_of_other_browser'),
    })
  const added = await addIdentity(core, http, { signedIn, provider: provider.name, identity })
  return seeOther(added === 'added' ? '/account/identities' : `/account/identities?problem=${added}`)
}
