import { decodeBase64url, decodeUtf8, encodeTextBase64url } from '../crypto/encoding.ts'
import { mac, verifyMac } from '../crypto/mac.ts'
import type { TokenKeys } from './keys-view.ts'

/** A position may be the identifier of an API, 1,024 characters before encoding. */
const longestCursor = 2048
const shape = /^([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]{43})$/

/** Where a page of a list ended. `list` names the list with its owner and filters: a cursor of one doesn't fit another. */
export function printCursor(keys: TokenKeys, list: string, position: string): string {
  const { keyId, key } = keys.secret('cursor')
  return `${keyId}.${encodeTextBase64url(position)}.${mac(key, message(list, position))}`
}

/** The position, or undefined if this isn't a cursor of this list that we made. */
export function readCursor(keys: TokenKeys, list: string, text: string): string | undefined {
  if (text.length > longestCursor) return undefined
  const [, keyId, encoded, claimed] = shape.exec(text) ?? []
  if (keyId === undefined || encoded === undefined || claimed === undefined) return undefined
  const bytes = decodeBase64url(encoded)
  const position = bytes === undefined ? undefined : decodeUtf8(bytes)
  const secret = keys.secretById('cursor', keyId)
  if (position === undefined || secret === undefined) return undefined
  return verifyMac(secret.key, message(list, position), claimed) ? position : undefined
}

function message(list: string, position: string): string {
  return `cursor\n${list.length}:${list}\n${position}`
}
