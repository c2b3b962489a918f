import { parseJsonObject, type JsonObject } from '../crypto/strict-json.ts'
import type { AccessClaims } from './access-claims.ts'
import { parseInstant, printInstant } from './macaroon/instant.ts'
import { parsePredicate } from './macaroon/predicate.ts'

/** What stands where there is nothing to say: every member is always there, so nobody can add one that was left out. */
const nothing = '-'

const block = [
  'type =',
  'user =',
  'client =',
  'scope =',
  'aud =',
  'issued =',
  'time <',
  'epoch =',
  'grant =',
  'sign_in =',
  'claims =',
] as const

/** How many caveats say who a macaroon is for; what follows narrows it. */
export const identityBlockLength = block.length

/** The caveats of identity, in their fixed order, each exactly once (DESIGN §6.9). */
export function printIdentityBlock(claims: AccessClaims): readonly string[] {
  const { sub, clientId, scope, aud, iat, exp, epoch, gid, authTime, acr, extra } = claims
  const values = [
    'access',
    sub === clientId ? nothing : sub,
    clientId,
    scope.length === 0 ? nothing : scope.join(' '),
    aud.join(' '),
    printInstant(iat),
    printInstant(exp),
    epoch,
    gid,
    authTime === undefined ? nothing : `${printInstant(authTime)} ${acr ?? nothing}`,
    extra === undefined ? nothing : printClaims(extra),
  ]
  return block.map((head, index) => `${head} ${values[index] ?? nothing}`)
}

/** The claims in the leading caveats of a macaroon of ours, or undefined if one is missing, elsewhere, or in another form (K02, K04, K10). */
export function parseIdentityBlock(
  predicates: readonly string[],
  known: { readonly issuer: string; readonly jti: string },
): AccessClaims | undefined {
  const values = block.map((head, index) => {
    const predicate = parsePredicate(predicates[index] ?? '')
    return predicate !== undefined && `${predicate.key} ${predicate.operator}` === head ? predicate.value : undefined
  })
  if (!areAll(values)) return undefined
  const [
    type,
    user,
    clientId = '',
    scope = '',
    aud = '',
    issued = '',
    expiry = '',
    epoch = '',
    gid = '',
    signIn = '',
    extra = '',
  ] = values
  const [iat, exp] = [parseInstant(issued), parseInstant(expiry)]
  const authentication = parseSignIn(signIn)
  const claims = parseClaims(extra)
  if (type !== 'access' || user === undefined || iat === undefined || exp === undefined || exp <= iat) return undefined
  if (authentication === undefined || claims === undefined || !/^\d+\.(?:\d+|-)\.\d+$/.test(epoch)) return undefined
  return {
    iss: known.issuer,
    sub: user === nothing ? clientId : user,
    aud: aud.split(' '),
    clientId,
    scope: scope === nothing ? [] : scope.split(' '),
    iat,
    exp,
    jti: known.jti,
    gid,
    epoch,
    ...authentication,
    ...claims,
  }
}

function parseSignIn(text: string): Pick<AccessClaims, 'authTime' | 'acr'> | undefined {
  if (text === nothing) return {}
  const [instant = '', acr, ...more] = text.split(' ')
  const authTime = parseInstant(instant)
  if (authTime === undefined || acr === undefined || acr === '' || more.length > 0) return undefined
  return acr === nothing ? { authTime } : { authTime, acr }
}

function parseClaims(text: string): Pick<AccessClaims, 'extra'> | undefined {
  if (text === nothing) return {}
  const extra = parseJsonObject(Buffer.from(text, 'utf8'))
  return extra === undefined || printClaims(extra) !== text ? undefined : { extra }
}

/** JSON leaves these two line ends as they are; a predicate holds none. */
function printClaims(claims: JsonObject): string {
  return JSON.stringify(claims)
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029')
    .replaceAll('\x7f', '\\u007f')
    .replaceAll(/[\x80-\x9f]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`)
}

function areAll(values: readonly (string | undefined)[]): values is readonly string[] {
  return values.every((value) => value !== undefined)
}
