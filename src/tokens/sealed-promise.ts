import { decodeBase64url, decodeUtf8, encodeBase64url } from '../crypto/encoding.ts'
import type { Random } from '../crypto/random.ts'
import { openOnce, sealOnce } from '../crypto/seal.ts'
import type { SignInPromise } from '../domain/sign-in-promise.ts'
import type { TokenKeys } from './keys-view.ts'
import { parsePredicate } from './macaroon/predicate.ts'
import { rawRootKey, type RootKey } from './macaroon/root-key.ts'

const kind = 'discharge'
const shape = /^gthd1\.([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{1,1024})$/
const version = 1
const keyBytes = 32

/** What a third-party caveat of ours carries as its id: nobody but us can make or read one. */
export type SealedPromise = { readonly promise: SignInPromise; readonly rootKey: RootKey }

/** `gthd1.<key id>.<sealed promise and root key of the discharge>`. */
export function sealPromise(
  keys: TokenKeys,
  { userId, maxAge, amr }: SignInPromise,
  random: Random,
): { readonly caveatId: string; readonly rootKey: RootKey } {
  const { keyId, key } = keys.secret('token-seal')
  const rootKey = rawRootKey(random.bytes(keyBytes))
  const plaintext = JSON.stringify([version, encodeBase64url(rootKey), userId, maxAge, amr])
  const sealed = sealOnce(key, { kind, associated: `${kind}.${keyId}`, plaintext }, random)
  return { caveatId: `gthd1.${keyId}.${encodeBase64url(sealed)}`, rootKey }
}

/** The promise in a caveat's id, or undefined for every id that we didn't make. */
export function openPromise(keys: Pick<TokenKeys, 'secretById'>, caveatId: string): SealedPromise | undefined {
  const [, keyId, encoded] = shape.exec(caveatId) ?? []
  if (keyId === undefined || encoded === undefined) return undefined
  const bytes = decodeBase64url(encoded)
  const secret = keys.secretById('token-seal', keyId)
  if (bytes === undefined || secret === undefined) return undefined
  const plaintext = openOnce(secret.key, { kind, associated: `${kind}.${keyId}`, bytes })
  return plaintext === undefined ? undefined : parse(decodeUtf8(plaintext) ?? '')
}

/** Only we could have written it, and still each part must be of its type. */
function parse(text: string): SealedPromise | undefined {
  let parts: unknown
  try {
    parts = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(parts) || parts[0] !== version || parts.length !== 5) return undefined
  const [, encodedKey, userId, maxAge, amr] = parts as unknown[]
  const rootKey = typeof encodedKey === 'string' ? decodeBase64url(encodedKey) : undefined
  if (rootKey?.length !== keyBytes || typeof userId !== 'string' || typeof maxAge !== 'number') return undefined
  if (!Array.isArray(amr) || !amr.every((method) => typeof method === 'string')) return undefined
  return { promise: { userId, maxAge, amr }, rootKey: rawRootKey(rootKey) }
}

const longestAge = 24 * 60 * 60

/**
 * What `discharge = max_age:300 amr:otp` asks for: a sign-in of the token's own user, at most so many seconds ago, in all of these
 * ways. Written where a token is minted; what goes into the macaroon is a third-party caveat that we alone discharge.
 */
export function parsePromise(caveat: string): Omit<SignInPromise, 'userId'> | undefined {
  const predicate = parsePredicate(caveat)
  if (predicate === undefined || predicate.key !== 'discharge' || predicate.operator !== '=') return undefined
  const [first = '', ...rest] = predicate.value.split(' ')
  const [, age] = /^max_age:([1-9]\d{0,5})$/.exec(first) ?? []
  const amr = rest.map((item) => /^amr:([A-Za-z0-9._:-]{1,64})$/.exec(item)?.[1])
  if (age === undefined || Number(age) > longestAge || amr.length > 8) return undefined
  const methods = amr.filter((method) => method !== undefined)
  return methods.length === amr.length ? { maxAge: Number(age), amr: methods } : undefined
}
