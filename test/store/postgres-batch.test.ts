import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { ref } from '../../src/domain/record.ts'
import type { StampedWrite } from '../../src/store/port.ts'
import { applyBatch } from '../../src/store/postgres/apply-batch.ts'
import type { Answer, Connection } from '../../src/store/postgres/connection.ts'
import { statementsFor } from '../../src/store/postgres/statements.ts'
import { toUnit } from '../../src/store/sql/unit.ts'
import { event, lease, putLease } from '../../src/store/suite/samples.ts'

const sql = statementsFor('house')

function failing(state: string): Error {
  const error = new pg.DatabaseError('what the server said', 0, 'error')
  error.code = state
  return error
}

/** A server that answers some statements in its own way, and finds no rows otherwise: what it was told, and whether it was left. */
function serverThat(answers: Readonly<Record<string, () => Partial<Answer>>> = {}) {
  const told: string[] = []
  const values: Record<string, readonly unknown[]> = {}
  let closed = false
  const connection: Connection = {
    query: async (statement, given = []) => {
      const name = typeof statement === 'string' ? statement : statement.name.replace('house_', '')
      told.push(name)
      values[name] = given
      const usual = { rows: [], command: name.toUpperCase(), count: 0 }
      return { ...usual, ...answers[name]?.() }
    },
    broken: () => closed,
    close: () => void (closed = true),
  }
  const apply = (...units: readonly (readonly StampedWrite[])[]) => applyBatch(connection, sql, units.map(toUnit))
  return { apply, told, values, closed: () => closed }
}

const throwing = (state: string) => (): never => {
  throw failing(state)
}
/** A row as the lock finds it: kind, id, version, sweep_at, owners. */
const row = (id: string, version: string): readonly unknown[] => [
  'lease',
  Buffer.from(id),
  Buffer.from(version),
  null,
  '[]',
]
const texts = (column: unknown): readonly string[] => (column as readonly unknown[]).map(String)

describe('a batch on its way to PostgreSQL', () => {
  test('is begun, locked and judged first, then written and committed, what everybody waits for last', async () => {
    const server = serverThat({ lock: () => ({ rows: [row('old', 'v1')] }) })
    const announcing = { v: 1, forget: ref('user', 'u') } as const
    const outcomes = await server.apply(
      [putLease('old', 'x', 'v2', { expect: 'v1', owners: ['o'] })],
      [putLease('new', 'x', 'v1'), { op: 'check', ...lease('none'), expect: null }, event('e')],
      [{ op: 'put', ...ref('change', 'c'), expect: null, value: announcing, version: 'v1', expiresAt: 9 }],
    )
    expect(outcomes).toEqual(['committed', 'committed', 'committed'])
    expect(server.told).toEqual([
      'begin',
      'lock',
      'events',
      'update',
      'claim',
      'insert',
      'unclaim',
      'link',
      'append',
      'announce',
      'commit',
    ])
  })

  test('creates rows and keeps places free in one order for everybody, so that nobody waits in a circle', async () => {
    const server = serverThat()
    const absent = (id: string): StampedWrite => ({ op: 'check', ...lease(id), expect: null })
    await server.apply(
      ['c', 'a', 'b'].map((id) => putLease(id, 'x', 'v1')),
      ['z', 'x', 'y'].map(absent),
    )
    expect(texts(server.values['insert']?.[1])).toEqual(['a', 'b', 'c'])
    expect(texts(server.values['claim']?.[1])).toEqual(['x', 'y', 'z'])
  })

  test('that conflicts altogether writes nothing, and leaves its transaction', async () => {
    const server = serverThat({ lock: () => ({ rows: [row('a', 'v1')] }) })
    expect(await server.apply([putLease('a', 'x', 'v9', { expect: 'v0' })])).toEqual(['conflict'])
    expect(server.told).toEqual(['begin', 'lock', 'events', 'rollback'])
    expect(server.closed()).toBe(false)
  })

  test.each(['conflicts altogether', 'meets a lock'])(
    'that %s and can’t even be left ends its session',
    async (how) => {
      const server = serverThat({
        lock: how === 'meets a lock' ? throwing('55P03') : () => ({ rows: [row('a', 'v1')] }),
        rollback: throwing('08006'),
      })
      await server.apply([putLease('a', 'x', 'v9', { expect: 'v0' })]).catch(() => undefined)
      expect(server.closed()).toBe(true)
    },
  )

  test.each(['begin', 'lock', 'events'])('whose %s fails is left, and nothing was written', async (which) => {
    const server = serverThat({ [which]: throwing('55P03') })
    await expect(server.apply([putLease('a', 'x', 'v1')])).rejects.toMatchObject({ verdict: 'alone' })
    expect(server.told).toEqual(['begin', 'lock', 'events', 'rollback'])
  })

  test('whose write fails means what that failure means, though the end is answered as if all were well', async () => {
    const server = serverThat({ insert: throwing('23505'), commit: () => ({ command: 'ROLLBACK' }) })
    await expect(server.apply([putLease('a', 'x', 'v1')])).rejects.toMatchObject({ verdict: 'again' })
  })

  test('that was rolled back without a word was not committed', async () => {
    const server = serverThat({ commit: () => ({ command: 'ROLLBACK' }) })
    await expect(server.apply([putLease('a', 'x', 'v1')])).rejects.toThrow(/nothing was committed/)
  })

  test('whose end is lost is unknown', async () => {
    const server = serverThat({ commit: throwing('57P01') })
    await expect(server.apply([putLease('a', 'x', 'v1')])).rejects.toMatchObject({ verdict: 'unknown' })
  })

  test('of events alone is one statement, whose lost answer is unknown', async () => {
    const server = serverThat()
    expect(await server.apply([event('e')], [event('f')])).toEqual(['committed', 'committed'])
    expect(server.told).toEqual(['append'])
    const lost = serverThat({ append: throwing('08006') })
    await expect(lost.apply([event('e')])).rejects.toMatchObject({ verdict: 'unknown' })
    expect(lost.told).toEqual(['append'])
  })

  test('of events of which one is there already, or comes twice, is judged in a transaction', async () => {
    let tried = 0
    const server = serverThat({
      append: () => ((tried += 1) === 1 ? throwing('23505')() : {}),
      events: () => ({ rows: [[Buffer.from('e')]] }),
    })
    expect(await server.apply([event('e')], [event('f')])).toEqual(['conflict', 'committed'])
    expect(server.told).toEqual(['append', 'begin', 'lock', 'events', 'append', 'commit'])
    const twice = serverThat()
    expect(await twice.apply([event('e')], [event('e')])).toEqual(['committed', 'conflict'])
    expect(twice.told).toEqual(['begin', 'lock', 'events', 'append', 'commit'])
  })
})
