import { decodeBase64url, decodeUtf8, encodeBase64url } from '../crypto/encoding.ts'
import type { Random } from '../crypto/random.ts'
import { openOnce, sealOnce } from '../crypto/seal.ts'
import type { ConnectionStart } from '../domain/connect.ts'
import type { TokenKeys } from './keys-view.ts'

/** A start, and the code that whoever started reads in his terminal. */
export type ConnectTicket = ConnectionStart & { readonly userCode: string }

const kind = 'connect'
const shape = /^([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{1,1400})$/
/** Of the text that is sealed: it has to fit into a path segment. */
const longest = 1000

/** The start of a connection as the last segment of its URL, so that a start that nobody follows leaves nothing behind. Undefined: it is too long for that. */
export function sealConnectTicket(keys: TokenKeys, ticket: ConnectTicket, random: Random): string | undefined {
  const plaintext = JSON.stringify({ v: 1, ...ticket })
  if (Buffer.byteLength(plaintext) > longest) return undefined
  const { keyId, key } = keys.secret('token-seal')
  return `${keyId}.${encodeBase64url(sealOnce(key, { kind, associated: `${kind}.${keyId}`, plaintext }, random))}`
}

/** Undefined: not one of ours. Whether its time is over is the caller's to see. */
export function openConnectTicket(keys: Pick<TokenKeys, 'secretById'>, text: string): ConnectTicket | undefined {
  const [, keyId, encoded] = shape.exec(text) ?? []
  if (keyId === undefined || encoded === undefined) return undefined
  const bytes = decodeBase64url(encoded)
  const secret = keys.secretById('token-seal', keyId)
  if (bytes === undefined || secret === undefined) return undefined
  const plaintext = openOnce(secret.key, { kind, associated: `${kind}.${keyId}`, bytes })
  if (plaintext === undefined) return undefined
  // Nobody but us can have sealed it.
  const ticket = JSON.parse(decodeUtf8(plaintext) ?? '{}') as ConnectTicket & { readonly v: number }
  return ticket.v === 1 ? ticket : undefined
}
