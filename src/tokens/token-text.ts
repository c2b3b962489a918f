import { checksum } from '../crypto/checksum.ts'

export type TokenKind =
  /** Authorization code */
  | 'ac'
  /** Refresh token */
  | 'rt'
  /** Opaque access token */
  | 'at'
  /** Device code */
  | 'dc'
  /** Client secret */
  | 'cs'
  /** Vault handle */
  | 'vh'
  /** Macaroon */
  | 'mc'
  /** Session handle */
  | 'ss'
  /** Mark of a known browser */
  | 'dv'
  /** Ticket of a letter */
  | 'tk'

/** Longest text of a token, in characters. Longer ones are neither made nor read. */
export const longestToken = 1024

/** The same of a macaroon, with all that was added to it and its discharges. */
export const longestMacaroon = 16_384

const checksumDigits = 8

/** `gth_<kind>_<CRC32 of kind and body, 8 hex digits>_<body>`. */
export function printToken(kind: TokenKind, body: string): string {
  return `gth_${kind}_${checksum(`${kind}_${body}`)}_${body}`
}

/** The body of a token of this kind, or undefined. A right checksum proves nothing: the body must prove itself. */
export function parseToken(kind: TokenKind, text: string): string | undefined {
  if (text.length > (kind === 'mc' ? longestMacaroon : longestToken)) return undefined
  const prefix = `gth_${kind}_`
  const checksumEnd = prefix.length + checksumDigits
  if (!text.startsWith(prefix) || text[checksumEnd] !== '_') return undefined
  const body = text.slice(checksumEnd + 1)
  if (body === '' || text.slice(prefix.length, checksumEnd) !== checksum(`${kind}_${body}`)) return undefined
  return body
}

/** Whether a text looks like a token of ours, whatever its kind. */
export function isTokenText(text: string): boolean {
  return text.startsWith('gth_')
}
