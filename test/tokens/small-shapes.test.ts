import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sha256 } from '../../src/crypto/hash.ts'
import { openInteraction, sealInteraction } from '../../src/tokens/carried-interaction.ts'
import { clientSecretHash, newClientSecret, verifyClientSecret } from '../../src/tokens/client-secret.ts'
import { printFormToken, verifyFormToken } from '../../src/tokens/csrf.ts'
import { printCursor, readCursor } from '../../src/tokens/cursor.ts'
import { isTokenText, parseToken, printToken } from '../../src/tokens/token-text.ts'
import { fixedKeys, interaction, now } from './fixtures.ts'

const keys = fixedKeys()

describe('the text of a token', () => {
  test('kind, checksum, body: known to a scanner', () => {
    expect(printToken('ac', 'x')).toMatch(/^gth_ac_[0-9a-f]{8}_x$/)
    expect(parseToken('ac', printToken('ac', 'a_b_c'))).toBe('a_b_c')
    expect(isTokenText(printToken('mc', 'x'))).toBe(true)
  })

  test.each([
    'gth_ac__x',
    'gth_ac_00000000_x',
    'GTH_ac_00000000_x',
    'gth_ac_',
    '',
    'x',
    `${printToken('ac', 'x')}\n`,
    ` ${printToken('ac', 'x')}`,
    printToken('ac', ''),
    printToken('ac', 'x').replace('gth_', 'xth_'),
    printToken('ac', 'x').replace(/_x$/, '-x'),
  ])('%j is none', (text) => expect(parseToken('ac', text)).toBeUndefined())
})

test('a token of more than 1 KB is not read, however well it is formed', () => {
  const fitting = printToken('ac', 'x'.repeat(1008))
  expect(fitting).toHaveLength(1024)
  expect(parseToken('ac', fitting)).toBeDefined()
  expect(parseToken('ac', printToken('ac', 'x'.repeat(1009)))).toBeUndefined()
})

describe('client secrets', () => {
  const { secret, hash } = newClientSecret(keys.random)
  const known = { hash, createdAt: now }

  test('256 random bits, known by their hash alone', () => {
    expect(secret).toMatch(/^gth_cs_[0-9a-f]{8}_[A-Za-z0-9_-]{43}$/)
    expect(hash).toBe(sha256(secret))
    expect(clientSecretHash(secret)).toBe(hash)
    expect(newClientSecret(keys.random).secret).not.toBe(secret)
  })

  test('any secret of the client matches until it expires', () => {
    const other = newClientSecret(keys.random)
    const secrets = [{ hash: other.hash, createdAt: now, expiresAt: now + 10 }, known]
    expect(verifyClientSecret(secret, secrets, now)).toBe(true)
    expect(verifyClientSecret(other.secret, secrets, now + 9)).toBe(true)
    expect(verifyClientSecret(other.secret, secrets, now + 10)).toBe(false)
    expect(verifyClientSecret(secret, secrets.toReversed(), now + 10)).toBe(true)
  })

  test('every other text is refused', () => {
    for (const wrong of [
      '',
      secret.slice(0, -1),
      `${secret} `,
      secret.toUpperCase(),
      hash,
      newClientSecret(keys.random).secret,
    ]) {
      expect(verifyClientSecret(wrong, [known], now)).toBe(false)
    }
  })

  test('D01: a hash that differs in its last character alone is another one', () => {
    const last = hash.endsWith('A') ? 'E' : 'A'
    expect(verifyClientSecret(secret, [{ hash: hash.slice(0, -1) + last, createdAt: now }], now)).toBe(false)
  })

  test('D02: nobody has the secret of a client that does not exist, not even with the decoy in hand', () => {
    expect(verifyClientSecret(secret, [], now)).toBe(false)
    expect(verifyClientSecret('', [], now)).toBe(false)
    expect(verifyClientSecret('no client has this secret', [], now)).toBe(false)
  })
})

