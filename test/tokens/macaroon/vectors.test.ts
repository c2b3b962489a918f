import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import {
  addCaveats,
  mintMacaroon,
  parseBinaryV1,
  parseBinaryV2,
  parseJsonV2,
  parseMacaroon,
  printBinaryV1,
  printBinaryV2,
  printJsonV2,
  rootKeyOf,
  verifyMacaroon,
} from '../../../src/tokens/macaroon/index.ts'

const vectors = fileURLToPath(new URL('../../vectors', import.meta.url))

const cases = globSync(join(vectors, 'libmacaroons/*.vtest'))
  .toSorted()
  .map((path) => {
    const lines = readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    const after = (word: string) =>
      lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1))
    return {
      name: basename(path, '.vtest'),
      version: path.includes('_v1_') ? 1 : 2,
      authorized: lines.includes('authorized'),
      key: after('key')[0]!,
      exact: after('exact'),
      text: lines.at(-1)!,
    }
  })

describe('the vectors of libmacaroons', () => {
  test('are all there', () => expect(cases).toHaveLength(16))

  // A V1 macaroon is base64 already, and stands there in base64 once more.
  const serialized = (one: (typeof cases)[number]) =>
    one.version === 1 ? Buffer.from(one.text, 'base64').toString('latin1') : one.text

  test.each(cases)('$name: authorized is $authorized', (one) => {
    const macaroon = parseMacaroon(serialized(one))!
    const seen = verifyMacaroon(macaroon, {
      rootKey: rootKeyOf(one.key),
      check: (predicate) => one.exact.includes(predicate),
    })
    expect('verified' in seen).toBe(one.authorized)
  })

  test.each(cases)('$name is written back byte for byte, and is the same in every form', (one) => {
    const bytes = Buffer.from(serialized(one), 'base64url')
    const macaroon = parseMacaroon(serialized(one))!
    expect((one.version === 1 ? printBinaryV1 : printBinaryV2)(macaroon)).toEqual(bytes)
    expect(parseBinaryV1(printBinaryV1(macaroon))).toEqual(macaroon)
    expect(parseBinaryV2(printBinaryV2(macaroon))).toEqual(macaroon)
    expect(parseJsonV2(Buffer.from(printJsonV2(macaroon)))).toEqual(macaroon)
  })
})

describe("system fatcat's macaroons", () => {
  const file = JSON.parse(readFileSync(join(vectors, 'macaroons-fatcat-style.json'), 'utf8')) as {
    rootKeyBase64: string
    location: string
    identifier: string
    cases: { caveats: string[]; signatureHex: string; serialized?: string }[]
  }

  test.each(file.cases)('with $caveats.length caveats', ({ caveats, signatureHex, serialized }) => {
    const rootKey = rootKeyOf(Buffer.from(file.rootKeyBase64, 'base64'))
    const macaroon = addCaveats(mintMacaroon({ ...file, rootKey }), caveats)
    expect(Buffer.from(macaroon.signature).toString('hex')).toBe(signatureHex)
    if (serialized === undefined) return
    expect(printBinaryV2(macaroon).toString('base64url')).toBe(serialized)
    expect(parseMacaroon(serialized)).toEqual(macaroon)
  })
})
