import { hasControlCharacter } from './control-character.ts'
import { isRefusal, refuse, type Refusal } from './errors.ts'

/** OIDC Core §5.5.1: how one claim is asked for. Values count only for `acr` and `sub`, which are conditions, not answers. */
export type ClaimRequest = { readonly essential: boolean; readonly value?: string; readonly values?: readonly string[] }

/** OIDC Core §5.5, validated: only names that we know, bounded in size. */
export type ClaimsRequest = {
  readonly idToken: Readonly<Record<string, ClaimRequest>>
  readonly userinfo: Readonly<Record<string, ClaimRequest>>
}

export const claimsLimits = { characters: 4_096, depth: 6, values: 16, valueCharacters: 256 } as const

/** Claims about a person that can be asked for one by one (OIDC Core §5.1). */
export const personalClaims = ['name', 'preferred_username', 'updated_at', 'email', 'email_verified'] as const
/** Claims about a person that an API can have in its access tokens. */
export const accessTokenClaims = ['username', 'role', 'bot', 'name', 'email'] as const
/** Claims about the sign-in that an ID token request can name; a value is a condition that must be met or refused. */
const signInClaims = ['sub', 'acr', 'auth_time'] as const

/**
 * Reads the `claims` parameter (OIDC Core §5.5). Claims that we don't know are ignored, as it demands, and so is every protocol
 * claim (`iss`, `aud`, `exp`, …): the result is built from our names, never from theirs.
 */
export function parseClaims(text: string): ClaimsRequest | Refusal {
  if (text.length > claimsLimits.characters) return malformed('claims is too long')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return malformed('claims is not JSON')
  }
  if (!isObject(json)) return malformed('claims is a JSON object')
  if (!isShallow(json, claimsLimits.depth)) return malformed('claims is nested too deeply')
  const idToken = parseMember(json, 'id_token', [...personalClaims, ...signInClaims])
  if (isRefusal(idToken)) return idToken
  const userinfo = parseMember(json, 'userinfo', personalClaims)
  if (isRefusal(userinfo)) return userinfo
  return { idToken, userinfo }
}

type JsonObject = Readonly<Record<string, unknown>>

function parseMember(
  claims: JsonObject,
  member: string,
  names: readonly string[],
): Record<string, ClaimRequest> | Refusal {
  const requested: Record<string, ClaimRequest> = {}
  const asked = claims[member]
  if (asked === undefined || asked === null) return requested
  if (!isObject(asked)) return malformed(`claims.${member} is a JSON object`)
  for (const name of names) {
    const one = asked[name]
    if (one === undefined) continue
    const request = parseClaim(one, name === 'acr' || name === 'sub')
    if (request === undefined) return malformed(`claims.${member}.${name} is null or an object as in OIDC Core 5.5.1`)
    requested[name] = request
  }
  return requested
}

function parseClaim(asked: unknown, isCondition: boolean): ClaimRequest | undefined {
  if (asked === null) return { essential: false }
  if (!isObject(asked)) return undefined
  const essential = asked['essential'] ?? false
  if (typeof essential !== 'boolean') return undefined
  if (!isCondition) return { essential }
  const value = asked['value']
  const values = asked['values']
  if (value !== undefined && !isValue(value)) return undefined
  if (values !== undefined && !isValues(values)) return undefined
  return { essential, ...(value === undefined ? {} : { value }), ...(values === undefined ? {} : { values }) }
}

function isValue(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= claimsLimits.valueCharacters &&
    value.isWellFormed() &&
    !hasControlCharacter(value)
  )
}

function isValues(values: unknown): values is readonly string[] {
  return Array.isArray(values) && values.length > 0 && values.length <= claimsLimits.values && values.every(isValue)
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every((member) => isShallow(member, depth - 1))
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed(hint: string): Refusal {
  return refuse('invalid_request', 'claims_malformed', hint)
}
