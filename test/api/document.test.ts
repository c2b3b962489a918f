import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import { format, resolveConfig } from 'prettier'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { restPage } from '../../scripts/rest-page.ts'
import { openApiDocument, openApiPath } from '../../src/api/openapi.ts'
import type { operation } from '../../src/api/operation.ts'
import { operations } from '../../src/api/operations.ts'
import { administrator, anybody, bearer, leakReporter, provisioner, reader, superuser } from '../../src/api/policy.ts'
import { issuer, openHouse } from './house.ts'

const document = openApiDocument(operations, issuer)

describe('the OpenAPI document', () => {
  test("is valid by the specification's own schema", async () => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate(structuredClone(document))
    expect(errors).toBeUndefined()
    expect(valid).toBe(true)
    expect(validator.version).toBe('3.1')
  })

  test('the validator would say if it were not', async () => {
    const broken = { ...document, paths: { '/x': { get: { responses: { '200': {} } } } } }
    expect((await new Validator().validate(broken)).valid).toBe(false)
  })

  test('every reference leads somewhere, and every named schema is used', () => {
    const { schemas } = document['components'] as { schemas: Record<string, unknown> }
    const named = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)].map(([, target]) => target)
    const places = Object.keys(schemas).map((name) => `#/components/schemas/${name}`)
    expect([...new Set(named)].map(String).toSorted()).toEqual(places.toSorted())
  })

  test('operation ids are unique, and so are method and path', () => {
    expect(new Set(operations.map(({ id }) => id)).size).toBe(operations.length)
    expect(new Set(operations.map(({ method, path }) => `${method} ${path}`)).size).toBe(operations.length)
  })

  test('every example is what its schema lets in', () => {
    for (const { id, body, answer, example } of operations) {
      if (body !== undefined) expect(body.parse(example.body), id).toEqual(example.body)
      if (answer.schema !== undefined) expect(answer.schema.parse(example.answer), id).toEqual(example.answer)
      else expect(example.answer, id).toBeUndefined()
    }
  })

  test('every example that is served is what the schema beside it lets in, and every body has one', () => {
    const text = JSON.stringify(document).replaceAll('#/components/schemas/', '#/$defs/')
    // The judge reads patterns without the flag u, which JSON Schema Core §6.4 wants: classes of Unicode are the test's above.
    const inWords = (name: string, value: unknown) =>
      name === 'pattern' && /\\p\{/.test(String(value)) ? undefined : value
    const served = JSON.parse(text, inWords) as Json
    const { schemas: $defs } = served['components'] as Json
    const pairs = contentsOf(served['paths'])
    for (const { schema, example, at } of pairs) {
      const judged = z.fromJSONSchema({ ...schema, $defs } as Parameters<typeof z.fromJSONSchema>[0])
      expect(judged.safeParse(example).error, at).toBeUndefined()
      // The judge is awake: nothing but a list lets in a list, and no schema a text.
      for (const other of [undefined, 'a text', []]) expect(judged.safeParse(other).success, at).toBe(false)
    }
    expect(pairs.length).toBeGreaterThan(operations.length)
  })

  test('every parameter of a path is described, and nothing else in it', () => {
    for (const { path, params, id } of operations) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      expect(Object.keys(params.shape), id).toEqual(named)
    }
  })

  test('goes to anybody, may be kept, and its bytes depend on nobody', async () => {
    const house = await openHouse()
    const first = await house.ask('GET', openApiPath)
    expect(first.status).toBe(200)
    expect(first.header('cache-control')).toBe('public, max-age=300')
    expect(first.body).toEqual(JSON.parse(JSON.stringify(document)))
    const poisoned = await house.ask('GET', openApiPath, {
      headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example' },
    })
    expect(poisoned.text).toBe(first.text)
    const again = await house.ask('GET', openApiPath, { headers: { 'if-none-match': first.header('etag') ?? '' } })
    expect([again.status, again.text]).toEqual([304, ''])
  })
})

describe('policies', () => {
  test('M01: every call has one, and routes are public for no other reason than the document', async () => {
    for (const { policy, id } of operations)
      expect(policy.who, id).toMatch(/^(?:anybody|bearer|oneself|owner|administrator|holder|signer)$/)
    const house = await openHouse()
    expect(house.routes.filter((route) => route.public).map(({ path }) => path)).toEqual([openApiPath])
    expect(house.routes).toHaveLength(operations.length + 1)
  })

  test('one without a policy does not compile', () => {
    type Definition = Parameters<typeof operation>[0]
    // The type checker reads tests too: with a policy that may be left out, this line is an error.
    const policyIs: Record<string, never> extends Pick<Definition, 'policy'> ? 'optional' : 'required' = 'required'
    expect(policyIs).toBe('required')
  })

  test('whatever changes something of others takes the scope admin, and reading takes no role below admin', () => {
    for (const { method, path, policy, id } of operations) {
      if (path.startsWith('/api/v1/me') || policy === anybody || policy.who === 'holder' || policy.who === 'signer')
        continue
      expect(policy, id).toMatchObject(
        method === 'GET' ? reader : { scopes: administrator.scopes, who: 'administrator' },
      )
    }
    expect(operations.filter(({ policy }) => policy === superuser).map(({ id }) => id)).toEqual([
      'revokeAllTokens',
      'rotateKey',
      'revokeConnectionsOfProvider',
    ])
    expect(operations.filter(({ policy }) => policy === anybody).map(({ id }) => id)).toEqual(['register'])
    expect(operations.filter(({ policy }) => policy === provisioner).map(({ id }) => id)).toEqual([
      'findAccountName',
      'provisionIdentity',
    ])
    expect(operations.filter(({ policy }) => policy === leakReporter).map(({ id }) => id)).toEqual([
      'reportLeakedTokens',
    ])
    expect(operations.filter(({ policy }) => policy === bearer).map(({ id }) => id)).toEqual(['whoAmI'])
  })
})

test('docs/rest.md is as the code makes it: node scripts/write-docs.ts', async () => {
  const page = new URL('../../docs/rest.md', import.meta.url)
  const style = await resolveConfig(page.pathname)
  expect(readFileSync(page, 'utf8')).toBe(await format(restPage(), { ...style, filepath: page.pathname }))
})

type Json = Readonly<Record<string, unknown>>
type Content = { readonly schema: Json; readonly example: unknown; readonly at: string }

/** Every place where a schema and an example of it stand together, and where there is a schema alone. */
function contentsOf(value: unknown, at = ''): readonly Content[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value as Json).flatMap(([name, one]): readonly Content[] =>
    name === 'application/json' || name === 'application/problem+json'
      ? [{ ...(one as { schema: Json; example: unknown }), at }]
      : contentsOf(one, `${at} ${name}`),
  )
}
