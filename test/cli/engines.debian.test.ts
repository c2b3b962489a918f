import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSystem } from '../../src/server/system.ts'
import { openStore } from '../../src/store/open.ts'
import { openChronicle } from '../audit/chain.ts'
import { proveTwoSealers } from '../audit/two-sealers.ts'
import { startMariadb, type TestMariadb } from '../kit/mariadb.ts'
import { noPostgres, startPostgres, type TestPostgres } from '../kit/postgres.ts'
import { startDynamodbLocal, whyNoDynamodb, type DynamodbLocal } from '../store/dynamodb-local.ts'
import { cli, workplace, type Json, type Said } from './bench.ts'

// One store on its way through every engine and back, by the commands that operators have.

const place = workplace()
const file = (name: string): string => join(place.directory, name)
const gatehouse = (...args: readonly string[]): Promise<Said> => cli(place.directory, args)
const noDynamodb = whyNoDynamodb()
let mariadb: TestMariadb
let postgres: TestPostgres | undefined
let dynamodb: DynamodbLocal | undefined
/** In the order of the journey; the first and the last are files. */
let stops: readonly { readonly engine: string; readonly address: string }[] = []

beforeAll(async () => {
  mariadb = await startMariadb()
  await mariadb.ask('CREATE DATABASE journey', 'CREATE DATABASE chain')
  if (noPostgres === undefined) postgres = await startPostgres()
  if (noDynamodb === undefined) dynamodb = await startDynamodbLocal()
  else console.error(`SKIPPED DynamoDB on the way through every engine: ${noDynamodb}`)
  stops = [
    { engine: 'sqlite', address: `sqlite:${file('data/gatehouse.db')}` },
    ...(postgres === undefined ? [] : [{ engine: 'postgres', address: postgres.address('journey') }]),
    ...(dynamodb === undefined
      ? []
      : [{ engine: 'dynamodb', address: `dynamodb://local/journey?endpoint=${dynamodb.endpoint}` }]),
    { engine: 'mysql', address: mariadb.address('journey') },
    { engine: 'sqlite', address: `sqlite:${file('back.db')}` },
  ]
  const { clock, random } = createSystem()
  mkdirSync(file('data'))
  const opened = await openStore(stops[0]?.address ?? '', { clock, random, onFatal: () => undefined })
  const chronicle = await openChronicle(opened, clock.seconds() - 86_400)
  await chronicle.happen(60)
  chronicle.advance(200)
  await chronicle.sealAll()
  await opened.admin.close()
  for (const name of ['ada', 'grace', 'hedy']) await done('user', 'create', name, '--no-password')
}, 180_000)
afterAll(async () => {
  await mariadb.stop()
  await postgres?.stop()
  await dynamodb?.stop()
  place.remove()
})

async function done(...args: readonly string[]): Promise<Json> {
  const said = await persistently(...args, '--json')
  expect(said, said.err).toMatchObject({ code: 0 })
  return said.json()
}

/** DynamoDB Local on a busy machine keeps nobody's deadline: whoever is told that the store doesn't answer runs the same command again. */
async function persistently(...args: readonly string[]): Promise<Said> {
  for (let tried = 1; ; tried += 1) {
    const said = await gatehouse(...args)
    if (tried === 10 || !/the store (?:does not answer|is too busy)/.test(said.err)) return said
  }
}

describe('a store on every engine in turn', { timeout: 240_000 }, () => {
  test('is the same by count and checksum wherever it comes to, and at the end what it was', async () => {
    const seen: unknown[] = []
    for (const [index, { address }] of stops.slice(1).entries()) {
      const { verified, kinds } = await done('store', 'copy', '--from', stops[index]?.address ?? '', '--to', address)
      expect(verified).toBe(true)
      seen.push(kinds)
      expect(await done('store', 'verify', '--store', address)).toEqual({ sound: true })
    }
    expect(seen).toHaveLength(stops.length - 1)
    for (const kinds of seen) expect(kinds).toEqual(seen[0])
    const first = stops[0]?.address ?? ''
    const last = stops.at(-1)?.address ?? ''
    expect(await done('user', 'list', '--store', last)).toEqual(await done('user', 'list', '--store', first))
  })

  test('proves its events by the same seal everywhere', async () => {
    const heads = new Set<unknown>()
    for (const { address } of stops) {
      const proof = await done('events', 'verify', '--store', address)
      expect(proof).toMatchObject({ sound: true, bad: 0, seals: 1 })
      heads.add(proof['head'])
    }
    expect(heads.size).toBe(1)
  })

  test('is backed up from every engine that knows a snapshot, and comes back on SQLite', async () => {
    for (const [index, { engine, address }] of stops.entries()) {
      const said = await persistently('store', 'backup', `backup-${index}`, '--store', address)
      if (engine === 'dynamodb') {
        expect(said).toMatchObject({ code: 1, err: expect.stringContaining('point-in-time recovery') })
        continue
      }
      expect(said, said.err).toMatchObject({ code: 0 })
      const target = `sqlite:${file(`restored-${index}.db`)}`
      await done('store', 'restore', `backup-${index}`, '--store', target)
      const { items } = await done('user', 'list', '--store', target)
      const names = (items as readonly Json[]).map(({ username }) => String(username))
      expect(names.toSorted((a, b) => a.localeCompare(b))).toEqual(['ada', 'grace', 'hedy'])
      expect(await done('events', 'verify', '--store', target)).toMatchObject({ sound: true, bad: 0 })
    }
  })

  test('comes back on a database server, too', async () => {
    await mariadb.ask('CREATE DATABASE restored')
    const targets = [mariadb.address('restored'), ...(postgres === undefined ? [] : [postgres.address('restored')])]
    for (const target of targets) {
      await done('store', 'restore', 'backup-0', '--store', target)
      expect((await done('user', 'list', '--store', target))['items']).toHaveLength(3)
    }
  })
})

test('INV9: the chain of events on MariaDB is sealed by two nodes at once', { timeout: 120_000 }, () =>
  proveTwoSealers(mariadb.address('chain')),
)
