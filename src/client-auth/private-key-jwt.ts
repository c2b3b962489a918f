import { sha256 } from '../crypto/hash.ts'
import { unverifiedClaims, verifyAssertion as verifyAssertionJws } from '../crypto/assertion-jws.ts'
import type { Client } from '../domain/client.ts'
import { put, ref } from '../domain/record.ts'
import { isRefusal, refuse, throttled, type Refusal } from '../protocol/errors.ts'
import type { Peer } from '../protocol/http.ts'
import type { Reason } from '../protocol/reasons.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { transition } from '../store/transition.ts'
import type { ClientAuthContext } from './context.ts'

/** An assertion is made for one request: longer lives only help whoever copied it. */
const longestLifeSeconds = 300
const skewSeconds = 60
/** RFC 7523bis gives the assertion its own type; older libraries send `JWT` or nothing. Any other type is another token. */
const types: readonly string[] = ['client-authentication+jwt', 'jwt', '']

/** `private_key_jwt` (RFC 7523 §3, OIDC Core §9): signed by the client's registered key, for us alone, once. */
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
  const verified = verifySignature(client, presented.assertion)
  if (client === undefined || isRefusal(verified)) {
    limits.count('client-secret', key)
    return isRefusal(verified) ? verified : refuse('invalid_client', 'client_unknown')
  }
  const wrong = wrongClaim(context, client, verified, clock.seconds())
  if (wrong !== undefined) return refuse('invalid_client', wrong)
  return once(context, client, String(verified['jti']), Number(verified['exp']))
}

const reasons = {
  malformed: 'assertion_malformed',
  type: 'assertion_type',
  algorithm: 'assertion_algorithm',
  key: 'assertion_key',
  signature: 'assertion_signature',
} as const satisfies Record<string, Reason>

function verifySignature(client: Client | undefined, assertion: string): Readonly<Record<string, unknown>> | Refusal {
  const registered = client?.authentication
  if (registered === undefined) return refuse('invalid_client', 'client_unknown')
  if (registered.method !== 'private_key_jwt') return refuse('invalid_client', 'authentication_method')
  const verified = verifyAssertionJws(assertion, registered)
  if ('refused' in verified) return refuse('invalid_client', reasons[verified.refused])
  // RFC 8725 §3.11: an access or logout token of ours, signed with the same key, is no assertion.
  return types.includes(verified.type) ? verified.claims : refuse('invalid_client', 'assertion_type')
}

function wrongClaim(
  context: ClientAuthContext,
  client: Client,
  claims: Readonly<Record<string, unknown>>,
  now: EpochSeconds,
): Reason | undefined {
  const { iss, sub, aud, exp, iat, nbf, jti } = claims
  if (iss !== client.clientId || sub !== client.clientId) return 'assertion_issuer'
  if (!isForUs(context, client, aud)) return 'assertion_audience'
  if (!isTime(exp) || exp <= now || exp > now + longestLifeSeconds + skewSeconds) return 'assertion_times'
  if (iat !== undefined && (!isTime(iat) || iat > now + skewSeconds)) return 'assertion_times'
  if (nbf !== undefined && (!isTime(nbf) || nbf > now + skewSeconds)) return 'assertion_times'
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

/** RFC 7523 §3 (7): each `jti` once, also after a restart. */
async function once(
  context: ClientAuthContext,
  client: Client,
  jti: string,
  exp: EpochSeconds,
): Promise<Client | Refusal> {
  const seen = ref('once', sha256(`client-assertion\n${client.clientId.length}:${client.clientId}\n${jti}`))
  const fresh = await transition(context.transition, { seen }, (slots) =>
    slots.seen.value === undefined
      ? { writes: [put(slots.seen, { v: 1 }, { expiresAt: exp + skewSeconds, owners: [] })], result: true }
      : { writes: [], result: false },
  )
  return fresh ? client : refuse('invalid_client', 'assertion_replayed')
}

function isTime(value: unknown): value is EpochSeconds {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
