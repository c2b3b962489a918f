import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addCaveat,
  addCaveats,
  addThirdPartyCaveat,
  bindDischarge,
  checkWith,
  createRandom,
  exactly,
  macaroonLimits,
  mintMacaroon,
  notAfter,
  oneOf,
  parseBinariesV2,
  parseBinaryV1,
  parseBinaryV2,
  parseInstant,
  parseJsonV2,
  parseMacaroon,
  parsePredicate,
  printBinaryV1,
  printBinaryV2,
  printJsonV2,
  rawRootKey,
  rootKeyOf,
  verifyMacaroon,
  type Macaroon,
} from '../../../src/tokens/macaroon/index.ts'

const random = createRandom()
const rootKey = rootKeyOf('a secret that only the verifier has')
const other = rootKeyOf('another')
const now = Date.parse('2030-01-01T00:00:00Z') / 1000
const check = checkWith({
  'user =': exactly('ada'),
  'time <': notAfter(now),
  'method =': oneOf('GET'),
})
const say = (macaroon: Macaroon, discharges: readonly Macaroon[] = []) => {
  const seen = verifyMacaroon(macaroon, { rootKey, discharges, check })
  return 'verified' in seen ? 'yes' : seen.refused
}

const root = addCaveat(mintMacaroon({ rootKey, identifier: 'id', location: 'here' }), 'user = ada')
const party = { location: 'there', identifier: 'of ada', rootKey: other }
const guarded = addThirdPartyCaveat(root, party, random)
const discharge = mintMacaroon({ rootKey: other, identifier: 'of ada' })

describe('caveats', () => {
  test.each([
    ['user = ada', 'yes'],
    ['time < 2030-01-01T00:00:01Z', 'yes'],
    ['method = HEAD GET', 'yes'],
    ['time < 2030-01-01T00:00:00Z', 'caveat'],
    ['time < 2031-02-30T00:00:00Z', 'caveat'],
    ['time < 2031-01-01T00:00:00+00:00', 'caveat'],
    ['time > 2031-01-01T00:00:00Z', 'caveat'],
    ['user = bob', 'caveat'],
    ['method = GETX', 'caveat'],
    // K03: what nobody here knows isn't met.
    ['colour = blue', 'caveat'],
    ['constructor = x', 'caveat'],
    // K04: one spelling.
    ['user=ada', 'caveat'],
    ['user  = ada', 'caveat'],
    ['user = ada ', 'caveat'],
    [' user = ada', 'caveat'],
    ['USER = ada', 'caveat'],
    ['user = ada\nuser = bob', 'caveat'],
    ['usеr = ada', 'caveat'],
    ['user = ', 'caveat'],
    ['', 'caveat'],
  ])('%s: %s', (predicate, answer) => expect(say(addCaveat(root, predicate))).toBe(answer))

  test('bytes that are no text are a caveat that nobody knows', () => {
    expect(say(addCaveat(root, Buffer.of(0xff)))).toBe('caveat')
  })

  test('the refusal names the predicate', () => {
    const seen = verifyMacaroon(addCaveat(root, 'user = bob'), { rootKey, check })
    expect(seen).toEqual({ refused: 'caveat', predicate: 'user = bob' })
  })

  test('no caveat is looked at before the MAC is right', () => {
    const looked: string[] = []
    const seen = verifyMacaroon(root, { rootKey: other, check: (predicate) => looked.push(predicate) > 0 })
    expect(seen).toEqual({ refused: 'signature' })
    expect(looked).toEqual([])
  })
})

