import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addCaveat,
  addThirdPartyCaveat,
  bindDischarge,
  createRandom,
  mintMacaroon,
  parseBinaryV2,
  parseJsonV2,
  printBinaryV2,
  printJsonV2,
  rootKeyOf,
  verifyMacaroon,
  type Macaroon,
} from '../../../src/tokens/macaroon/index.ts'

/** What we use of npm `macaroon`, which brings no types. */
type Theirs = {
  readonly identifier: Uint8Array
  readonly signature: Uint8Array
  addFirstPartyCaveat(predicate: string): void
  addThirdPartyCaveat(rootKey: Uint8Array, identifier: string, location: string): void
  bindToRoot(signature: Uint8Array): void
  exportBinary(): Uint8Array
  exportJSON(): object
  verify(rootKey: Uint8Array, check: (predicate: string) => string | null, discharges: readonly Theirs[]): void
}
type Library = {
  newMacaroon(parts: { rootKey: Uint8Array; identifier: string; location: string; version: 2 }): Theirs
  importMacaroon(from: Uint8Array | object): Theirs
}
const theirs = createRequire(import.meta.url)('macaroon') as Library

const random = createRandom()
const bytes = (text: string) => new TextEncoder().encode(text)
const words = fc.string({ minLength: 1, maxLength: 40 }).filter((text) => text.trim() === text)
const locations = fc.constantFrom('', 'https://login.example', 'a place')

/** A root with predicates, and third parties each with a discharge that has predicates of its own. */
const scenes = fc.record({
  key: words,
  identifier: words,
  location: locations,
  predicates: fc.array(words, { maxLength: 4 }),
  thirdParties: fc.uniqueArray(
    fc.record({ identifier: words, key: words, predicates: fc.array(words, { maxLength: 3 }) }),
    {
      selector: ({ identifier }) => identifier,
      maxLength: 3,
    },
  ),
})
type Scene = typeof scenes extends fc.Arbitrary<infer T> ? T : never

function makeOurs({ key, identifier, location, predicates, thirdParties }: Scene): readonly Macaroon[] {
  let root = predicates.reduce(addCaveat, mintMacaroon({ rootKey: rootKeyOf(key), identifier, location }))
  for (const { identifier: name, key: secret } of thirdParties)
    root = addThirdPartyCaveat(root, { location: 'else', identifier: name, rootKey: rootKeyOf(secret) }, random)
  const discharges = thirdParties.map((party) =>
    party.predicates.reduce(
      addCaveat,
      mintMacaroon({ rootKey: rootKeyOf(party.key), identifier: party.identifier, location: 'else' }),
    ),
  )
  return [root, ...discharges.map((discharge) => bindDischarge(root, discharge))]
}

function makeTheirs({ key, identifier, location, predicates, thirdParties }: Scene): readonly Theirs[] {
  const root = theirs.newMacaroon({ rootKey: bytes(key), identifier, location, version: 2 })
  for (const predicate of predicates) root.addFirstPartyCaveat(predicate)
  for (const { identifier: name, key: secret } of thirdParties) root.addThirdPartyCaveat(bytes(secret), name, 'else')
  const discharges = thirdParties.map((party) => {
    const discharge = theirs.newMacaroon({
      rootKey: bytes(party.key),
      identifier: party.identifier,
      location: 'else',
      version: 2,
    })
    for (const predicate of party.predicates) discharge.addFirstPartyCaveat(predicate)
    discharge.bindToRoot(root.signature)
    return discharge
  })
  return [root, ...discharges]
}

const known = (scene: Scene) => [...scene.predicates, ...scene.thirdParties.flatMap(({ predicates }) => predicates)]
function weSayYes(macaroons: readonly Macaroon[], scene: Scene, met: readonly string[]): boolean {
  const [root, ...discharges] = macaroons
  const check = (predicate: string) => met.includes(predicate)
  return 'verified' in verifyMacaroon(root!, { rootKey: rootKeyOf(scene.key), discharges, check })
}

function theySayYes(macaroons: readonly Theirs[], scene: Scene, met: readonly string[]): boolean {
  const [root, ...discharges] = macaroons
  try {
    root!.verify(bytes(scene.key), (predicate) => (met.includes(predicate) ? null : 'no'), discharges)
    return true
  } catch {
    return false
  }
}

describe('npm macaroon and we say the same', () => {
  test('about what we made, in JSON and in binary', () => {
    fc.assert(
      fc.property(scenes, fc.nat(), (scene, drop) => {
        const made = makeOurs(scene)
        const all = known(scene)
        const fewer = all.filter((predicate) => predicate !== all[drop % Math.max(1, all.length)])
        for (const read of [
          made.map((one) => theirs.importMacaroon(printBinaryV2(one))),
          made.map((one) => theirs.importMacaroon(JSON.parse(printJsonV2(one)) as object)),
        ]) {
          expect(theySayYes(read, scene, all)).toBe(true)
          expect(theySayYes(read, scene, fewer)).toBe(weSayYes(made, scene, fewer))
        }
        expect(weSayYes(made, scene, all)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('about what they made, in JSON', () => {
    fc.assert(
      fc.property(scenes, fc.nat(), (scene, drop) => {
        const made = makeTheirs(scene)
        const all = known(scene)
        const fewer = all.filter((predicate) => predicate !== all[drop % Math.max(1, all.length)])
        const fromJson = made.map((one) => parseJsonV2(bytes(JSON.stringify(one.exportJSON())))!)
        expect(weSayYes(fromJson, scene, all)).toBe(true)
        expect(weSayYes(fromJson, scene, fewer)).toBe(theySayYes(made, scene, fewer))
      }),
      { numRuns: 60 },
    )
  })

  // Their buffer doubles with every byte that is written, so the binary form of more than a caveat takes gigabytes.
  test('about the binary form of what they made', () => {
    const made = theirs.newMacaroon({ rootKey: bytes('k'), identifier: 'id', location: '', version: 2 })
    made.addFirstPartyCaveat('user = ada')
    const read = parseBinaryV2(made.exportBinary())!
    expect(verifyMacaroon(read, { rootKey: rootKeyOf('k'), check: (predicate) => predicate === 'user = ada' })).toEqual(
      {
        verified: true,
        predicates: ['user = ada'],
      },
    )
  })

  test('bit for bit, without a third party', () => {
    fc.assert(
      fc.property(scenes, (scene) => {
        const bare = { ...scene, thirdParties: [] }
        expect(Buffer.from(makeOurs(bare)[0]!.signature)).toEqual(Buffer.from(makeTheirs(bare)[0]!.signature))
      }),
      { numRuns: 60 },
    )
  })
})
