import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { macBytes } from '../../src/crypto/mac.ts'
import type { AccessClaims } from '../../src/tokens/access-claims.ts'
import { isWithin, parseAttenuation } from '../../src/tokens/attenuation.ts'
import { parseCaveatContext, type CaveatContext } from '../../src/tokens/caveat-context.ts'
import { printIdentityBlock } from '../../src/tokens/identity-block.ts'
import {
  addCaveat,
  addCaveats,
  addThirdPartyCaveat,
  bindDischarge,
  mintMacaroon,
  printBinaryV2,
  printJsonV2,
  rawRootKey,
  rootKeyOf,
  type Macaroon,
} from '../../src/tokens/macaroon/index.ts'
import { parseMacaroonText, printMacaroonText } from '../../src/tokens/macaroon-text.ts'
import { mint } from '../../src/tokens/mint.ts'
import { verifyAccess } from '../../src/tokens/verify.ts'
import { claims, fixedKeys, issuance, issuer, now } from './fixtures.ts'

const keys = fixedKeys()
const text = mint(keys, { ...issuance, format: 'macaroon', accessClaims: { username: 'ada' } }).accessToken
const [root] = parseMacaroonText(text)!
const say = (macaroon: Macaroon | string, context: CaveatContext | 'any' = {}, at = now) => {
  const token = typeof macaroon === 'string' ? macaroon : printMacaroonText([macaroon])
  return verifyAccess(keys, token, { issuer, now: at, context })
}
const answer = (...given: Parameters<typeof say>) => {
  const seen = say(...given)
  return 'refused' in seen ? seen.refused : 'yes'
}
const instant = (seconds: number) => `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
/** Signed by us, with whatever caveats. */
const signed = (predicates: readonly string[], identifier = `gth1.k-macaroon-root.jti-1`) => {
  const rootKey = rawRootKey(macBytes(keys.secret('macaroon-root').key, Buffer.from('macaroon root\0')))
  return addCaveats(mintMacaroon({ rootKey, identifier, location: issuer }), predicates)
}
const block = printIdentityBlock({ ...claims, iss: issuer })

describe('an access macaroon', () => {
  test('says what every other format says', () => {
    const jwt = mint(keys, { ...issuance, accessClaims: { username: 'ada' } })
    expect(say(text)).toEqual({ ...jwt.claims, caveats: [] })
    expect(text.startsWith('gth_mc_')).toBe(true)
    expect(text.length).toBeLessThan(1024)
  })

  test('is accepted bare, in either alphabet, padded or not, as JSON too', () => {
    const spellings = new Set<string>()
    // Of every length that padding depends on; and so many that one of the signatures has each sign, whatever chance gives.
    for (const path of Array.from({ length: 48 }, (_, more) => `/${'a'.repeat(1 + more)}`)) {
      const macaroon = addCaveat(root, `path = ${path}`)
      const bytes = Buffer.from(printBinaryV2(macaroon))
      const json = printJsonV2(macaroon)
      const standard = [bytes.toString('base64'), Buffer.from(json).toString('base64')]
      const bare = [bytes.toString('base64url'), Buffer.from(json).toString('base64url'), json]
      for (const spelling of [...standard, ...standard.map((one) => one.replace(/=+$/, '')), ...bare]) {
        spellings.add(spelling)
        expect(answer(spelling, { path }), spelling).toBe('yes')
        expect(answer(spelling, { path: '/' }), spelling).toBe('token_caveat')
      }
    }
    // Each alphabet is told from the other, and padding was there to be left out.
    for (const sign of [/^[\w/+]*[+/][\w/+]*$/, /^[\w-]*[-_][\w-]*$/, /=$/, /^\{/])
      expect(
        [...spellings].some((one) => sign.test(one)),
        String(sign),
      ).toBe(true)
  })

  test('a client that acts for itself, no scope, no claims, no sign-in', () => {
    const { accessToken, claims: said } = mint(keys, {
      ...issuance,
      subject: 'app',
      scope: [],
      authentication: undefined,
      format: 'macaroon',
    })
    expect(say(accessToken)).toEqual({ ...said, caveats: [] })
  })

  test('names with every kind of sign survive', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 60 }).filter((name) => name.isWellFormed()),
        (name) => {
          const { accessToken, claims: said } = mint(keys, { ...issuance, format: 'macaroon', accessClaims: { name } })
          expect(say(accessToken)).toEqual({ ...said, caveats: [] })
        },
      ),
    )
  })

  test('ends', () => {
    expect(answer(text, {}, now + 899)).toBe('yes')
    expect(answer(text, {}, now + 900)).toBe('token_expired')
  })

  test('K12: of an unknown key, or another ring, is nobody’s', () => {
    expect(answer(signed(block, 'gth1.k-mac.jti-1'))).toBe('token_signature')
    expect(verifyAccess(fixedKeys('other'), text, { issuer, now })).toEqual({ refused: 'token_signature' })
    expect(answer(signed(block))).toBe('yes')
    for (const identifier of ['gth2.k-macaroon-root.jti-1', 'gth1.k-macaroon-root', 'gth1.k-macaroon-root.a.b', ''])
      expect(answer(signed(block, identifier)), identifier).toBe('token_signature')
  })
})

describe('K02, K04: the block of identity', () => {
  test('without one of its caveats there is no token', () => {
    expect(answer(signed([]))).toBe('token_malformed')
    for (const index of block.keys())
      expect(answer(signed(block.toSpliced(index, 1))), block[index]).toBe('token_malformed')
  })

  test('out of order there is none', () => {
    for (const index of block.keys()) {
      if (index === 0) continue
      const swapped = block.with(index, block[index - 1]!).with(index - 1, block[index]!)
      expect(answer(signed(swapped)), block[index]).toBe('token_malformed')
    }
  })

  test.each([
    ['type = access', 'type = refresh'],
    ['type = access', 'type=access'],
    ['issued = ', 'issued = yesterday'],
    ['time < ', 'time > 2030-01-01T00:00:00Z'],
    // K10
    ['epoch = ', 'epoch = '],
    ['epoch = ', 'epoch = -1.2.3'],
    ['epoch = ', 'epoch = 1.2'],
    ['sign_in = ', 'sign_in = pwd'],
    ['claims = ', 'claims = {"a":1,"a":2}'],
    ['claims = ', 'claims = { "a":1}'],
    ['claims = ', 'claims = [1]'],
  ])('%s…, written as %s', (head, wrong) => {
    expect(answer(signed(block.map((one) => (one.startsWith(head) ? wrong : one))))).toBe('token_malformed')
  })

  test('said once more it is refused, though it says the same', () => {
    for (const one of block) {
      const repeated = answer(addCaveat(root, one))
      expect(repeated, one).toBe(/^(scope|aud|time) /.test(one) ? 'yes' : 'token_caveat')
    }
  })

  test('nobody makes himself anybody else, though nothing stood there', () => {
    const bare = mint(keys, { ...issuance, authentication: undefined, format: 'macaroon' }).accessToken
    const [plain] = parseMacaroonText(bare)!
    for (const added of [
      'sign_in = 2030-01-01T00:00:00Z pwd',
      'claims = {"role":"superuser"}',
      'user = usr_2',
      'grant = g2',
    ])
      expect(answer(addCaveat(plain, added)), added).toBe('token_caveat')
  })
})

describe('attenuations', () => {
  test.each([
    ['method = GET', { method: 'GET' }, 'yes'],
    ['method = GET HEAD', { method: 'HEAD' }, 'yes'],
    ['method = GET', { method: 'POST' }, 'token_caveat'],
    ['method = GET', {}, 'token_caveat'],
    ['method = get', { method: 'get' }, 'token_caveat'],
    ['endpoint = listThings', { endpoint: 'listThings' }, 'yes'],
    ['endpoint = listThings', { endpoint: 'listThing' }, 'token_caveat'],
    ['path = /v1/things', { path: '/v1/things' }, 'yes'],
    ['path = /v1/things', { path: '/v1/things/1' }, 'token_caveat'],
    ['path = /v1/things/*', { path: '/v1/things/1/2' }, 'yes'],
    ['path = /v1/things/*', { path: '/v1/things/' }, 'token_caveat'],
    ['path = /v1/things/*', { path: '/v1/thingsX' }, 'token_caveat'],
    ['path = /v1/things/*', { path: '/v1/things/../users' }, 'token_caveat'],
    ['path = /v1/things/*', { path: '/v1/things/%2e%2e/users' }, 'token_caveat'],
    ['path = /v1/things/*', { path: '/v1/things/..%2fusers' }, 'token_caveat'],
    ['path = /v1/things/*', { path: '/v1/things/%252e%252e/users' }, 'token_caveat'],
    ['path = /v1/things/*', { path: '/v1/things//users' }, 'token_caveat'],
    ['path = /v1/things/*', { path: '/v1/things/a;b' }, 'token_caveat'],
    ['path = /v1*', { path: '/v1' }, 'token_caveat'],
    ['path = v1', { path: 'v1' }, 'token_caveat'],
    ['ip = 192.0.2.1', { ip: '192.0.2.1' }, 'yes'],
    ['ip = 192.0.2.0/24 2001:db8::/32', { ip: '2001:db8::7' }, 'yes'],
    ['ip = 192.0.2.0/24', { ip: '::ffff:192.0.2.9' }, 'yes'],
    ['ip = 192.0.2.0/24', { ip: '192.0.3.1' }, 'token_caveat'],
    ['ip = 192.0.2.0/24', { ip: 'localhost' }, 'token_caveat'],
    ['ip = 192.0.2.0/33', { ip: '192.0.2.1' }, 'token_caveat'],
    ['ip = 0x7f.1', { ip: '127.0.0.1' }, 'token_caveat'],
    ['scope = read write', {}, 'yes'],
    ['scope = read  write', {}, 'token_caveat'],
    ['aud = https://api.example https://other.example', {}, 'yes'],
    ['aud = https://other.example', {}, 'token_caveat'],
    [`time < ${instant(now + 1)}`, {}, 'yes'],
    [`time < ${instant(now)}`, {}, 'token_expired'],
    ['connection = c1', { connection: { id: 'c1', path: '/a' } }, 'yes'],
    ['connection = c2 c1', { connection: { id: 'c1', path: '/a' } }, 'yes'],
    ['connection = c1', { connection: { id: 'c12', path: '/a' } }, 'token_caveat'],
    // Nowhere but at the proxy: a capability is no key to the rest of this server.
    ['connection = c1', { method: 'GET', path: '/api/v1/me' }, 'token_caveat'],
    ['connection = ../c1', { connection: { id: '../c1', path: '/a' } }, 'token_caveat'],
    // K03: unknown, or for another operator.
    ['colour = blue', {}, 'token_caveat'],
    ['method < GET', { method: 'GET' }, 'token_caveat'],
    ['time > 2001-01-01T00:00:00Z', {}, 'token_caveat'],
    ['', {}, 'token_caveat'],
  ] as const)('%s, when %j is called: %s', (predicate, context, expected) => {
    expect(answer(addCaveat(root, predicate), context)).toBe(expected)
  })

  test('K05: a path is one of the provider behind `connection =`, and one of ours before it, whatever is added later', () => {
    const there = { path: '/vault/proxy/c1/shops/77', connection: { id: 'c1', path: '/shops/77' } }
    const ours = addCaveat(root, 'path = /vault/proxy/c1/*')
    expect(answer(ours, there)).toBe('yes')
    expect(answer(addCaveat(ours, 'connection = c1'), there)).toBe('yes')
    expect(answer(addCaveat(root, 'path = /shops/*'), there)).toBe('token_caveat')
    const bound = addCaveat(root, 'connection = c1')
    expect(answer(addCaveat(bound, 'path = /shops/*'), there)).toBe('yes')
    expect(answer(addCaveat(bound, 'path = /vault/proxy/c1/*'), there)).toBe('token_caveat')
    // What was meant for our paths must not open the provider's by being bound later.
    const api = addCaveat(root, 'path = /shops/*')
    expect(answer(addCaveat(api, 'connection = c1'), there)).toBe('token_caveat')
  })

  test('what they say is shown, and taken into account', () => {
    const narrow = addCaveats(root, ['scope = read', `time < ${instant(now + 60)}`, 'method = GET'])
    expect(say(narrow, { method: 'GET' })).toMatchObject({
      scope: ['read'],
      exp: now + 60,
      caveats: ['scope = read', `time < ${instant(now + 60)}`, 'method = GET'],
    })
  })

  test('K05: scope, audience and end are what every caveat holds; later ones give nothing back', () => {
    const wide = addCaveats(root, ['scope = read', 'scope = read write admin', `time < ${instant(now + 9_000_000)}`])
    expect(say(wide)).toMatchObject({ scope: ['read'], exp: now + 900 })
    expect(say(addCaveats(root, ['scope = read', 'scope = openid']))).toMatchObject({ scope: [] })
  })

  test('whoever revokes need not meet them', () => {
    const far = addCaveats(root, ['method = GET', 'colour = blue', `time < ${instant(now - 5)}`])
    expect(answer(far, 'any')).toBe('yes')
    expect(answer({ ...far, signature: root.signature }, 'any')).toBe('token_signature')
    expect(answer(signed(block.slice(1)), 'any')).toBe('token_malformed')
  })
})

const attenuations = fc.oneof(
  fc.constantFrom(
    'scope = read',
    'scope = openid',
    'scope = admin read',
    'aud = https://api.example',
    'aud = https://api.example https://as.example',
    'method = GET',
    'method = POST GET',
    'path = /a/*',
    'path = /p/*',
    'connection = c1',
    'connection = c2 c1',
    'endpoint = x y',
    'ip = 127.0.0.0/8',
    `time < ${instant(now + 30)}`,
    `time < ${instant(now - 30)}`,
    'type = access',
    'user = usr_2',
  ),
  fc.string({ maxLength: 20 }),
)
const contexts = fc.record(
  {
    method: fc.constantFrom('GET', 'POST'),
    path: fc.constantFrom('/a/b', '/b'),
    endpoint: fc.constantFrom('x', 'z'),
    ip: fc.constantFrom('127.0.0.1', '192.0.2.1'),
    connection: fc.constantFrom({ id: 'c1', path: '/p/q' }, { id: 'c1', path: '/a/b' }, { id: 'c3', path: '/p/q' }),
  },
  { requiredKeys: [] },
)

/** Of the token itself, and of discharges in one another: each has its caveats and may ask for the next one. */
const lists = fc.array(
  fc.array(
    fc.oneof(
      { weight: 1, arbitrary: attenuations },
      { weight: 2, arbitrary: fc.constantFrom('scope = read write openid', 'method = GET POST') },
    ),
    { maxLength: 2 },
  ),
  { maxLength: 3 },
)

test('K05: nor does any that is added to a discharge, however deep', () => {
  const seen = { yes: 0, no: 0, narrowed: 0 }
  const grow = (chain: readonly (readonly string[])[], more: string | undefined, at: number): readonly Macaroon[] => {
    const made = chain.map((list, index) => {
      const own = index === 0 ? root : mintMacaroon({ rootKey: rootKeyOf(`p${index}`), identifier: `p${index}` })
      const held = addCaveats(own, list)
      const next = { location: '', identifier: `p${index + 1}`, rootKey: rootKeyOf(`p${index + 1}`) }
      const asking = index === chain.length - 1 ? held : addThirdPartyCaveat(held, next, keys.random)
      return more !== undefined && index === at ? addCaveat(asking, more) : asking
    })
    return made.map((one, index) => (index === 0 ? one : bindDischarge(made[0]!, one)))
  }
  fc.assert(
    fc.property(lists, attenuations, fc.nat(), contexts, (below, more, where, context) => {
      const chain = [[], ...below]
      const at = below.length === 0 ? 0 : 1 + (where % below.length)
      const before = say(printMacaroonText(grow(chain, undefined, at)), context)
      const after = say(printMacaroonText(grow(chain, more, at)), context)
      if ('refused' in before) {
        seen.no += 1
        expect(after).toHaveProperty('refused')
        return
      }
      if ('refused' in after) return
      seen.yes += 1
      if (after.scope.length < before.scope.length || after.exp < before.exp) seen.narrowed += 1
      expectWithin(after, before)
    }),
    { numRuns: 400 },
  )
  expect(Math.min(seen.yes, seen.no, seen.narrowed)).toBeGreaterThan(3)
})

test('K05: no caveat ever widens: a no stays a no, and what is left is part of what was there', () => {
  fc.assert(
    fc.property(fc.array(attenuations, { maxLength: 5 }), attenuations, contexts, (list, more, context) => {
      const before = say(addCaveats(root, list), context)
      const after = say(addCaveats(root, [...list, more]), context)
      if ('refused' in before) expect(after).toHaveProperty('refused')
      if ('refused' in before || 'refused' in after) return
      expectWithin(after, before)
    }),
  )
})

function expectWithin(after: AccessClaims, before: AccessClaims): void {
  expect(before.scope).toEqual(expect.arrayContaining([...after.scope]))
  expect(before.aud).toEqual(expect.arrayContaining([...after.aud]))
  expect(after.exp).toBeLessThanOrEqual(before.exp)
  const { scope: _s, aud: _a, exp: _e, caveats: _c, ...who } = after
  expect(before).toMatchObject(who)
}

test('K01: no edit of a byte of the text is accepted', () => {
  const bytes = Buffer.from(text.slice('gth_mc_00000000_'.length), 'base64url')
  const place = bytes.indexOf(issuer)
  for (let at = 0; at < bytes.length; at++) {
    // Where it says it is from is a hint for people that no MAC covers.
    if (at >= place && at < place + issuer.length) continue
    const edited = Buffer.from(bytes)
    edited[at] = edited[at]! ^ 1
    expect(answer(edited.toString('base64url')), `byte ${at}`).not.toBe('yes')
  }
})

describe('the context of a call', () => {
  test('holds four texts and nothing else', () => {
    expect(parseCaveatContext('{"method":"GET","path":"/a","ip":"::1","endpoint":"x"}')).toEqual({
      method: 'GET',
      path: '/a',
      ip: '::1',
      endpoint: 'x',
    })
    for (const wrong of [
      '',
      '[]',
      '{"method":1}',
      '{"method":"GET","method":"POST"}',
      '{"time":"2001-01-01T00:00:00Z"}',
      '{"scope":"read"}',
      '{"aud":"x"}',
      '{"__proto__":{"ip":"::1"}}',
      `{"path":"/${'x'.repeat(2048)}"}`,
    ])
      expect(parseCaveatContext(wrong), wrong).toBeUndefined()
  })

  test('says nothing about time, scope and audience', () => {
    for (const one of ['time < 2001-01-01T00:00:00Z', 'scope = a', 'aud = a:b'])
      expect(isWithin(parseAttenuation(one)!, {})).toBe(true)
  })
})
