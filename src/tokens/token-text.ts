import { checksum } from '../crypto/checksum.ts'

/** Code, refresh, opaque access, device code, client secret, vault handle, macaroon, session handle, mark of a known browser, ticket of a letter. */
export type TokenKind = 'ac' | 'rt' | 'at' | 'dc' | 'cs' | 'vh' | 'mc' | 'ss' | 'dv' | 'tk'

/** Longest text of a token, in characters. Longer ones are neither made nor read. */
export const longestToken = 1024

/** The same of a macaroon, with all that was added to it and its discharges. */
export const longestMacaroon = 16_384

const checksumDigits = 8

/** `gth_<kind>_<CRC32 of kind and body, 8 hex digits>_<body>`. */
export function printToken(kind: TokenKind, body: string): string {
  return `gth_${kind}_${checksum(`${kind}_`, body)}_${body}`
}

/** The body of a token of this kind, or undefined. A right checksum proves nothing: the body must prove itself. */
export function parseToken(kind: TokenKind, text: string): string | undefined {
  if (text.length > (kind === 'mc' ? longestMacaroon : longestToken)) return undefined
  const start = `gth_${kind}_`
  const end = start.length + checksumDigits
  if (!text.startsWith(start) || text[end] !== '_') return undefined
  const body = text.slice(end + 1)
  return body !== '' && text.slice(start.length, end) === checksum(`${kind}_`, body) ? body : undefined
}

/** Whether a text looks like a token of ours, whatever its kind. */
export function isTokenText(text: string): boolean {
  return text.startsWith('gth_')
}
