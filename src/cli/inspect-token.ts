import { decodeBase64url } from '../crypto/encoding.ts'
import { parseJsonObject, type JsonObject } from '../crypto/strict-json.ts'
import { parseToken, type TokenKind } from '../tokens/token-text.ts'
import { isMacaroonText } from '../tokens/macaroon-text.ts'
import { CliFailure } from './failure.ts'
import { macaroonDocument } from './macaroon-document.ts'

const kinds: Readonly<Record<TokenKind, string>> = {
  ac: 'authorization code',
  rt: 'refresh token',
  at: 'opaque access token',
  dc: 'device code',
  cs: 'client secret',
  vh: 'vault handle',
  mc: 'macaroon',
  ss: 'session',
  tk: 'ticket of a letter',
  dv: 'known browser',
}

/** What a token says of itself. Nothing of it is proved. */
export function inspectToken(text: string): Readonly<Record<string, unknown>> {
  const macaroon = isMacaroonText(text) ? macaroonDocument(text) : undefined
  if (macaroon !== undefined) return { ...macaroon, ...(text.startsWith('gth_') && { checksum: 'right' }) }
  if (text.startsWith('gth_')) return ownToken(text)
  const [head, body, signature, ...more] = text.split('.')
  const header = part(head)
  const claims = part(body)
  if (header === undefined || claims === undefined || signature === undefined || more.length > 0) {
    throw new CliFailure('this is neither a JWT, a macaroon nor a token of ours; copy it whole')
  }
  const { typ, alg, kid } = header
  return { kind: typ === 'at+jwt' ? 'JWT access token' : 'JWT', typ, alg, kid, ...claims }
}

function ownToken(text: string): Readonly<Record<string, unknown>> {
  const kind = (Object.keys(kinds) as TokenKind[]).find((known) => text.startsWith(`gth_${known}_`))
  if (kind === undefined) throw new CliFailure('this token is of a kind that this version does not know')
  // What is inside is sealed or means nothing without the store.
  return {
    kind: kinds[kind],
    checksum: parseToken(kind, text) === undefined ? 'wrong: it was not copied whole' : 'right',
  }
}

function part(text: string | undefined): JsonObject | undefined {
  const bytes = text === undefined ? undefined : decodeBase64url(text)
  return bytes === undefined ? undefined : parseJsonObject(bytes)
}
