import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { applyFile, cli, workplace, type Said } from './bench.ts'

const place = workplace()
afterAll(place.remove)
const gatehouse = (...args: readonly string[]): Promise<Said> => cli(place.directory, args)
const at = (name: string) => join(place.directory, name)

const phrase = 'the-quick-brown-fox-jumps-over-the-lazy-dog-Twice-4711'
const refused = {
  check: 'clients',
  status: 'fail',
  detail:
    "client jobs has a client_secret that Gatehouse didn't make, which client_secret_jwt needs; make one with: gatehouse key create --client-secret",
}

async function clientChecks(...options: readonly string[]) {
  const said = await gatehouse('doctor', '--json', ...options)
  const { checks } = said.json() as { readonly checks: readonly { readonly check: string }[] }
  expect(said.out + said.err).not.toContain(phrase)
  return { code: said.code, checks: checks.filter(({ check }) => check === 'clients') }
}

beforeEach(() => {
  writeFileSync(at('client.secret'), phrase, { mode: 0o600 })
  writeFileSync(
    at('house.yaml'),
    'clients: [{ client_id: jobs, grant_types: [client_credentials], token_endpoint_auth_method: client_secret_jwt, client_secret: { file: client.secret } }]',
  )
})

test.each([
  ['--data', 'nowhere'],
  ['--store', 'memory:'],
])('D13: the doctor says what a first start would refuse, before there is a store: %s %s', async (...where) => {
  expect(await clientChecks('--config', 'house.yaml', ...where)).toEqual({ code: 1, checks: [refused] })
})

test('D13: and of a client that is there from before: why the next start refuses, or that it is switched off', async () => {
  expect((await gatehouse('store', 'migrate')).code).toBe(0)
  writeFileSync(at('client.secret'), (await gatehouse('key', 'create', '--client-secret')).out.trimEnd())
  expect(
    (await gatehouse('client', 'create', '--client-id', 'by-hand', '--grant-types', 'client_credentials')).code,
  ).toBe(0)
  await applyFile(place.directory, { config: 'house.yaml' })
  expect(await clientChecks('--config', 'house.yaml')).toEqual({ code: 0, checks: [] })
  const detail = 'client jobs came of a configuration file and is not in this one; the next start switches it off'
  expect(await clientChecks()).toEqual({ code: 0, checks: [{ check: 'clients', status: 'warn', detail }] })
  writeFileSync(at('client.secret'), phrase)
  expect(await clientChecks('--config', 'house.yaml')).toEqual({ code: 1, checks: [refused] })
  await applyFile(place.directory, {})
  expect(await clientChecks()).toEqual({ code: 0, checks: [] })
})
