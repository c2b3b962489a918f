import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { operations } from '../../src/api/operations.ts'
import type { Operation } from '../../src/api/operation.ts'
import { refusalsOf } from '../../src/api/refusals.ts'
import type { Client } from '../../src/domain/client.ts'
import type { Signer } from '../kit/sign.ts'
import { openHouse, type House } from './house.ts'
import { rightCalls } from './right-calls.ts'

/** A fixed seed keeps every run the same; `FUZZ_RUNS` makes it longer, each time another. */
const wished = Number(process.env['FUZZ_RUNS'] ?? 0)
const runs = wished > 0 ? { numRuns: wished } : { numRuns: 60, seed: 20_260_122 }

let house: House
let client: Client
let scanner: Signer
const succeeded = new Set<string>()
beforeAll(async () => {
  house = await openHouse()
  client = await house.makeClient({ scope: 'openid profile email me admin accounts:provision' })
  scanner = await house.makeSigner('leaks:report')
})

type Shape = {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Shape[]
  readonly properties?: Readonly<Record<string, Shape>>
  readonly required?: readonly string[]
  readonly items?: Shape
  readonly maximum?: number
}

/** Texts that parsers, stores and logs have tripped over. */
const oddTexts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.string({ maxLength: 80 }),
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    '\r\nx: y',
    '\u2028',
    '\ud800',
    '../..',
    '__proto__',
    "'; DROP TABLE users --",
    '%00',
    'ａｄｍｉｎ',
    'аdmin',
    '<svg onload=1>',
    '\u001b[31m',
    '1e99',
    '٣',
    'usr_',
    'a'.repeat(5_000),
  ),
  fc.constantFrom(
    'ada',
    'openid profile',
    'admin',
    'https://app.example/cb',
    'https://api.example',
    'http://127.0.0.1/cb',
    'javascript:alert(1)',
    'none',
    'editor',
    'name@example.org',
  ),
)
const oddValues: fc.Arbitrary<unknown> = fc.oneof(
  oddTexts,
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(null, true, 0, -1, 1e99, 2 ** 53, 0.5, [], {}, [null], [[]]),
)

/** Something that the schema lets in, or nearly so. */
function near(shape: Shape): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 4, arbitrary: fitting(shape) }, { weight: 1, arbitrary: oddValues })
}

function fitting(shape: Shape): fc.Arbitrary<unknown> {
  if (shape.anyOf !== undefined) return fc.oneof(...shape.anyOf.map(near))
  if (shape.enum !== undefined) return fc.constantFrom(...shape.enum)
  if (shape.const !== undefined) return fc.constant(shape.const)
  switch (shape.type) {
    case 'integer':
      return fc.integer({ min: -2, max: Math.min(shape.maximum ?? 1_000, 1_000_000) })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(near(shape.items ?? {}), { maxLength: 4 })
    case 'object': {
      const members = Object.fromEntries(
        Object.entries(shape.properties ?? {}).map(([name, member]) => [name, near(member)]),
      )
      return fc.record(members, { requiredKeys: [] })
    }
    default:
      return oddTexts
  }
}

const shapeOf = (schema: z.ZodType): Shape => z.toJSONSchema(schema, { io: 'input', reused: 'inline' }) as Shape

type Spoil = (right: object) => string

/** Mostly the right body with a few members changed; sometimes strange ones beside them, another object, or none at all. */
function bodies(operation: Operation): fc.Arbitrary<Spoil> {
  if (operation.body === undefined) return fc.constantFrom(...['', '', '{}', 'x'].map((text) => () => text))
  const own = fitting(shapeOf(operation.body)) as fc.Arbitrary<object>
  const few = fc
    .tuple(own, fc.nat({ max: 2 }))
    .map(([value, count]) => Object.fromEntries(Object.entries(value).slice(0, count)))
  const strange = fc.dictionary(fc.string({ maxLength: 12 }), oddValues, { maxKeys: 2 })
  return fc.oneof(
    { weight: 5, arbitrary: few.map((changed) => (right: object) => JSON.stringify({ ...right, ...changed })) },
    { weight: 3, arbitrary: own.map((value) => () => JSON.stringify(value)) },
    { weight: 1, arbitrary: strange.map((others) => (right: object) => JSON.stringify({ ...right, ...others })) },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 4 }).map((value) => () => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }).map((text) => () => text) },
  )
}

function queries(operation: Operation): fc.Arbitrary<string> {
  const names = [...Object.keys(operation.query.shape), 'x']
  const pair = fc.tuple(fc.constantFrom(...names), fc.oneof(oddTexts, fc.constantFrom('1', '100', '101')))
  const printed = fc.array(pair, { maxLength: 2 }).map((pairs) => new URLSearchParams(pairs).toString())
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant('') },
    { weight: 3, arbitrary: printed },
    { weight: 1, arbitrary: fc.string({ maxLength: 30 }) },
  )
}

const endsCaller = new Set(['deleteMe', 'revokeAllTokens', 'changeMyPassword', 'addMyAuthenticator', 'addMyPasskey'])

/** The path with another id at its end, where it has one. */
function withId(path: string, id: string): string {
  return path.replace(/\/(?:usr_[^/]+|[^/]{20,})$/, `/${encodeURIComponent(id.toWellFormed())}`)
}

describe.each(operations.map((operation) => ({ name: `${operation.method} ${operation.path}`, operation })))(
  'J18: whatever is sent to $name',
  ({ operation }) => {
    test('is answered as documented, and never by an error of ours', async () => {
      const documented = new Set([
        operation.answer.status,
        ...(operation.found === undefined ? [] : [200]),
        ...refusalsOf(operation).keys(),
      ])
      let caller = await house.makeUser({ role: 'superuser' })
      await fc.assert(
        fc.asyncProperty(
          bodies(operation),
          queries(operation),
          fc.option(oddTexts, { freq: 6 }),
          async (spoil, query, id) => {
            // These end their caller, or what he can do a second time, and every call after them.
            if (endsCaller.has(operation.id)) caller = await house.makeUser({ role: 'superuser' })
            const { token, grantId } = await house.makeToken({
              client,
              user: caller,
              scope: 'me admin accounts:provision',
            })
            const right = await rightCalls[operation.id]?.({ house, caller, client, grantId })
            const body = spoil(right?.body ?? {})
            const path = id === null ? (right?.path ?? '') : withId(right?.path ?? '', id)
            const proof = operation.policy.who === 'signer' ? { signedBy: scanner } : { token }
            const answer = await house.ask(operation.method, path, { ...proof, body, query })
            expect(documented).toContain(answer.status)
            expect(answer.status).toBeLessThan(500)
            if (answer.status < 400) succeeded.add(operation.id)
            if (answer.status >= 400) {
              expect(answer.header('content-type')).toBe('application/problem+json')
              expect(answer.body['status']).toBe(answer.status)
              expect(refusalsOf(operation).get(answer.status)).toContain(answer.body['code'])
            } else if (operation.answer.schema !== undefined) {
              expect(operation.answer.schema.parse(answer.body)).toEqual(answer.body)
            }
            expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined()
          },
        ),
        runs,
      )
    })
  },
)

test('the fuzz gets through as well as not', () => {
  expect([...succeeded].toSorted()).toEqual(operations.map(({ id }) => id).toSorted())
})
