import { isRefusal, refuse } from '../protocol/errors.ts'
import { isReservedScope } from '../protocol/scope.ts'
import { commitNew } from '../store/transition.ts'
import type { GrantType } from './grant-type.ts'
import { askedTarget, namedResources, prepareIssue } from './issue.ts'

/** Scopes that speak of a person: a client on its own has none. */
const personal: readonly string[] = ['openid', 'profile', 'email', 'roles', 'offline_access', 'me']

/** Client credentials (RFC 6749 §4.4). Changes no state but the audit log; never a refresh token (§4.4.3). */
export const clientCredentials: GrantType = {
  name: 'client_credentials',
  async exchange(context, { client, parameters, http }) {
    // RFC 6749 §4.4: confidential clients only.
    if (client.authentication.method === 'none') return refuse('unauthorized_client', 'grant_type_not_allowed')
    // Powers over this server go into a token only by name, as at authorize: a default would put them into every token that leaks.
    const byName = parameters.get('scope') !== undefined
    const held = {
      scope: client.scope.filter((scope) => !personal.includes(scope) && (byName || !isReservedScope(scope))),
      resources: namedResources(client, parameters),
      user: undefined,
    }
    const target = await askedTarget(context, parameters, held)
    if (isRefusal(target)) return target

    const { clock } = context
    const issuing = await prepareIssue(context, {
      client,
      user: undefined,
      target,
      grantId: context.random.id(clock.millis()),
      grantType: 'client_credentials',
      now: clock.seconds(),
      address: http.peer.address,
    })
    const minted = issuing.mint(undefined)
    await commitNew(context.transition, [issuing.record])
    return { minted, scope: target.scope }
  },
}
