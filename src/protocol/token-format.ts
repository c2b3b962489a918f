/**
 * What our secrets look like outside: a prefix that scanners find, a kind, a body, a CRC32 against look-alikes. None of it is
 * proof: prefix and checksum are never trusted, the MAC inside the body is.
 */
export const tokenKinds = {
  ac: 'authorization code',
  rt: 'refresh token',
  at: 'opaque access token',
  dc: 'device code',
  cs: 'client secret',
  vh: 'vault handle',
  mc: 'macaroon',
} as const

export type TokenKind = keyof typeof tokenKinds

/** The longest token of each kind; anything longer is refused before it is looked at. */
export const longestToken: Readonly<Record<TokenKind, number>> = {
  ac: 512,
  rt: 512,
  at: 1_024,
  dc: 512,
  cs: 256,
  vh: 1_024,
  mc: 5_600,
}

const checksumLength = 8
const kindLength = 'gth_at_'.length
const body = /^[A-Za-z0-9_-]+$/
const checksum = /^[0-9a-f]{8}$/

export type TokenParts = { readonly kind: TokenKind; readonly body: string; readonly checksum: string }

/** `gth_at_`, `gth_rt_`, … */
export function tokenPrefix(kind: TokenKind): `gth_${TokenKind}_` {
  return `gth_${kind}_`
}

/** `gth_<kind>_<body>_<checksum>`; for macaroons `gth_mc_<checksum>_<body>`, because whoever attenuates one changes its end. */
export function printToken(parts: TokenParts): string {
  return parts.kind === 'mc'
    ? `gth_mc_${parts.checksum}_${parts.body}`
    : `gth_${parts.kind}_${parts.body}_${parts.checksum}`
}

/** The parts of a token of ours by shape alone; nothing if it hasn't one. `body` is base64url text, not yet decoded. */
export function splitToken(text: string): TokenParts | undefined {
  const kind = tokenKindOf(text)
  if (kind === undefined || text.length > longestToken[kind] || text.length < kindLength + 1 + 1 + checksumLength)
    return undefined
  const split = kind === 'mc' ? kindLength + checksumLength : text.length - checksumLength - 1
  if (text[split] !== '_') return undefined
  const [left, right] = [text.slice(kindLength, split), text.slice(split + 1)]
  const parts = kind === 'mc' ? { kind, body: right, checksum: left } : { kind, body: left, checksum: right }
  return body.test(parts.body) && checksum.test(parts.checksum) ? parts : undefined
}

/** The kind that a text claims to be. */
export function tokenKindOf(text: string): TokenKind | undefined {
  if (!text.startsWith('gth_') || text[kindLength - 1] !== '_') return undefined
  const kind = text.slice(4, 6)
  return Object.hasOwn(tokenKinds, kind) ? (kind as TokenKind) : undefined
}
