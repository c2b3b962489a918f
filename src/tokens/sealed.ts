import { decodeBase64url, decodeUtf8 } from '../crypto/encoding.ts'
import type { MacKey } from '../crypto/mac.ts'
import type { Random } from '../crypto/random.ts'
import { openOnce, sealOnce } from '../crypto/seal.ts'
import { parseSealedClaims, printSealedClaims, type AccessClaims } from './access-claims.ts'
import type { TokenKeys } from './keys-view.ts'
import { createProvenTokens } from './proven-tokens.ts'
import type { TokenRefusal } from './token-refusal.ts'
import { longestToken, parseToken, printToken } from './token-text.ts'

const kind = 'at'
const shape = /^([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]+)$/

/** An opaque access token: `<key id>.<salt ‖ sealed claims>`. Who holds it learns nothing from it. */
export function sealAccessToken(keys: TokenKeys, claims: AccessClaims, random: Random): string {
  const { keyId, key } = keys.secret('token-seal')
  const value = { kind, associated: `${kind}.${keyId}`, plaintext: printSealedClaims(claims) }
  return printToken(kind, `${keyId}.${sealOnce(key, value, random).toString('base64url')}`)
}

const proven = createProvenTokens<MacKey>()

/** The claims inside, once the seal is found whole; not yet issuer and time. */
export function openAccessToken(keys: Pick<TokenKeys, 'secretById'>, text: string): AccessClaims | TokenRefusal {
  if (text.length > longestToken) return { refused: 'token_malformed' }
  const known = proven.recall(text, (keyId) => keys.secretById('token-seal', keyId)?.key)
  if (known !== undefined) return known
  const body = parseToken(kind, text)
  const [, keyId, encoded] = body === undefined ? [] : (shape.exec(body) ?? [])
  if (keyId === undefined || encoded === undefined) return { refused: 'token_malformed' }
  const bytes = decodeBase64url(encoded)
  const secret = keys.secretById('token-seal', keyId)
  if (bytes === undefined || secret === undefined) return { refused: 'token_signature' }
  const plaintext = openOnce(secret.key, { kind, associated: `${kind}.${keyId}`, bytes })
  if (plaintext === undefined) return { refused: 'token_signature' }
  const claims = parseSealedClaims(decodeUtf8(plaintext) ?? '')
  if (claims === undefined) return { refused: 'token_malformed' }
  proven.keep(text, { keyId, key: secret.key, claims })
  return claims
}
