import { boundRefusals } from '../audit/refusals.ts'
import { ref, type Decision } from '../domain/record.ts'
import { rotateRefresh, type Rotated } from '../domain/rotate-refresh.ts'
import { readWithNewest } from '../keys/read-with-newest.ts'
import { isRefusal, refuse, throttled, type Refusal } from '../protocol/errors.ts'
import { recollect } from '../store/look-up.ts'
import { transition } from '../store/transition.ts'
import type { Minted } from '../tokens/mint.ts'
import { printRefreshToken, readRefreshToken } from '../tokens/refresh.ts'
import type { GrantType } from './grant-type.ts'
import { activeUser, askedTarget, freshImprint, prepareIssue } from './issue.ts'

/** Refresh with rotation (RFC 6749 §6, RFC 9700 §4.14.2). */
export const refreshToken: GrantType = {
  name: 'refresh_token',
  async exchange(context, { client, parameters, http }) {
    const { limits, keys } = context
    const text = parameters.get('refresh_token')
    if (text === undefined) return refuse('invalid_request', 'parameter_missing', 'refresh_token is missing')
    const source = http.peer.address
    const blocked = limits.blocked('refresh', [source])
    if (blocked !== undefined) return throttled(blocked.retryAfterSeconds)
    const presented = await readWithNewest(keys, () => readRefreshToken(keys, text))
    if (presented === undefined) {
      limits.count('refresh', [source])
      return refuse('invalid_grant', 'refresh_malformed')
    }
    const grantId = presented.recordId
    const now = context.clock.seconds()
    // Whose grant it is, and of what, never changes.
    const known = await recollect(context.transition, ref('grant', grantId), now)
    if (known === undefined) return refuse('invalid_grant', 'unknown_grant')
    const user = await activeUser(context, known.userId)
    if (isRefusal(user)) return user

    // C11: what the client or the person lost since then is gone from the grant too.
    const held = {
      scope: known.scope.filter((scope) => client.scope.includes(scope)),
      resources: known.resources,
      user,
    }
    const lost = held.scope.length < known.scope.length
    const target = lost ? refuse('invalid_grant', 'scope_not_allowed') : await askedTarget(context, parameters, held)
    const issuing = await prepareIssue(context, {
      client,
      user,
      target: isRefusal(target) ? { resource: undefined, scope: [] } : target,
      grantId,
      grantType: 'refresh_token',
      now,
      address: source,
    })
    const fresh = freshImprint(context)
    const bounded = boundRefusals(context, source)
    const outcome = await transition(
      context.transition,
      { grant: ref('grant', grantId) },
      ({ grant }): Decision<(Rotated & { minted: Minted }) | Refusal> => {
        const decision = rotateRefresh(grant, {
          now,
          generation: presented.generation,
          imprint: presented.imprint,
          clientId: client.clientId,
          epoch: issuing.epoch,
          readyAt: context.readyAt(),
          fresh,
          accessTtl: issuing.accessTtl,
          eventId: issuing.eventId,
          issued: isRefusal(target) ? target : issuing.event,
          address: source,
        })
        const { result } = decision
        return isRefusal(result)
          ? { writes: bounded(decision.writes), result }
          : { writes: decision.writes, result: { ...result, minted: issuing.mint(result.grant) } }
      },
    )
    if (isRefusal(outcome)) return outcome
    return {
      minted: outcome.minted,
      scope: isRefusal(target) ? [] : target.scope,
      refreshToken: printRefreshToken(context.keys, { ...outcome, recordId: grantId }),
    }
  },
}
