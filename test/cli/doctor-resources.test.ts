import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { applyFile, cli, workplace, type Said } from './bench.ts'

const place = workplace()
afterAll(place.remove)
const gatehouse = (...args: readonly string[]): Promise<Said> => cli(place.directory, args)

const wiki = 'https://wiki.example'
const shop = 'https://shop.example'
const fileWith = (...resources: readonly string[]): void =>
  writeFileSync(join(place.directory, 'house.yaml'), `resources: [${resources.join(', ')}]`)
const fromFile = ['--config', 'house.yaml'] as const

async function resourceChecks(...options: readonly string[]) {
  const { code, json } = await gatehouse('doctor', '--json', ...options)
  const { checks } = json() as { readonly checks: readonly { readonly check: string }[] }
  return { code, checks: checks.filter(({ check }) => check === 'resources' || check === 'scopes') }
}

const warning = (check: string, detail: string) => ({ check, status: 'warn', detail })
const toEverybody = warning(
  'scopes',
  `${wiki} gives curate to everybody, though accounts are given it one by one: name it in held_scopes of this API`,
)
const notYet = warning('resources', `API ${wiki} is not yet as the file says; start the server or send SIGHUP`)
const switchedOff = warning(
  'resources',
  `API ${wiki} came of a configuration file and is not in this one; the next start switches it off`,
)

test.each([
  ['--data', 'nowhere'],
  ['--store', 'memory:'],
])('an API of the file that misleads is told before there is a store: %s %s', async (...where) => {
  fileWith(`{ resource: '${wiki}', scope: read curate }`, `{ resource: '${shop}', scope: read curate }`)
  expect(await resourceChecks(...fromFile, ...where)).toEqual({ code: 0, checks: [] })
  fileWith(
    `{ resource: '${wiki}', scope: read curate }`,
    `{ resource: '${shop}', scope: read curate, held_scopes: [curate] }`,
  )
  expect(await resourceChecks(...fromFile, ...where)).toEqual({ code: 0, checks: [toEverybody] })
})

test('the file and the store are judged as one, as the next start will have them', async () => {
  expect((await gatehouse('store', 'migrate')).code).toBe(0)
  expect((await gatehouse('user', 'create', 'ada', '--no-password')).code).toBe(0)
  expect((await gatehouse('user', 'set-scopes', 'ada', 'curate')).code).toBe(0)
  fileWith(`{ resource: '${wiki}', scope: read curate }`)
  expect(await resourceChecks(...fromFile)).toEqual({ code: 0, checks: [notYet, toEverybody] })
  await applyFile(place.directory, { config: 'house.yaml' })
  expect(await resourceChecks(...fromFile)).toEqual({ code: 0, checks: [toEverybody] })
  // Mended in the file: the next start does it. Taken out of it: nobody asks that API any more.
  fileWith(`{ resource: '${wiki}', scope: read curate, held_scopes: [curate] }`)
  expect(await resourceChecks(...fromFile)).toEqual({ code: 0, checks: [notYet] })
  expect(await resourceChecks()).toEqual({ code: 0, checks: [switchedOff] })
  await applyFile(place.directory, {})
  expect(await resourceChecks()).toEqual({ code: 0, checks: [] })
  // What another API of the file has people hold counts against one of the store.
  expect((await gatehouse('resource', 'create', shop, '--scope', 'write')).code).toBe(0)
  fileWith(`{ resource: '${wiki}', scope: write, held_scopes: [write] }`)
  expect((await resourceChecks(...fromFile)).checks).toEqual([
    notYet,
    warning('scopes', expect.stringContaining(`${shop} gives write to everybody`) as string),
  ])
})

test('an API that an administrator made already is what the next start refuses', async () => {
  fileWith(`{ resource: '${shop}', scope: write }`)
  const detail = `resource ${shop} was made by an administrator already; delete it or leave it out of the file`
  const refused = { check: 'resources', status: 'fail', detail }
  expect(await resourceChecks(...fromFile)).toEqual({ code: 1, checks: [refused] })
})
