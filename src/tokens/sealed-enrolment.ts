import { decodeBase64url, encodeBase64url } from '../crypto/encoding.ts'
import { oneTimeCodeSecretBytes } from '../crypto/one-time-code.ts'
import type { Random } from '../crypto/random.ts'
import { openOnce, sealOnce } from '../crypto/seal.ts'
import type { TokenKeys } from './keys-view.ts'

const kind = 'enrolment'
const shape = /^([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{1,128})$/

/**
 * The secret of an authenticator that is being set up, on its way through the form: nothing is stored before the first right code.
 * Bound to where it was begun (a session, a grant), so that nobody plants one that he knows in somebody else's form.
 */
export function sealEnrolment(
  keys: TokenKeys,
  { begunAt, secret }: { readonly begunAt: string; readonly secret: Uint8Array },
  random: Random,
): string {
  const { keyId, key } = keys.secret('token-seal')
  const sealed = sealOnce(key, { kind, associated: place(keyId, begunAt), plaintext: secret }, random)
  return `${keyId}.${encodeBase64url(sealed)}`
}

export function openEnrolment(
  keys: Pick<TokenKeys, 'secretById'>,
  begunAt: string,
  text: string,
): Uint8Array | undefined {
  const [, keyId, encoded] = shape.exec(text) ?? []
  if (keyId === undefined || encoded === undefined) return undefined
  const bytes = decodeBase64url(encoded)
  const secret = keys.secretById('token-seal', keyId)
  if (bytes === undefined || secret === undefined) return undefined
  const opened = openOnce(secret.key, { kind, associated: place(keyId, begunAt), bytes })
  return opened?.length === oneTimeCodeSecretBytes ? opened : undefined
}

const place = (keyId: string, begunAt: string): string => `${kind}.${keyId}.${begunAt}`