describe('discharges', () => {
  test('a third-party caveat is met by its bound discharge alone', () => {
    expect(say(guarded, [bindDischarge(guarded, discharge)])).toBe('yes')
    expect(say(guarded)).toBe('discharge_missing')
    // K06: unbound, or bound to another root.
    expect(say(guarded, [discharge])).toBe('discharge_signature')
    const sibling = addThirdPartyCaveat(addCaveat(root, 'method = GET'), party, random)
    expect(say(guarded, [bindDischarge(sibling, discharge)])).toBe('discharge_signature')
    expect(say(guarded, [bindDischarge(guarded, mintMacaroon({ rootKey, identifier: 'of ada' }))])).toBe(
      'discharge_signature',
    )
  })

  test('a predicate of a discharge counts as one of the root', () => {
    expect(say(guarded, [bindDischarge(guarded, addCaveat(discharge, 'user = bob'))])).toBe('caveat')
    expect(say(guarded, [bindDischarge(guarded, addCaveat(discharge, 'user = ada'))])).toBe('yes')
  })

  test('K07: none is left over, none comes twice', () => {
    const bound = bindDischarge(guarded, discharge)
    expect(say(guarded, [bound, bound])).toBe('discharge_surplus')
    expect(say(root, [bindDischarge(root, discharge)])).toBe('discharge_surplus')
  })

  test('K07: a circle ends', () => {
    const circular = addThirdPartyCaveat(discharge, party, random)
    expect(say(guarded, [bindDischarge(guarded, circular)])).toBe('discharge_missing')
  })

  test.each([
    [macaroonLimits.dischargeDepth, 'yes'],
    [macaroonLimits.dischargeDepth + 1, 'too_large'],
    [60, 'too_large'],
  ])('K07: a chain of %i discharges: %s', (length, answer) => {
    const key = (index: number) => rootKeyOf(`key ${index}`)
    const caveatOf = (index: number) => ({ location: '', identifier: `number ${index}`, rootKey: key(index) })
    const first = addThirdPartyCaveat(root, caveatOf(1), random)
    const chain = Array.from({ length }, (_, at) => {
      const made = mintMacaroon({ rootKey: key(at + 1), identifier: `number ${at + 1}` })
      return bindDischarge(first, at + 1 < length ? addThirdPartyCaveat(made, caveatOf(at + 2), random) : made)
    })
    expect(say(first, chain)).toBe(answer)
  })

  test('K07: ten thousand discharges cost nothing', () => {
    const many = Array.from({ length: 10_000 }, () => discharge)
    expect(say(guarded, many)).toBe('too_large')
  })
})

describe('limits', () => {
  test('no 65th caveat, none of more than 4 KiB', () => {
    const full = addCaveats(
      mintMacaroon({ rootKey, identifier: 'id' }),
      Array.from({ length: 64 }, () => 'user = ada'),
    )
    expect(say(full)).toBe('yes')
    expect(() => addCaveat(full, 'user = ada')).toThrow('at most 64')
    expect(() => addThirdPartyCaveat(full, party, random)).toThrow('at most 64')
    expect(() => addCaveat(root, 'x'.repeat(4097))).toThrow('4096 are allowed')
    const tooMany = { ...full, caveats: [...full.caveats, ...full.caveats.slice(0, 1)] }
    expect(say(tooMany)).toBe('too_large')
    expect(parseBinaryV2(printBinaryV2(tooMany))).toBeUndefined()
    expect(parseBinaryV1(printBinaryV1(tooMany))).toBeUndefined()
    expect(parseJsonV2(Buffer.from(printJsonV2(tooMany)))).toBeUndefined()
    const tooLong = { ...root, caveats: [{ identifier: Buffer.alloc(4097) }] }
    expect(parseBinaryV2(printBinaryV2(tooLong))).toBeUndefined()
    expect(parseBinaryV1(printBinaryV1(tooLong))).toBeUndefined()
    expect(parseJsonV2(Buffer.from(printJsonV2(tooLong)))).toBeUndefined()
  })

  test('a raw root key has 32 bytes', () => expect(() => rawRootKey(Buffer.alloc(31))).toThrow('32 bytes'))
})

const fields = fc.uint8Array({ minLength: 1, maxLength: 300 })
const places = fc.constantFrom('', 'https://login.example', 'ünder')
const macaroons: fc.Arbitrary<Macaroon> = fc.record({
  location: places,
  identifier: fields,
  caveats: fc.array(
    fc.oneof(
      fc.record({ identifier: fields }),
      fc.record({ identifier: fields, thirdParty: fc.record({ location: places, verificationId: fields }) }),
    ),
    { maxLength: 8 },
  ),
  signature: fc.uint8Array({ minLength: 32, maxLength: 32 }),
})
const plain = (macaroon: Macaroon | undefined) =>
  JSON.stringify(macaroon, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  )
