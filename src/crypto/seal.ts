import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import { buffer } from './encoding.ts'
import { macBytes, type MacKey } from './mac.ts'
import type { Random } from './random.ts'

const saltBytes = 16
const tagBytes = 16

// Every sealed value has a key of its own, so the nonce may stand still and no bound on the number of seals is ever met.
const nonce = Buffer.alloc(12)

/** Bytes that a seal adds: salt and tag. */
export const sealOverhead = saltBytes + tagBytes

/**
 * AES-256-GCM under a key made for this value alone: HMAC(ring key, kind ‖ salt), 128 random bits of salt.
 * Returns salt ‖ ciphertext ‖ tag. `kind` and `associated` (say, kind and key id) must be the same at opening.
 */
export function sealOnce(
  key: MacKey,
  value: { readonly kind: string; readonly associated: string; readonly plaintext: string | Uint8Array },
  random: Random,
): Buffer {
  const salt = random.bytes(saltBytes)
  const cipher = createCipheriv('aes-256-gcm', keyOf(key, value.kind, salt), nonce)
  cipher.setAAD(Buffer.from(value.associated, 'utf8'))
  const ciphertext =
    typeof value.plaintext === 'string' ? cipher.update(value.plaintext, 'utf8') : cipher.update(value.plaintext)
  cipher.final()
  return Buffer.concat([salt, ciphertext, cipher.getAuthTag()])
}

/** The plaintext, or undefined if key, kind, associated data or a single bit differ. */
export function openOnce(
  key: MacKey,
  sealed: { readonly kind: string; readonly associated: string; readonly bytes: Uint8Array },
): Buffer | undefined {
  const bytes = buffer(sealed.bytes)
  if (bytes.length < sealOverhead) return undefined
  const salt = bytes.subarray(0, saltBytes)
  const tag = bytes.subarray(bytes.length - tagBytes)
  const decipher = createDecipheriv('aes-256-gcm', keyOf(key, sealed.kind, salt), nonce, { authTagLength: tagBytes })
  decipher.setAAD(Buffer.from(sealed.associated, 'utf8'))
  decipher.setAuthTag(tag)
  const plaintext = decipher.update(bytes.subarray(saltBytes, bytes.length - tagBytes))
  try {
    decipher.final()
  } catch {
    return undefined
  }
  return plaintext
}

const version = 1

/**
 * Seal something that stays: a private key, a stored secret. `place` says where it belongs (instance, kind, record id),
 * so that a sealed value copied into another row doesn't open. Begins with the version of this format.
 */
export function sealAtRest(
  key: MacKey,
  { place, plaintext }: { readonly place: readonly string[]; readonly plaintext: Uint8Array },
  random: Random,
): Buffer {
  const sealed = sealOnce(key, { kind: `at-rest/${version}`, associated: JSON.stringify(place), plaintext }, random)
  return Buffer.concat([Buffer.of(version), sealed])
}

/** What `sealAtRest` sealed, or undefined if key, place, version or a single bit differ. */
export function openAtRest(key: MacKey, place: readonly string[], sealed: Uint8Array): Buffer | undefined {
  if (sealed[0] !== version) return undefined
  return openOnce(key, { kind: `at-rest/${version}`, associated: JSON.stringify(place), bytes: sealed.subarray(1) })
}

function keyOf(key: MacKey, kind: string, salt: Uint8Array): KeyObject {
  // A Buffer as AES key costs 13 µs, wrapped into a key object first 4 µs.
  return createSecretKey(macBytes(key, derivation(kind, salt)))
}

/** What a key is derived from, one buffer for each kind: there are a handful, all of them ours. */
const derivations = new Map<string, Buffer>()

function derivation(kind: string, salt: Uint8Array): Buffer {
  let made = derivations.get(kind)
  if (made === undefined) {
    made = Buffer.concat([Buffer.from(`seal\0${kind}\0`, 'utf8'), Buffer.alloc(saltBytes)])
    derivations.set(kind, made)
  }
  made.set(salt, made.length - saltBytes)
  return made
}
