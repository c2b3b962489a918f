import { unverifiedClaims } from '../crypto/assertion-jws.ts'
import type { JwsRefusal } from '../crypto/jws.ts'
import type { Client } from '../domain/client.ts'
import { isRefusal, refuse, throttled, type Refusal } from '../protocol/errors.ts'
import type { Peer } from '../protocol/http.ts'
import type { Reason } from '../protocol/reasons.ts'
import { clockTolerance, type EpochSeconds } from '../protocol/time.ts'
import { verifyClientSecretJwt } from './client-secret-jwt.ts'
import type { ClientAuthContext } from './context.ts'
import { useOnce } from './use-once.ts'
import { verifyPrivateKeyJwt } from './private-key-jwt.ts'

/** An assertion is made for one request: longer lives only help whoever copied it. */
const longestLifeSeconds = 300
/** RFC 7523bis gives the assertion its own type; older libraries send `JWT` or nothing. Any other type is another token. */
const types: readonly string[] = ['client-authentication+jwt', 'jwt', '']

/**
 * `private_key_jwt` and `client_secret_jwt` (RFC 7523 §3, OIDC Core §9): signed by the client's registered key or MACed with its
 * secret, for us alone, once.
 */
export async function verifyAssertion(
  context: ClientAuthContext,
  presented: { readonly clientId: string | undefined; readonly assertion: string },
  peer: Peer,
): Promise<Client | Refusal> {
  const { limits, directory, clock } = context
  const named = presented.clientId ?? unverifiedClaims(presented.assertion)?.['sub']
  if (typeof named !== 'string') return refuse('invalid_client', 'assertion_malformed')
  const key = [named, peer.address] as const
  const blocked = limits.blocked('client-secret', key)
  if (blocked !== undefined) return throttled(blocked.retryAfterSeconds)

  const client = await directory.client(named)
  const verified = await verifySignature(context, client, presented.assertion)
  if (client === undefined || isRefusal(verified)) {
    limits.count('client-secret', key)
    return isRefusal(verified) ? verified : refuse('invalid_client', 'client_unknown')
  }
  const wrong = wrongClaim(context, { client, claims: verified, now: clock.seconds() })
  if (wrong !== undefined) return refuse('invalid_client', wrong)
  // RFC 7523 §3 (7): each `jti` once, also after a restart.
  const replayed = await useOnce(context, client.clientId, [
    {
      what: ['client-assertion', client.clientId, String(verified['jti'])],
      until: Number(verified['exp']) + clockTolerance,
    },
  ])
  if (isRefusal(replayed)) return replayed
  return replayed === undefined ? client : refuse('invalid_client', 'assertion_replayed')
}

const reasons = {
  malformed: 'assertion_malformed',
  type: 'assertion_type',
  algorithm: 'assertion_algorithm',
  key: 'assertion_key',
  signature: 'assertion_signature',
} as const satisfies Record<JwsRefusal['refused'], Reason>

async function verifySignature(
  context: ClientAuthContext,
  client: Client | undefined,
  assertion: string,
): Promise<Readonly<Record<string, unknown>> | Refusal> {
  if (client === undefined) return refuse('invalid_client', 'client_unknown')
  // The registration alone says which of the two it is: a public key never becomes an HMAC secret (D12).
  const verified = verifyPrivateKeyJwt(client, assertion) ?? (await verifyClientSecretJwt(context, client, assertion))
  if (verified === undefined) return refuse('invalid_client', 'authentication_method')
  if ('refused' in verified) return refuse('invalid_client', reasons[verified.refused])
  // RFC 8725 §3.11: an access or logout token of ours, signed with the same key, is no assertion.
  return types.includes(verified.type) ? verified.claims : refuse('invalid_client', 'assertion_type')
}

function wrongClaim(
  context: ClientAuthContext,
  {
    client,
    claims,
    now,
  }: { readonly client: Client; readonly claims: Readonly<Record<string, unknown>>; readonly now: EpochSeconds },
): Reason | undefined {
  const { iss, sub, aud, exp, iat, nbf, jti } = claims
  if (iss !== client.clientId || sub !== client.clientId) return 'assertion_issuer'
  if (!isForUs(context, client, aud)) return 'assertion_audience'
  if (!isTime(exp) || exp <= now || exp > now + longestLifeSeconds + clockTolerance) return 'assertion_times'
  if (iat !== undefined && (!isTime(iat) || iat > now + clockTolerance)) return 'assertion_times'
  if (nbf !== undefined && (!isTime(nbf) || nbf > now + clockTolerance)) return 'assertion_times'
  if (typeof jti !== 'string' || jti === '' || jti.length > 256) return 'assertion_jti'
  return undefined
}

/**
 * RFC 7523bis §4: the issuer, as the only string. Anything a client can be talked into putting there besides
 * (another server's token endpoint) is how an assertion gets stolen.
 */
function isForUs(context: ClientAuthContext, client: Client, aud: unknown): boolean {
  if (aud === context.issuer) return true
  if (!client.legacy.includes('assertion_audience')) return false
  const only: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud
  return only === context.issuer || only === `${context.issuer}/oauth/token`
}

function isTime(value: unknown): value is EpochSeconds {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
