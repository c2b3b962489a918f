import { findFactors } from '../accounts/find-factors.ts'
import { hasSecondFactor } from '../domain/factors.ts'
import type { Grant } from '../domain/grant.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import { scopeAllowedTo } from '../domain/narrow.ts'
import { create, ref } from '../domain/record.ts'
import { firstRefresh } from '../domain/redeem-code.ts'
import { isRefusal, refuse } from '../protocol/errors.ts'
import { isReservedScope } from '../protocol/scope.ts'
import { verifyPassword } from '../signin/password.ts'
import { commitNew } from '../store/transition.ts'
import { printRefreshToken } from '../tokens/refresh.ts'
import type { GrantType } from './grant-type.ts'
import { askedTarget, deviceOf, namedResources, newRefresh, prepareIssue } from './issue.ts'

/**
 * Resource owner password credentials (RFC 6749 §4.3), which OAuth 2.1 dropped: for clients with the legacy switch alone,
 * behind the same throttle as the sign-in page.
 */
export const password: GrantType = {
  name: 'password',
  async exchange(context, { client, parameters, http }) {
    if (!client.legacy.includes('password')) return refuse('unauthorized_client', 'grant_type_not_allowed')
    const username = parameters.get('username')
    const secret = parameters.get('password')
    if (username === undefined || secret === undefined) {
      return refuse('invalid_request', 'parameter_missing', 'username and password are needed')
    }
    const user = await verifyPassword(context, { username, password: secret, address: http.peer.address })
    if (isRefusal(user)) return user
    // C25: a form of somebody else's has no place for the second factor, and it is never skipped.
    const owed =
      client.requireSecondFactor === true ||
      context.usersPolicy().secondFactor?.includes(user.role) === true ||
      hasSecondFactor(await findFactors(context, user.userId))
    if (owed)
      return refuse(
        'invalid_grant',
        'second_factor_needed',
        'this takes a second factor: use the authorization code flow',
      )

    const resources = namedResources(client, parameters)
    // A client that sees its users' passwords gets nothing beyond their own accounts, unless it never leaves this machine.
    const scope = client.scope.filter(
      (name) => scopeAllowedTo(user, name, undefined) && (client.loopbackOnly || !isReservedScope(name)),
    )
    const target = await askedTarget(context, parameters, { scope, resources, user })
    if (isRefusal(target)) return target

    const { clock } = context
    const now = clock.seconds()
    const grantId = context.random.id(clock.millis())
    const issuing = await prepareIssue(context, {
      client,
      user,
      target,
      grantId,
      grantType: 'password',
      now,
      address: http.peer.address,
    })
    const refresh = newRefresh(context, client, now)
    const grant: Grant = {
      v: 1,
      clientId: client.clientId,
      userId: user.userId,
      scope: target.scope,
      resources: target.resource === undefined ? [] : [target.resource.resource],
      epoch: issuing.epoch,
      createdAt: now,
      authentication: { authTime: now, acr: 'pwd', amr: ['pwd'] },
      ...(refresh === undefined ? {} : { refresh: firstRefresh(refresh, now) }),
      deviceName: deviceOf(parameters, http),
    }
    const minted = issuing.mint(grant)
    await commitNew(context.transition, [
      create(ref('grant', grantId), grant, {
        owners: [user.userId, `client:${client.clientId}`],
        expiresAt: Math.max(grant.refresh?.idleExpiresAt ?? 0, now + lifetimes.longestAccessToken),
      }),
      issuing.record,
    ])
    return {
      minted,
      scope: target.scope,
      ...(refresh === undefined
        ? {}
        : {
            refreshToken: printRefreshToken(context.keys, {
              recordId: grantId,
              generation: 0,
              imprint: refresh.imprint,
            }),
          }),
    }
  },
}
