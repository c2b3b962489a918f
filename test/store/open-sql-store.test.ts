import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { StoreRefused } from '../../src/store/refused.ts'
import { AttemptFailed } from '../../src/store/sql/attempt-failed.ts'
import type { Dialect } from '../../src/store/sql/dialect.ts'
import { openSqlStore } from '../../src/store/sql/open-sql-store.ts'
import type { Pooled } from '../../src/store/sql/pool.ts'
import { countingStamps, event, lease, putLease } from '../../src/store/suite/samples.ts'

type Session = Pooled & { readonly number: number; readonly patience: string }

/** A server whose sessions are counted; what it does with a statement is up to each test. */
function server(said: Partial<Dialect<Session>> = {}) {
  const made: Session[] = []
  const open = new Set<number>()
  const dialect = {
    connect: async (patience: 'request' | 'patient') => {
      const number = made.length
      open.add(number)
      const session = { number, patience, broken: () => !open.has(number), close: () => void open.delete(number) }
      made.push(session)
      return session
    },
    failureOf: (error: unknown) =>
      error instanceof AttemptFailed ? error : new AttemptFailed(error instanceof Error ? error.message : '?', 'none'),
    migrate: async () => undefined,
    applyBatch: async (_: Session, units: readonly unknown[]) => {
      await pause(2)
      return units.map(() => 'committed')
    },
    fetch: async () => new Map(),
    takesWrites: async () => true,
    ...said,
  } as unknown as Dialect<Session>
  const clock = { monotonic: () => performance.now() }
  const opening = () =>
    openSqlStore({
      dialect,
      place: 'sql://here',
      connections: 3,
      clock,
      random: countingStamps(),
      eventTtl: 9,
      create: true,
    })
  return { opening, made, open }
}

describe('a store on a server that speaks SQL', () => {
  test('is prepared over a patient connection of its own, which is closed, however that ended', async () => {
    const well = server()
    await (await well.opening()).admin.close()
    expect([well.made.map(({ patience }) => patience), well.open.size]).toEqual([['patient'], 0])
    const refused = server({ migrate: () => Promise.reject(new StoreRefused('tables of another program')) })
    await expect(refused.opening()).rejects.toMatchObject({
      name: 'StoreRefused',
      message: 'tables of another program',
    })
    const failed = server({ migrate: () => Promise.reject(new Error('cut')) })
    await expect(failed.opening()).rejects.toMatchObject({
      name: 'StoreUnavailable',
      message: "the store sql://here can't be reached: cut",
    })
    expect([refused.open.size, failed.open.size]).toEqual([0, 0])
  })

  test('leaves a session that is over, and those that idled beside it', async () => {
    let over = false
    const { opening, open, made } = server({
      fetch: async () => {
        if (over) throw new AttemptFailed('the server is read-only', 'none', { sessionsOver: true })
        await pause(2)
        return new Map()
      },
    })
    const { store, admin } = await opening()
    await Promise.all([store.commit([event('e')]), store.read([lease('a')])])
    expect(open.size).toBe(2)
    over = true
    await expect(store.read([lease('a')])).rejects.toThrow(/read-only/)
    expect(open.size).toBe(0)
    over = false
    await store.read([lease('a')])
    expect(made).toHaveLength(4)
    await admin.close()
  })

  test('says of a read that failed whether that was its own fault', async () => {
    for (const [verdict, ofOne] of [
      ['alone', true],
      ['none', false],
    ] as const) {
      const { opening } = server({ fetch: () => Promise.reject(new AttemptFailed('so', verdict)) })
      const { store, admin } = await opening()
      await expect(store.read([lease('a')])).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'none', ofOne })
      await admin.close()
    }
  })

  test('keeps a session in which a statement failed', async () => {
    const { opening, made } = server({ fetch: () => Promise.reject(new AttemptFailed('the disk is full', 'none')) })
    const { store, admin } = await opening()
    for (let times = 0; times < 2; times += 1) await expect(store.read([lease('a')])).rejects.toThrow(/disk is full/)
    expect(made).toHaveLength(2)
    await admin.close()
  })

  test('says of a page with a damaged record that it is that one’s, and quotes nothing; of a commit it says nothing of the kind', async () => {
    const damage = (): never => JSON.parse('{"secret') as never
    const { opening } = server({ page: async () => damage(), applyBatch: async () => damage() })
    const { store, admin } = await opening()
    const listing = store.list('lease', 'o', { limit: 9 })
    await expect(listing).rejects.toMatchObject({ ofOne: true, message: /isn't what was written/ })
    await expect(listing).rejects.not.toThrow(/secret/)
    await expect(store.commit([putLease('a', 'x', 'v1')])).rejects.toMatchObject({ ofOne: false })
    await admin.close()
  })

  test('reads everything over a patient connection of its own, closed at the end, at an error and when nobody wants the rest', async () => {
    let broken = false
    const { opening, open, made } = server({
      snapshot: async () => undefined,
      walk: async () => {
        if (broken) throw new Error('cut')
        return [lease('a'), lease('b')].map((target) => ({
          ...target,
          version: 'v',
          value: { v: 1, holder: 'x' },
          owners: [],
        }))
      },
    })
    const { admin } = await opening()
    for await (const { id } of admin.scan('lease')) expect(['a', 'b']).toContain(id)
    for await (const { id } of admin.scan('lease')) {
      expect(id).toBe('a')
      break
    }
    broken = true
    await expect(admin.scan('lease')[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      name: 'StoreUnavailable',
      message: "the store can't be read: cut",
    })
    expect([made.map(({ patience }) => patience), open.size]).toEqual([Array(4).fill('patient'), 0])
    await admin.close()
  })

  test('asks nobody for a commit without writes, and refuses looks once it is closed', async () => {
    const { opening, made } = server()
    const { store, admin } = await opening()
    expect(await store.commit([])).toBe('committed')
    expect(made).toHaveLength(1)
    await admin.close()
    await expect(store.read([])).rejects.toThrow(/the store is closed/)
    await expect(admin.ping()).rejects.toThrow(/the store is closed/)
  })
})
