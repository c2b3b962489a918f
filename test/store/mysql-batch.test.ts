import { describe, expect, test } from 'vitest'
import { ref } from '../../src/domain/record.ts'
import type { StampedWrite } from '../../src/store/port.ts'
import { applyBatch } from '../../src/store/mysql/apply-batch.ts'
import type { Answer, Connection } from '../../src/store/mysql/connection.ts'
import { sweepRecords } from '../../src/store/mysql/sweep-records.ts'
import { toUnit } from '../../src/store/sql/unit.ts'
import { event, lease, putLease } from '../../src/store/suite/samples.ts'

const failing = (number: number): Error =>
  Object.assign(new Error('what the server said'), { errno: number, sqlState: 'HY000' })

/** With its values as text, since they are spelled in hexadecimal. */
const legible = (text: string): string =>
  text.replaceAll(/x'([0-9a-f]*)'/g, (_, digits: string) => `'${Buffer.from(digits, 'hex').toString()}'`)

/** A server that answers the first statement that `answers` matches in its own way, and any other as if it had done what it should. */
function serverThat(...answers: readonly (readonly [statement: RegExp, answer: () => Partial<Answer>])[]) {
  const told: string[] = []
  let closed = false
  const all: Connection['all'] = async (statements) =>
    statements.map(({ text }) => {
      const said = legible(text)
      told.push(said)
      const [, answer] = answers.find(([statement]) => statement.test(said)) ?? []
      return { rows: [], count: said.startsWith('INSERT') ? said.split('), (').length : 1, ...answer?.() }
    })
  const connection: Connection = {
    all,
    one: async (statement) => (await all([statement]))[0] ?? { rows: [], count: 0 },
    broken: () => closed,
    close: () => void (closed = true),
  }
  const apply = (...units: readonly (readonly StampedWrite[])[]) => applyBatch(connection, units.map(toUnit))
  /** The first words, and the ids. */
  const brief = () => told.map((said) => /^[A-Z]+(?: [A-Z]+)?/.exec(said)?.[0] ?? said)
  return { apply, connection, told, brief, closed: () => closed }
}

const throwing = (number: number) => (): never => {
  throw failing(number)
}
const found = (version: string) => () => ({ rows: [[version, null, '[]']] })