// Buffers turn themselves into JSON before the replacer sees them.
const normal = (macaroon: Macaroon | undefined) =>
  macaroon &&
  plain({
    ...macaroon,
    identifier: Uint8Array.from(macaroon.identifier),
    signature: Uint8Array.from(macaroon.signature),
    caveats: macaroon.caveats.map(({ identifier, thirdParty }) => ({
      identifier: Uint8Array.from(identifier),
      ...(thirdParty && { thirdParty: { ...thirdParty, verificationId: Uint8Array.from(thirdParty.verificationId) } }),
    })),
  })

describe('forms', () => {
  test('what is written is read again, in every form', () => {
    fc.assert(
      fc.property(macaroons, (macaroon) => {
        const want = normal(macaroon)
        expect(normal(parseBinaryV1(printBinaryV1(macaroon)))).toBe(want)
        expect(normal(parseBinaryV2(printBinaryV2(macaroon)))).toBe(want)
        expect(normal(parseJsonV2(Buffer.from(printJsonV2(macaroon))))).toBe(want)
        for (const alphabet of ['base64', 'base64url'] as const) {
          for (const binary of [printBinaryV1(macaroon), printBinaryV2(macaroon), Buffer.from(printJsonV2(macaroon))])
            expect(normal(parseMacaroon(binary.toString(alphabet)))).toBe(want)
        }
        const twice = Buffer.concat([printBinaryV2(macaroon), printBinaryV2(macaroon)])
        expect(parseBinariesV2(twice)?.map(normal)).toEqual([want, want])
      }),
    )
  })

  test('whatever V2 binary is read is written back byte for byte: one macaroon, one spelling', () => {
    fc.assert(
      fc.property(macaroons, fc.nat(), fc.integer({ min: 0, max: 255 }), (macaroon, at, byte) => {
        const edited = Buffer.from(printBinaryV2(macaroon))
        edited[at % edited.length] = byte
        const read = parseBinaryV2(edited)
        if (read !== undefined) expect(printBinaryV2(read)).toEqual(edited)
      }),
    )
  })

  test('nonsense is refused and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.json()), (text) => {
        const read = parseMacaroon(text)
        if (read !== undefined) expect(read.signature).toHaveLength(32)
      }),
    )
    for (const text of ['', '=', 'Ag', '{}', '{"v":3}', '{"v":2,"i":"x","i64":"eA","s64":"AA"}', 'AgAA+_'])
      expect(parseMacaroon(text), text).toBeUndefined()
  })
})

const predicates = fc.oneof(
  fc.constantFrom(
    'user = ada',
    'user = bob',
    'method = GET',
    'time < 2031-01-01T00:00:00Z',
    'time < 2029-01-01T00:00:00Z',
  ),
  fc.string({ maxLength: 30 }),
)

describe('properties', () => {
  test('K01: no edit of a single byte of an accepted macaroon or its discharge is accepted, the location alone aside', () => {
    const bound = bindDischarge(guarded, addCaveat(discharge, 'user = ada'))
    const bytes = Buffer.concat([
      printBinaryV2({ ...guarded, location: '', caveats: guarded.caveats }),
      printBinaryV2(bound),
    ])
    const place = bytes.indexOf('there')
    for (let at = 0; at < bytes.length; at++) {
      // A hint that no MAC covers, and that nothing trusts.
      if (at >= place && at < place + 'there'.length) continue
      for (const flip of [0x01, 0x80, 0xff]) {
        const edited = Buffer.from(bytes)
        edited[at] = edited[at]! ^ flip
        const [one, ...rest] = parseBinariesV2(edited) ?? []
        if (one !== undefined) expect(say(one, rest), `byte ${at}`).not.toBe('yes')
      }
    }
  })

  test('K01: no caveat can be taken away, put elsewhere or doubled under the same signature', () => {
    fc.assert(
      fc.property(fc.uniqueArray(predicates, { minLength: 1, maxLength: 6 }), fc.nat(), fc.nat(), (list, a, b) => {
        const macaroon = addCaveats(root, list)
        const { caveats } = macaroon
        const [i, j] = [a % caveats.length, b % caveats.length]
        const swapped = caveats.map((caveat, at) => (at === i ? caveats[j]! : at === j ? caveats[i]! : caveat))
        const edits = [caveats.toSpliced(i, 1), caveats.slice(0, i), [...caveats, caveats[i]!]]
        if (Buffer.compare(caveats[i]!.identifier, caveats[j]!.identifier) !== 0) edits.push(swapped)
        for (const edited of edits) expect(say({ ...macaroon, caveats: edited })).toBe('signature')
      }),
    )
  })

  test('K05: adding a caveat, anywhere in a tree of discharges, never turns a no into a yes', () => {
    const seen = { depth: 0, yes: 0, turned: 0, still: 0 }
    fc.assert(
      fc.property(trees(3), fc.nat(), fc.oneof(fc.constant('user = ada'), predicates), (tree, where, more) => {
        const before = say(...grow(tree, { at: -1, more }))
        const after = say(...grow(tree, { at: where % sizeOf(tree), more }))
        seen.depth = Math.max(seen.depth, depthOf(tree))
        if (before === 'yes') seen[after === 'yes' ? 'yes' : 'turned'] += 1
        else {
          seen.still += 1
          expect(after).not.toBe('yes')
        }
      }),
      { numRuns: 400 },
    )
    // All of it happened: a tree that is never believed would prove nothing.
    expect(seen.depth).toBe(3)
    expect(Math.min(seen.yes, seen.turned, seen.still)).toBeGreaterThan(10)
  })
})

