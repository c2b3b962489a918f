import { chainMac } from '../../crypto/chain-mac.ts'

declare const use: unique symbol

/** The 32 bytes that sign the identifier of a macaroon. Whoever can verify with it can also mint. */
export type RootKey = Uint8Array & { readonly [use]: 'macaroon root key' }

const generator = Buffer.from('macaroons-key-generator', 'utf8')
const keyBytes = 32

/** The root key that libmacaroons, and all who follow it, make of a secret: HMAC-SHA256 under a fixed key. */
export function rootKeyOf(secret: string | Uint8Array): RootKey {
  const bytes = typeof secret === 'string' ? Buffer.from(secret, 'utf8') : secret
  return rawRootKey(chainMac(generator, bytes))
}

/** A root key of exactly 32 bytes as it is, without that step. */
export function rawRootKey(bytes: Uint8Array): RootKey {
  if (bytes.length !== keyBytes) throw new RangeError(`a root key has ${keyBytes} bytes, not ${bytes.length}`)
  return bytes as RootKey
}
