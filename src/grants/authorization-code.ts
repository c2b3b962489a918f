import { sha256 } from '../crypto/hash.ts'
import { ref, type Decision } from '../domain/record.ts'
import { redeemCode } from '../domain/redeem-code.ts'
import { readWithNewest } from '../keys/read-with-newest.ts'
import { isRefusal, refuse, throttled, type Refusal } from '../protocol/errors.ts'
import { codeChallengeOf, parseCodeVerifier } from '../protocol/pkce.ts'
import { recollect } from '../store/look-up.ts'
import { transition } from '../store/transition.ts'
import { readCode } from '../tokens/code.ts'
import type { Minted } from '../tokens/mint.ts'
import { printRefreshToken } from '../tokens/refresh.ts'
import type { GrantType } from './grant-type.ts'
import { activeUser, askedTarget, deviceOf, newRefresh, prepareIssue } from './issue.ts'

/** Authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5). */
export const authorizationCode: GrantType = {
  name: 'authorization_code',
  async exchange(context, { client, parameters, http }) {
    const { limits, keys } = context
    const text = parameters.get('code')
    if (text === undefined) return refuse('invalid_request', 'parameter_missing', 'code is missing')
    const source = http.peer.address
    const blocked = limits.blocked('code', [source])
    if (blocked !== undefined) return throttled(blocked.retryAfterSeconds)
    // The MAC decides before the store is asked: a guess costs us two microseconds and no read.
    const code = await readWithNewest(keys, () => readCode(keys, text))
    if (code === undefined) {
      limits.count('code', [source])
      return refuse('invalid_grant', 'code_malformed')
    }
    const now = context.clock.seconds()
    // Whose grant it is, and of what, never changes.
    const known = await recollect(context.transition, ref('grant', code.recordId), now)
    if (known === undefined) return refuse('invalid_grant', 'unknown_code')

    const verifier = parseCodeVerifier(parameters.get('code_verifier'))
    // B01: a missing or misshapen verifier goes on as one that can't match, so that the code burns.
    const challenge = isRefusal(verifier) ? '' : codeChallengeOf(verifier, sha256)
    const user = await activeUser(context, known.userId)
    if (isRefusal(user)) return user
    // Whether the request asks for too much is said last: a replayed or stolen code is one whatever else stands beside it (B01, B07, B09).
    const target = await askedTarget(context, parameters, { scope: known.scope, resources: known.resources, user })

    const issuing = await prepareIssue(context, {
      client,
      user,
      target: isRefusal(target) ? { resource: undefined, scope: [] } : target,
      grantId: code.recordId,
      grantType: 'authorization_code',
      now,
      address: source,
    })
    const redirectUri = parameters.get('redirect_uri')
    const refresh = newRefresh(context, client, now)
    const outcome = await transition(
      context.transition,
      { grant: ref('grant', code.recordId) },
      ({ grant }): Decision<Minted | Refusal> => {
        const decision = redeemCode(grant, {
          now,
          imprint: code.imprint,
          clientId: client.clientId,
          challenge,
          ...(redirectUri === undefined ? {} : { redirectUri }),
          epoch: issuing.epoch,
          ...(refresh === undefined ? {} : { refresh }),
          deviceName: deviceOf(parameters, http),
          accessTtl: issuing.accessTtl,
          eventId: issuing.eventId,
          issued: isRefusal(target) ? target : { ...issuing.event, type: 'code.redeemed' },
          address: source,
        })
        const { result } = decision
        return isRefusal(result)
          ? { writes: decision.writes, result }
          : { writes: decision.writes, result: issuing.mint(result) }
      },
    )
    if (isRefusal(outcome)) return outcome
    return {
      minted: outcome,
      scope: isRefusal(target) ? [] : target.scope,
      ...(refresh === undefined
        ? {}
        : {
            refreshToken: printRefreshToken(context.keys, {
              recordId: code.recordId,
              generation: 0,
              imprint: refresh.imprint,
            }),
          }),
    }
  },
}
