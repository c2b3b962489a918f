import { sha256 } from '../crypto/hash.ts'
import { mac, verifyMac } from '../crypto/mac.ts'
import type { Random } from '../crypto/random.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import type { TokenKeys } from './keys-view.ts'
import { parseToken, printToken } from './token-text.ts'

/** What a handle says before anybody looks for its connection. */
export type VaultHandle = {
  readonly connectionId: string
  /** What the connection keeps of it. */
  readonly hash: string
  readonly startedAt: EpochSeconds
  /** False where its key is gone: a handle outlives the key that made it, and then the record alone says whether it was one. */
  readonly proved: boolean
}

const kind = 'vh'
const shape = /^([A-Za-z0-9_-]{1,64})\.([0-9a-f]{12}[A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/

/**
 * `<key id>.<connection id>.<256 random bits>.<MAC over these>`: nothing has to be stored for it until somebody consents.
 * It never passes through a browser or a provider.
 */
export function printVaultHandle(keys: TokenKeys, random: Pick<Random, 'text'>, connectionId: string): string {
  const { keyId, key } = keys.secret('mac')
  const signed = `${keyId}.${connectionId}.${random.text(32)}`
  return printToken(kind, `${signed}.${mac(key, message(signed))}`)
}

/** Undefined: none of ours. Touches no store: a guess under a live key costs a MAC. */
export function readVaultHandle(keys: Pick<TokenKeys, 'secretById'>, text: string): VaultHandle | undefined {
  const body = parseToken(kind, text)
  const [, keyId, connectionId, , claimed] = body === undefined ? [] : (shape.exec(body) ?? [])
  if (body === undefined || keyId === undefined || connectionId === undefined || claimed === undefined) return undefined
  const secret = keys.secretById('mac', keyId)
  const signed = body.slice(0, body.length - claimed.length - 1)
  if (secret !== undefined && !verifyMac(secret.key, message(signed), claimed)) return undefined
  return {
    connectionId,
    hash: vaultHandleHash(text),
    startedAt: Math.floor(Number.parseInt(connectionId.slice(0, 12), 16) / 1000),
    proved: secret !== undefined,
  }
}

/** Id of the connection that a handle names, ours or not; whatever isn't a handle is an id itself. Proves nothing. */
export function connectionIdOf(given: string): string {
  return /^gth_vh_[0-9a-f]{8}_[^.]+\.([^.]+)\./.exec(given)?.[1] ?? given
}

export function vaultHandleHash(text: string): string {
  return sha256(`vault handle\n${text}`)
}

const message = (signed: string): string => `vault handle\n${signed}`
