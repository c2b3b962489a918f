import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import pg from 'pg'
import { noPostgres, startPostgres, type TestPostgres } from '../kit/postgres.ts'
import { statementsFor } from '../../src/store/postgres/statements.ts'
import { patiently, shortened, startTraffic, stepsPerDay } from './days-of-traffic.ts'
import { openTestPostgres } from './postgres-subject.ts'
import { pagesOf, untilCounted, upkeep, type Ask } from './postgres-upkeep.ts'

const schema = 'days'
/** Every lifetime has passed, so that as much ends as begins. */
const settled = 14
const last = 28
const pageBytes = 8_192

type Figures = {
  readonly pages: Readonly<Record<string, number>>
  readonly events: number
  readonly links: number
  readonly grants: number
  /** Share of updates of records that touched no index. */
  readonly hot: number
  /** Bytes of log since the figures before, for what was done, for what swept it, and for what vacuumed it. */
  readonly log: { readonly traffic: number; readonly sweeps: number; readonly upkeep: number }
  /** Pages that were looked at, with all that died since the vacuum before. */
  readonly touched: Readonly<Record<'idleSweep' | 'dueRecord' | 'idleEventSweep', number>>
}

let server: TestPostgres | undefined
let before: Figures
let after: Figures

beforeAll(async () => {
  if (noPostgres !== undefined) return
  // The daemon goes by the clock, and days pass in a second here: `upkeep` does what it does.
  server = await startPostgres(['autovacuum = off', 'full_page_writes = off'])
  const client = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'gatehouse', database: 'postgres' })
  client.on('error', () => undefined)
  await client.connect()
  const ask: Ask = async (statement, values = []) => (await client.query(statement, [...values])).rows
  try {
    ;[before, after] = await liveThrough(ask, server.address(schema))
  } finally {
    await client.end()
  }
  console.log(`PostgreSQL after ${settled} days: ${JSON.stringify(before)}\nafter ${last}: ${JSON.stringify(after)}`)
}, 10 * 60_000)

afterAll(() => server?.stop())

async function liveThrough(ask: Ask, address: string): Promise<[Figures, Figures]> {
  const traffic = startTraffic(2_000_000_000)
  const figures: Figures[] = []
  const log = { traffic: 0, sweeps: 0, upkeep: 0 }
  const logged = async (what: keyof typeof log, work: () => Promise<unknown>): Promise<void> => {
    const since = await position()
    await work()
    log[what] += (await position()) - since
  }
  const position = async (): Promise<number> =>
    Number((await ask("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS at"))[0]?.['at'])

  for (let day = 1; day <= last; day += 1) {
    for (let step = 1; step <= stepsPerDay; step += 1) {
      const { store, admin } = await patiently(() => openTestPostgres(address))
      await logged('traffic', () => traffic.step(store))
      await logged('sweeps', () => traffic.sweep(store))
      await admin.close()
      await untilCounted(ask)
      const seen = [settled, last].includes(day) && step === stepsPerDay
      const touched = seen ? await touchedBySweeps(ask, traffic.now()) : undefined
      await logged('upkeep', () => upkeep(ask, schema))
      if (touched === undefined) continue
      const [counts] = await ask(
        `SELECT (SELECT count(*) FROM ${schema}.event) AS events, (SELECT count(*) FROM ${schema}.link) AS links,
                n_tup_hot_upd::float / n_tup_upd AS hot
           FROM pg_stat_user_tables WHERE schemaname = '${schema}' AND relname = 'record'`,
      )
      const { events, links, hot } = counts ?? {}
      figures.push({
        pages: await pagesOf(ask, schema),
        events: Number(events),
        links: Number(links),
        grants: traffic.livingGrants(),
        hot: Number(hot),
        log: { ...log },
        touched,
      })
      Object.assign(log, { traffic: 0, sweeps: 0, upkeep: 0 })
    }
  }
  return figures as [Figures, Figures]
}

/** By a sweep that finds nothing, and by one that takes what ends in the hours to come, for each record. */
async function touchedBySweeps(ask: Ask, now: number): Promise<Figures['touched']> {
  const sql = statementsFor(schema)
  const touched = async (text: string, values: readonly unknown[]): Promise<{ pages: number; rows: number }> => {
    await ask('BEGIN')
    const rows = await ask(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`, values)
    await ask('ROLLBACK')
    const [{ 'QUERY PLAN': answer }] = rows as [{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }]
    const plan = answer[0].Plan
    return { pages: plan['Shared Hit Blocks']! + plan['Shared Read Blocks']!, rows: plan['Actual Rows']! }
  }
  const recently = now - 600
  const idle = await touched(sql.due.text, [recently, now, 200])
  const due = await touched(sql.due.text, [recently, now + 86_400 / stepsPerDay, 50])
  const over = now - shortened.events
  const idleEvents = await touched(sql.sweepEvents.text, ['3', over - 600, over, 200])
  expect(idle.rows).toBe(0)
  expect(due.rows).toBe(50)
  return { idleSweep: idle.pages, dueRecord: due.pages / due.rows, idleEventSweep: idleEvents.pages }
}

const bytesOf = ({ pages }: Figures, ...names: readonly string[]): number =>
  names.reduce((sum, name) => sum + pages[name]! * pageBytes, 0)

describe.skipIf(noPostgres !== undefined)('expiry on PostgreSQL, after twice as many days as the longest life', () => {
  test('no table and no index grew', () => {
    const most = Object.entries(before.pages).map(([name, pages]) => [name, pages * 1.05 + 8] as const)
    const grown = most.filter(([name, pages]) => after.pages[name]! > pages)
    expect(grown).toEqual([])
    const sum = ({ pages }: Figures): number => Object.values(pages).reduce((all, one) => all + one, 0)
    expect(sum(after)).toBeLessThan(sum(before) * 1.03)
  })

  test.each([
    ['an event', 415, ({ events }: Figures) => bytesOf(after, 'event') / events],
    ['a place in a list', 100, ({ links }: Figures) => bytesOf(after, 'link') / links],
    ['a grant, with the rest of the records', 1_900, ({ grants }: Figures) => bytesOf(after, 'record') / grants],
  ])('vacuum comes before dead rows are many: %s has %i bytes of its table at most', (_, most, bytes) => {
    expect(bytes(after)).toBeLessThan(most)
  })

  test('rows have room for their next version on their page: no index is touched but where the time of the next look moves', () => {
    expect(after.hot).toBeGreaterThan(0.5)
  })

  test('a row that everybody updates stays where it is', () => {
    expect(after.pages['feed']).toBe(1)
  })

  test('a sweep reads little beside what it deletes, though all that the one before it deleted waits for a vacuum', () => {
    expect(after.touched.idleSweep).toBeLessThan(10)
    expect(after.touched.idleEventSweep).toBeLessThan(10)
    expect(after.touched.dueRecord).toBeLessThan(5)
  })
})
