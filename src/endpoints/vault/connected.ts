import type { OAuthProvider } from '../../config/provider.ts'
import { ownerKey } from '../../domain/connection.ts'
import type { FlowPurpose } from '../../domain/flow.ts'
import { ref } from '../../domain/record.ts'
import { connectedPage, type ConnectOutcome } from '../../pages/connected-page.ts'
import { refuse } from '../../protocol/errors.ts'
import type { HttpRequest, HttpResponse } from '../../protocol/http.ts'
import { printParameters, type Pair } from '../../protocol/parameters.ts'
import { browserHashOf } from '../../signin/browser.ts'
import { currentSession } from '../../signin/session.ts'
import { readAlive } from '../../store/read-alive.ts'
import type { Finished } from '../../upstream/finish-upstream.ts'
import { obtainConnection, refuseConnection } from '../../vault/obtain-connection.ts'
import type { Core } from '../core.ts'
import { presentationFor, refusalPage } from '../presentation.ts'
import { troubled } from '../identities/provider-trouble.ts'
import { seeOther } from '../respond.ts'

/** What a browser brings back that left to connect: tokens that are kept, a no that is noted, or nothing (then it may go again). */
export async function finishConnect(
  core: Core,
  http: HttpRequest,
  about: {
    readonly provider: OAuthProvider
    readonly purpose: Extract<FlowPurpose, { for: 'connect' }>
    readonly finished: Finished
  },
): Promise<HttpResponse> {
  const { provider, purpose, finished } = about
  const connectionId = purpose.connection
  const { address, socketAddress, forwarded } = http.peer
  // Behind a proxy that nobody told us to trust everybody has its address: that isn't the same one.
  const addressKnown = !forwarded || address !== socketAddress
  const signedIn = await currentSession(core, http)
  const userId = signedIn?.user.userId
  if (finished.kind === 'denied') {
    const pending = await readAlive(core.transition.store, ref('connection', connectionId), core.clock.seconds())
    await refuseConnection(core, connectionId, { why: finished.why, userId, address })
    const { returnTo, renews = connectionId } = pending?.state === 'pending' ? pending : {}
    return leaveConnect(core, http, { provider, connectionId: renews, returnTo, outcome: 'denied' })
  }
  if (finished.kind !== 'done') return troubled(core, http, { provider, purpose, trouble: finished })
  const hash = browserHashOf(core, http)
  const obtained = await obtainConnection(
    core,
    { connectionId, provider: provider.name, browserHash: hash, address, addressKnown, userId },
    finished,
  )
  if (obtained === undefined)
    return refusalPage(core, http, { endpoint: 'callback', refusal: refuse('invalid_request', 'connect_ended') })
  const { pending, sameAccount, confirmationCode } = obtained
  core.limits.forgive('connect-form', [address])
  if (pending.owner.kind !== 'handle') core.limits.forgive('connect-owned', [ownerKey(pending.owner)])
  return leaveConnect(core, http, {
    provider,
    connectionId: pending.renews ?? connectionId,
    returnTo: pending.returnTo,
    outcome: sameAccount ? 'connected' : 'anotherAccount',
    confirmationCode: sameAccount ? confirmationCode : undefined,
  })
}

/** Where the person ends up: at the client that registered the address, or on a last page of ours. */
export function leaveConnect(
  core: Core,
  http: HttpRequest,
  about: {
    readonly provider: OAuthProvider
    readonly connectionId: string
    readonly returnTo: string | undefined
    readonly outcome: ConnectOutcome
    readonly confirmationCode?: string | undefined
  },
): HttpResponse {
  const { provider, returnTo, outcome, connectionId, confirmationCode } = about
  if (returnTo === undefined)
    return connectedPage(presentationFor(core, { ...http, path: '/', query: '', body: '' }), {
      provider: provider.title,
      outcome,
      confirmationCode,
    })
  const pairs: readonly Pair[] = [
    ['connection', connectionId],
    ...(outcome !== 'connected' ? [['error', 'access_denied'] as const] : []),
    ...(confirmationCode === undefined ? [] : [['confirm', confirmationCode] as const]),
    ['iss', core.issuer],
  ]
  return seeOther(`${returnTo}${returnTo.includes('?') ? '&' : '?'}${printParameters(pairs)}`)
}