/** A macaroon with predicates, and third parties whose discharges may have some and third parties of their own. */
type Tree = {
  readonly list: readonly string[]
  readonly parties: readonly { readonly given: boolean; readonly bound: boolean; readonly tree: Tree }[]
}

const mostly = fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) })

function trees(depth: number): fc.Arbitrary<Tree> {
  const list = fc.oneof(
    { weight: 3, arbitrary: fc.constant<readonly string[]>([]) },
    { weight: 1, arbitrary: fc.array(fc.oneof(fc.constant('user = ada'), predicates), { maxLength: 2 }) },
  )
  const party = depth === 0 ? undefined : fc.record({ given: mostly, bound: mostly, tree: trees(depth - 1) })
  const parties = party === undefined ? fc.constant([]) : fc.array(party, { maxLength: 2 })
  return fc.record({ list, parties })
}

const sizeOf = ({ parties }: Tree): number => parties.reduce((sum, { tree }) => sum + sizeOf(tree), 1)
const depthOf = ({ parties }: Tree): number => parties.reduce((most, { tree }) => Math.max(most, 1 + depthOf(tree)), 0)

/** The root and every discharge that is given. `at`: which macaroon of the tree has `more` in it, the root first; -1: none. */
function grow(tree: Tree, { at, more }: { readonly at: number; readonly more: string }): [Macaroon, Macaroon[]] {
  let count = 0
  const discharges: { readonly bound: boolean; readonly macaroon: Macaroon }[] = []
  const make = (start: Macaroon, { list, parties }: Tree): Macaroon => {
    const isHere = count === at
    count += 1
    let made = addCaveats(start, list)
    for (const { given, bound, tree: below } of parties) {
      const name = `p${count}`
      const key = rootKeyOf(name)
      made = addThirdPartyCaveat(made, { location: '', identifier: name, rootKey: key }, random)
      const macaroon = make(mintMacaroon({ rootKey: key, identifier: name }), below)
      if (given) discharges.push({ bound, macaroon })
    }
    return isHere ? addCaveat(made, more) : made
  }
  const made = make(root, tree)
  return [made, discharges.map(({ bound, macaroon }) => (bound ? bindDischarge(made, macaroon) : macaroon))]
}

test('predicates and instants have one spelling each', () => {
  expect(parsePredicate('time < 2030-01-01T00:00:00Z')).toEqual({
    key: 'time',
    operator: '<',
    value: '2030-01-01T00:00:00Z',
  })
  expect(parseInstant('2030-01-01T00:00:00Z')).toBe(now)
  for (const text of [
    '2030-01-01T00:00:00.0Z',
    '2030-1-1T00:00:00Z',
    '2030-01-01T24:00:00Z',
    '2030-01-01 00:00:00Z',
    '',
  ])
    expect(parseInstant(text), text).toBeUndefined()
})