describe('form tokens', () => {
  test('fit one browser, one session and one purpose', () => {
    const place = { browser: 'browser-1', session: 's1', purpose: 'consent:i1' }
    const text = printFormToken(keys, place)
    expect(verifyFormToken(keys, place, text)).toBe(true)
    expect(verifyFormToken(keys, { ...place, browser: 'browser-2' }, text)).toBe(false)
    expect(verifyFormToken(keys, { ...place, session: 's2' }, text)).toBe(false)
    expect(verifyFormToken(keys, { ...place, session: '' }, text)).toBe(false)
    expect(verifyFormToken(keys, { ...place, purpose: 'consent:i2' }, text)).toBe(false)
    expect(verifyFormToken(keys, { ...place, purpose: 'sign-in' }, text)).toBe(false)
    expect(verifyFormToken(fixedKeys('k'), place, text)).toBe(false)
    for (const wrong of ['', 'x.y', `${text}A`, `${text}=`, text.slice(0, -1), ` ${text}`]) {
      expect(verifyFormToken(keys, place, wrong)).toBe(false)
    }
  })

  test('moving characters between browser, session and purpose fits nothing', () => {
    const whole = '1:a\n2:b\n\n'
    const splits = Array.from({ length: whole.length + 1 }, (_, at) => [whole.slice(0, at), whole.slice(at)] as const)
    const places = splits.flatMap(([a, b]) => [
      { browser: a, session: b, purpose: '' },
      { browser: a, session: '', purpose: b },
      { browser: '', session: a, purpose: b },
    ])
    const same = (one: object) => JSON.stringify(one)
    for (const place of places) {
      const text = printFormToken(keys, place)
      const fitting = places.filter((other) => verifyFormToken(keys, other, text))
      expect(new Set(fitting.map(same))).toEqual(new Set([same(place)]))
    }
  })
})

describe('cursors', () => {
  test('lead back to their position in their own list, and nowhere else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), (position) => {
        const text = printCursor(keys, 'users', position)
        expect(text).toMatch(/^[A-Za-z0-9._-]+$/)
        expect(readCursor(keys, 'users', text)).toBe(position)
        expect(readCursor(keys, 'clients', text)).toBeUndefined()
        expect(readCursor(fixedKeys('other'), 'users', text)).toBeUndefined()
      }),
      { numRuns: 50 },
    )
  })

  test('any changed character is refused', () => {
    const text = printCursor(keys, 'users', 'usr_0123')
    for (let at = 0; at < text.length; at++) {
      for (const letter of 'Ab-.=') {
        if (text[at] !== letter)
          expect(readCursor(keys, 'users', text.slice(0, at) + letter + text.slice(at + 1))).toBeUndefined()
      }
    }
    expect(readCursor(keys, 'users', 'x'.repeat(5000))).toBeUndefined()
  })
})

describe('a request that its sign-in page carries', () => {
  test('comes back as it was, and says nothing to whoever looks at it', () => {
    const text = sealInteraction(keys, interaction, keys.random)!
    expect(text).toMatch(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/)
    expect(openInteraction(keys, text)).toEqual(interaction)
    expect(Buffer.from(text.split('.')[1]!, 'base64url').toString('latin1')).not.toContain(interaction.request.clientId)
    expect(openInteraction(fixedKeys('other'), text)).toBeUndefined()
  })

  test('with any changed character it is none', () => {
    const text = sealInteraction(keys, interaction, keys.random)!
    for (let at = 0; at < text.length; at++) {
      const other = text[at] === 'A' ? 'B' : 'A'
      expect(openInteraction(keys, text.slice(0, at) + other + text.slice(at + 1)), String(at)).toBeUndefined()
    }
    for (const wrong of ['', '.', `${text}=`, `${text}A`, ` ${text}`, text.slice(1)])
      expect(openInteraction(keys, wrong)).toBeUndefined()
  })

  test('one of another version is not understood, one that is too long not made', () => {
    const newer = { ...interaction, v: 2 } as unknown as typeof interaction
    expect(openInteraction(keys, sealInteraction(keys, newer, keys.random)!)).toBeUndefined()
    const long = { ...interaction, request: { ...interaction.request, state: 'x'.repeat(1_500) } }
    expect(sealInteraction(keys, long, keys.random)).toBeUndefined()
  })
})