describe('a batch on its way to MySQL', () => {
  test('is locked and judged first, then written where it stands as it was found, what everybody waits for last, then committed', async () => {
    const server = serverThat([/FROM gatehouse_record .*'old' FOR UPDATE$/, found('v1')])
    const announcing = { v: 1, forget: ref('user', 'u') } as const
    const outcomes = await server.apply(
      [putLease('old', 'x', 'v2', { expect: 'v1', owners: ['o'] })],
      [putLease('new', 'x', 'v1'), { op: 'check', ...lease('none'), expect: null }, event('e')],
      [{ op: 'put', ...ref('change', 'c'), expect: null, value: announcing, version: 'v1', expiresAt: 9 }],
    )
    expect(outcomes).toEqual(['committed', 'committed', 'committed'])
    expect(server.told[0]).toBe('START TRANSACTION')
    const locks = server.told.filter((said) => said.endsWith('FOR UPDATE'))
    // In one order for everybody.
    expect(locks.map((said) => /id = '(.*)' FOR UPDATE/.exec(said)?.[1])).toEqual(['c', 'new', 'none', 'old'])
    const written = server.told
      .slice(6)
      .map((said) => /^(\S+).*?gatehouse_(\w+)/.exec(said)?.slice(1, 3).join(' ') ?? said)
    expect(written).toEqual([
      'UPDATE record',
      'INSERT record',
      'INSERT record',
      'DELETE record',
      'INSERT link',
      'INSERT event',
      'UPDATE feed',
      'INSERT change',
      'COMMIT',
    ])
    expect(server.told[6]).toMatch(/WHERE kind = 'lease' AND id = 'old' AND version = 'v1'$/)
  })

  test('creates rows and keeps places free in one order for everybody, so that nobody waits in a circle', async () => {
    const server = serverThat()
    const absent = (id: string): StampedWrite => ({ op: 'check', ...lease(id), expect: null })
    await server.apply(
      ['c', 'a', 'b'].map((id) => putLease(id, 'x', 'v1')),
      ['z', 'x', 'y'].map(absent),
    )
    const ids = server.told.filter((said) => said.startsWith('INSERT')).map((said) => said.match(/(?<='lease', ')\w/g))
    expect(ids).toEqual([
      ['x', 'y', 'z'],
      ['a', 'b', 'c'],
    ])
  })

  test('deletes what has the version that was named, and nothing else', async () => {
    const server = serverThat([/FOR UPDATE$/, found('v1')])
    expect(await server.apply([{ op: 'delete', ...lease('a'), expect: 'v1' }])).toEqual(['committed'])
    expect(server.told.at(-2)).toBe("DELETE FROM gatehouse_record WHERE kind = 'lease' AND id = 'a' AND version = 'v1'")
  })

  test.each([
    ['UPDATE', putLease('a', 'x', 'v2', { expect: 'v1' })],
    ['DELETE', { op: 'delete', ...lease('a'), expect: 'v1' } as const],
  ])('whose %s finds another number of rows is taken back, and tried again', async (verb, write) => {
    const server = serverThat([/FOR UPDATE$/, found('v1')], [new RegExp(`^${verb}`), () => ({ count: 0 })])
    await expect(server.apply([write])).rejects.toMatchObject({ verdict: 'again' })
    expect(server.told.at(-1)).toBe('ROLLBACK')
    expect(server.closed()).toBe(false)
  })

  test('that conflicts altogether writes nothing', async () => {
    const server = serverThat([/FOR UPDATE$/, found('v1')])
    expect(await server.apply([putLease('a', 'x', 'v9', { expect: 'v0' })])).toEqual(['conflict'])
    expect(server.brief().slice(2)).toEqual(['COMMIT'])
  })

  test('that meets a lock is taken back; where even that fails its session ends', async () => {
    const server = serverThat([/FOR UPDATE$/, throwing(1205)])
    await expect(server.apply([putLease('a', 'x', 'v1')])).rejects.toMatchObject({ verdict: 'alone' })
    expect([server.told.at(-1), server.closed()]).toEqual(['ROLLBACK', false])
    const worse = serverThat([/FOR UPDATE$/, throwing(1205)], [/^ROLLBACK/, throwing(1053)])
    await expect(worse.apply([putLease('a', 'x', 'v1')])).rejects.toMatchObject({ verdict: 'alone' })
    expect(worse.closed()).toBe(true)
  })

  test('whose end fails is unknown, and its session ends', async () => {
    const server = serverThat([/^COMMIT/, throwing(1213)])
    await expect(server.apply([putLease('a', 'x', 'v1')])).rejects.toMatchObject({ verdict: 'unknown' })
    expect(server.closed()).toBe(true)
  })

  test('of events alone is one statement, whose lost answer is unknown', async () => {
    const server = serverThat()
    expect(await server.apply([event('e')], [event('f')])).toEqual(['committed', 'committed'])
    expect(server.brief()).toEqual(['INSERT INTO'])
    const lost = serverThat([/^INSERT/, throwing(1053)])
    await expect(lost.apply([event('e')])).rejects.toMatchObject({ verdict: 'unknown' })
    expect(lost.brief()).toEqual(['INSERT INTO'])
  })

  test('of events of which one is there already, or comes twice, is judged in a transaction', async () => {
    let tried = 0
    const server = serverThat(
      [/^INSERT/, () => ((tried += 1) === 1 ? throwing(1062)() : {})],
      [/^SELECT id FROM gatehouse_event/, () => ({ rows: [['e']] })],
    )
    expect(await server.apply([event('e')], [event('f')])).toEqual(['conflict', 'committed'])
    expect(server.brief()).toEqual(['INSERT INTO', 'START TRANSACTION', 'SELECT', 'INSERT INTO', 'COMMIT'])
    const twice = serverThat()
    expect(await twice.apply([event('e')], [event('e')])).toEqual(['committed', 'conflict'])
    expect(twice.brief()).toEqual(['START TRANSACTION', 'SELECT', 'INSERT INTO', 'COMMIT'])
  })
})

describe('a sweep on MySQL', () => {
  const due = [
    ['lease', 'over', 9, '["o"]'],
    ['lease', 'now', 10, '[]'],
    ['lease', 'endless', null, '[]'],
  ]

  test('deletes what is over and its links, and looks at the rest when that is', async () => {
    const server = serverThat([/^SELECT/, () => ({ rows: due })])
    expect(await sweepRecords(server.connection, 10, 5)).toEqual({ looked: 3, deleted: 1 })
    expect(server.told).toEqual([
      'START TRANSACTION',
      'SELECT kind, id, expires_at, owners FROM gatehouse_record WHERE sweep_at < 10 ORDER BY sweep_at LIMIT 5 FOR UPDATE SKIP LOCKED',
      "DELETE FROM gatehouse_record WHERE kind = 'lease' AND id = 'over'",
      "DELETE FROM gatehouse_link WHERE kind = 'lease' AND owner = 'o' AND id = 'over'",
      "UPDATE gatehouse_record SET sweep_at = 10 WHERE kind = 'lease' AND id = 'now'",
      "UPDATE gatehouse_record SET sweep_at = NULL WHERE kind = 'lease' AND id = 'endless'",
      'COMMIT',
    ])
  })

  test('that fails is taken back; where even that fails its session ends', async () => {
    const server = serverThat([/^DELETE/, throwing(1205)], [/^SELECT/, () => ({ rows: due })])
    await expect(sweepRecords(server.connection, 10, 5)).rejects.toThrow(/what the server said/)
    expect([server.told.at(-1), server.closed()]).toEqual(['ROLLBACK', false])
    const worse = serverThat([/^SELECT/, throwing(1205)], [/^ROLLBACK/, throwing(1053)])
    await expect(sweepRecords(worse.connection, 10, 5)).rejects.toThrow(/what the server said/)
    expect(worse.closed()).toBe(true)
  })
})
