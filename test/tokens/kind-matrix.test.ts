import { describe, expect, test } from 'vitest'
import { signJws } from '../../src/crypto/jws.ts'
import { printJwtClaims } from '../../src/tokens/access-claims.ts'
import { openInteraction, sealInteraction } from '../../src/tokens/carried-interaction.ts'
import { newClientSecret } from '../../src/tokens/client-secret.ts'
import { printCode, readCode } from '../../src/tokens/code.ts'
import { printFormToken, verifyFormToken } from '../../src/tokens/csrf.ts'
import { printCursor, readCursor } from '../../src/tokens/cursor.ts'
import { verifyIdTokenHint } from '../../src/tokens/id-token.ts'
import { mint } from '../../src/tokens/mint.ts'
import { printRefreshToken, readRefreshToken } from '../../src/tokens/refresh.ts'
import { printSessionHandle, readSessionHandle } from '../../src/tokens/session-handle.ts'
import { parseToken, printToken, type TokenKind } from '../../src/tokens/token-text.ts'
import { verifyAccess } from '../../src/tokens/verify.ts'
import { claims, fixedKeys, interaction, issuance, issuer, now } from './fixtures.ts'

/** All rings hold the same key: what keeps the kinds apart here must be the kind itself. */
const own = fixedKeys()
const shared = own.secret('mac')
const keys = {
  ...own,
  secret: () => shared,
  secretById: (_: unknown, id: string) => (id === shared.keyId ? shared : undefined),
}

const credential = { recordId: 'r1', generation: 0, imprint: { nonce: own.random.text(16), keyId: shared.keyId } }
const minted = mint(keys, { ...issuance, idToken: { ttl: 600, claims: {} } })
const signing = keys.signing('ES256')

const place = { browser: 'browser', session: 's1', purpose: 'sign-in' }
const texts: Record<string, string> = {
  code: printCode(keys, credential),
  refresh: printRefreshToken(keys, credential),
  session: printSessionHandle(keys, credential),
  'access jwt': minted.accessToken,
  'access opaque': mint(keys, { ...issuance, format: 'opaque' }).accessToken,
  'access macaroon': mint(keys, { ...issuance, format: 'macaroon' }).accessToken,
  'id token': minted.idToken!,
  'logout token': signJws(signing, 'logout+jwt', printJwtClaims(claims)),
  'client assertion': signJws(signing, 'client-authentication+jwt', printJwtClaims(claims)),
  'untyped jwt': signJws(signing, '', printJwtClaims(claims)),
  'client secret': newClientSecret(own.random).secret,
  'form token': printFormToken(keys, place),
  cursor: printCursor(keys, 'users', 'position'),
  'carried interaction': sealInteraction(keys, interaction, own.random)!,
}

const expected = { issuer, now }
const readers: Record<string, (text: string) => boolean> = {
  code: (text) => readCode(keys, text) !== undefined,
  refresh: (text) => readRefreshToken(keys, text) !== undefined,
  session: (text) => readSessionHandle(keys, text) !== undefined,
  access: (text) => !('refused' in verifyAccess(keys, text, expected)),
  'id token': (text) => !('refused' in verifyIdTokenHint(keys, text, expected)),
  'form token': (text) => verifyFormToken(keys, place, text),
  cursor: (text) => readCursor(keys, 'users', text) !== undefined,
  'carried interaction': (text) => openInteraction(keys, text) !== undefined,
}

describe('C13, E10: a token opens its own door and no other, though every ring had the same key', () => {
  const doors = Object.entries(readers).flatMap(([door, read]) =>
    Object.entries(texts).map(([name, text]) => ({ door, name, opens: read(text), text })),
  )

  test.each(doors)('$name at the door for $door', ({ door, name, opens }) => {
    expect(opens).toBe(name === door || name.startsWith(`${door} `))
  })

  test.each(doors.filter(({ text }) => text.startsWith('gth_')))(
    '$name at the door for $door, relabelled with that kind and a right checksum',
    ({ door, name, text }) => {
      const kinds: Record<string, TokenKind> = { code: 'ac', refresh: 'rt', session: 'ss', access: 'at' }
      const kind = kinds[door]
      if (kind === undefined || name === door || name.startsWith(`${door} `)) return
      const body = parseToken(text.slice(4, 6) as TokenKind, text)!
      expect(readers[door]!(printToken(kind, body))).toBe(false)
    },
  )

  test('a refused type is told apart from a broken token', () => {
    expect(verifyAccess(keys, texts['id token']!, expected)).toEqual({ refused: 'token_type' })
    expect(verifyAccess(keys, texts['refresh']!, expected)).toEqual({ refused: 'token_type' })
    expect(verifyAccess(keys, 'nonsense', expected)).toEqual({ refused: 'token_malformed' })
    expect(verifyAccess(keys, '', expected)).toEqual({ refused: 'token_malformed' })
  })
})
