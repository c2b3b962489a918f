import { mac, verifyMac } from '../crypto/mac.ts'
import type { Imprint } from '../domain/grant.ts'
import type { SecretRing } from '../domain/key.ts'
import type { TokenKeys } from './keys-view.ts'
import { parseToken, printToken } from './token-text.ts'

/** What a code, refresh token or session handle proves: that we made it for this record, in this generation, with this nonce. */
export type Credential = {
  /** Of the grant or session that remembers it, or the account that it is about. */
  readonly recordId: string
  /** 0 where there are no generations. */
  readonly generation: number
  readonly imprint: Imprint
}

export type CredentialKind = 'ac' | 'rt' | 'ss' | 'dv' | 'tk'

const rings = { ac: 'mac', rt: 'mac', ss: 'cookie', dv: 'cookie', tk: 'mac' } as const satisfies Record<
  CredentialKind,
  SecretRing
>

const shape =
  /^([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{1,64})\.(0|[1-9a-z][0-9a-z]{0,6})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/

/**
 * `<key id>.<record id>.<generation, base 36>.<nonce>.<MAC over kind and all of these>`.
 * The same credential gives the same text for as long as its key lives: this is what a refresh grace answers with.
 */
export function printCredential(kind: CredentialKind, keys: TokenKeys, credential: Credential): string {
  const { recordId, generation, imprint } = credential
  const secret = keys.secretById(rings[kind], imprint.keyId)
  if (secret === undefined) throw new Error(`the key ${imprint.keyId} of ring ${rings[kind]} is gone`)
  const signed = `${imprint.keyId}.${recordId}.${generation.toString(36)}.${imprint.nonce}`
  return printToken(kind, `${signed}.${mac(secret.key, message(kind, signed))}`)
}

/** What a text proves, or undefined. Touches no store: a guess costs two microseconds. */
export function readCredential(kind: CredentialKind, keys: TokenKeys, text: string): Credential | undefined {
  const body = parseToken(kind, text)
  if (body === undefined) return undefined
  const [, keyId, recordId, generation, nonce, claimed] = shape.exec(body) ?? []
  if (keyId === undefined || recordId === undefined || generation === undefined) return undefined
  if (nonce === undefined || claimed === undefined) return undefined
  const secret = keys.secretById(rings[kind], keyId)
  if (secret === undefined) return undefined
  const signed = body.slice(0, body.length - claimed.length - 1)
  if (!verifyMac(secret.key, message(kind, signed), claimed)) return undefined
  return { recordId, generation: Number.parseInt(generation, 36), imprint: { nonce, keyId } }
}

/** Kind is inside the MAC, so nothing made for one purpose opens another door. */
function message(kind: CredentialKind, signed: string): string {
  return `credential\n${kind}\n${signed}`
}
