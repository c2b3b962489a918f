import type { JsonObject } from '../crypto/strict-json.ts'
import { clockTolerance, type EpochSeconds } from '../protocol/time.ts'
import type { TokenRefusal } from './token-refusal.ts'

/** What an access token says, whatever its format (RFC 9068 §2.2, and `gid` and `epoch` of ours). */
export type AccessClaims = {
  readonly iss: string
  /** User id, or client id for a client that acts for itself. */
  readonly sub: string
  readonly aud: readonly string[]
  readonly clientId: string
  readonly scope: readonly string[]
  readonly iat: EpochSeconds
  readonly exp: EpochSeconds
  readonly jti: string
  /** The grant that it comes from. */
  readonly gid: string
  /** `<global>.<user or ->.<client>` at issuance. */
  readonly epoch: string
  readonly authTime?: EpochSeconds
  readonly acr?: string
  /** What the resource asked for beyond that. */
  readonly extra?: JsonObject
  /** Its key was brought along from another server: it has neither client nor grant, and its time stands in for an epoch. */
  readonly imported?: true
  /** What holders added to a macaroon, met and taken into account already. Absent: the token isn't a macaroon. */
  readonly caveats?: readonly string[]
}

/** RFC 9068 §2.2 in JSON. A single audience is a plain string. */
export function printJwtClaims(claims: AccessClaims): string {
  const { iss, sub, aud, clientId, scope, iat, exp, jti, gid, epoch, authTime, acr, extra } = claims
  const single = aud.length === 1 ? aud[0] : aud
  return JSON.stringify({
    iss,
    sub,
    aud: single,
    client_id: clientId,
    scope: scope.length === 0 ? undefined : scope.join(' '),
    iat,
    exp,
    jti,
    gid,
    epoch,
    auth_time: authTime,
    acr,
    ...extra,
  })
}

const ownClaims = new Set('iss sub aud client_id scope iat exp jti gid epoch auth_time acr'.split(' '))

/** Claims that restrict a token in ways that this version can't check: one that holds them is refused, not half understood. */
const restricting = ['nbf', 'cnf', 'act', 'may_act', 'authorization_details']

/** Claims for a resource, without any name that means something to a verifier: nothing of ours is ever overridden. */
export function harmlessClaims(claims: JsonObject | undefined): JsonObject | undefined {
  const kept = Object.entries(claims ?? {}).filter(([name]) => !ownClaims.has(name) && !restricting.includes(name))
  return kept.length === 0 ? undefined : Object.fromEntries(kept)
}

/** The claims of a JWT whose signature is right, each of exactly its type (E11), or undefined. */
export function parseJwtClaims(claims: JsonObject): AccessClaims | undefined {
  if (restricting.some((name) => Object.hasOwn(claims, name))) return undefined
  const { aud, scope } = claims
  const extra = harmlessClaims(claims)
  return checkedClaims({
    iss: claims['iss'],
    sub: claims['sub'],
    aud: typeof aud === 'string' ? [aud] : aud,
    clientId: claims['client_id'],
    scope: scope === undefined ? [] : split(scope),
    iat: claims['iat'],
    exp: claims['exp'],
    jti: claims['jti'],
    gid: claims['gid'],
    epoch: claims['epoch'],
    authTime: claims['auth_time'],
    acr: claims['acr'],
    extra,
  })
}

const sealedVersion = 1

/** The same, as short as it goes: a JSON array that begins with its version. */
export function printSealedClaims(claims: AccessClaims): string {
  const { iss, sub, aud, clientId, scope, iat, exp, jti, gid, epoch, authTime, acr, extra } = claims
  const always = [sealedVersion, iss, sub, aud, clientId, scope.join(' '), iat, exp - iat, jti, gid, epoch]
  if (extra !== undefined) return JSON.stringify([...always, authTime ?? null, acr ?? null, extra])
  return JSON.stringify(
    authTime === undefined && acr === undefined ? always : [...always, authTime ?? null, acr ?? null],
  )
}

/** What a seal held. Only we could have made it, and still each part must be of its type. */
export function parseSealedClaims(text: string): AccessClaims | undefined {
  let parts: unknown
  try {
    parts = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(parts) || parts[0] !== sealedVersion || parts.length > 14) return undefined
  const [, iss, sub, aud, clientId, scope, iat, life, jti, gid, epoch, authTime, acr, extra] = parts as unknown[]
  return checkedClaims({
    iss,
    sub,
    aud,
    clientId,
    scope: scope === '' ? [] : split(scope),
    iat,
    exp: typeof iat === 'number' && typeof life === 'number' ? iat + life : undefined,
    jti,
    gid,
    epoch,
    authTime: authTime ?? undefined,
    acr: acr ?? undefined,
    extra,
  })
}

/** The one place that decides on types: every format goes through it. */
function checkedClaims(claims: {
  readonly [name in keyof Required<Omit<AccessClaims, 'caveats' | 'imported'>>]: unknown
}): AccessClaims | undefined {
  const { iss, sub, aud, clientId, scope, iat, exp, jti, gid, epoch, authTime, acr, extra } = claims
  if (!isText(iss) || !isText(sub) || !isText(clientId) || !isText(jti) || !isText(gid) || !isText(epoch))
    return undefined
  if (!isTexts(aud) || aud.length === 0 || !isTexts(scope)) return undefined
  if (!isTime(iat) || !isTime(exp) || exp <= iat) return undefined
  if (authTime !== undefined && !isTime(authTime)) return undefined
  if (acr !== undefined && !isText(acr)) return undefined
  if (extra !== undefined && !isObject(extra)) return undefined
  return {
    iss,
    sub,
    aud,
    clientId,
    scope,
    iat,
    exp,
    jti,
    gid,
    epoch,
    ...(authTime !== undefined && { authTime }),
    ...(acr !== undefined && { acr }),
    ...(extra !== undefined && { extra }),
  }
}

/** Whether claims are of this issuer and of this time. Clocks of our own nodes may differ by a minute. */
export function untimely(
  claims: Pick<AccessClaims, 'iss' | 'iat' | 'exp'>,
  expected: { readonly issuer: string; readonly now: EpochSeconds },
): TokenRefusal | undefined {
  if (claims.iss !== expected.issuer || claims.iat > expected.now + clockTolerance)
    return { refused: 'token_malformed' }
  return claims.exp <= expected.now ? { refused: 'token_expired' } : undefined
}

/** RFC 6749 §3.3: one space between two scopes; anything else leaves an empty one behind. */
function split(scope: unknown): unknown {
  return typeof scope === 'string' ? scope.split(' ') : undefined
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText)
}

/** RFC 7519 §2 allows fractions; we make none, so we take none. */
export function isTime(value: unknown): value is EpochSeconds {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
