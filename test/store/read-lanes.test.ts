import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Ref } from '../../src/domain/record.ts'
import { AttemptFailed } from '../../src/store/sql/attempt-failed.ts'
import { createReadLanes, type FetchedRow } from '../../src/store/sql/read-lanes.ts'
import { keyOf } from '../../src/store/sql/unit.ts'
import { lease } from '../../src/store/suite/samples.ts'

type Rows = ReadonlyMap<string, FetchedRow>

/** Every record is there; one named `bad` isn't what was written. */
const rowsOf = (refs: readonly Ref[]): Rows =>
  new Map(
    refs.map(({ kind, id }) => [
      keyOf(kind, id),
      { version: 'v1', json: id === 'bad' ? '{"v":1' : '{"v":1,"holder":"x"}', expiresAt: null },
    ]),
  )

const leases = (count: number, from = 0): readonly Ref[] =>
  Array.from({ length: count }, (_, index) => lease(`l-${from + index}`))

describe('reads on their way to a server', () => {
  test('that arrive together share a round trip, each record asked for once', async () => {
    const fetched: (readonly string[])[] = []
    const { read } = createReadLanes({
      fetch: async (refs) => {
        fetched.push(refs.map(({ id }) => id))
        return rowsOf(refs)
      },
      lanes: 4,
    })
    const [first, second] = await Promise.all([read([lease('a'), lease('b')]), read([lease('b')])])
    expect([first?.length, second?.[0]?.id, fetched]).toEqual([2, 'b', [['a', 'b']]])
  })

  test('begin after they were asked for: what is under way answers nobody who came later', async () => {
    const answers = [Promise.withResolvers<Rows>(), Promise.withResolvers<Rows>()]
    let begun = 0
    const { read } = createReadLanes({ fetch: () => answers[begun++]?.promise ?? expect.unreachable(), lanes: 1 })
    const first = read([lease('a')])
    await pause(2)
    const second = read([lease('a')])
    await pause(2)
    // One lane: the second waits for its turn.
    expect(begun).toBe(1)
    answers[0]?.resolve(new Map())
    expect(await first).toEqual([undefined])
    answers[1]?.resolve(rowsOf([lease('a')]))
    expect((await second)[0]?.version).toBe('v1')
  })

  test('fetch at most 512 records at once, but for one who asks for more by himself', async () => {
    const sizes: number[] = []
    const { read } = createReadLanes({
      fetch: async (refs) => {
        sizes.push(refs.length)
        return rowsOf(refs)
      },
      lanes: 1,
    })
    await Promise.all([read(leases(300)), read(leases(212, 300)), read(leases(1, 512)), read(leases(600, 1_000))])
    expect(sizes).toEqual([512, 1, 600])
  })

  test.each([
    ['again', 2],
    ['slow', 2],
    ['unknown', 2],
    ['none', 1],
  ] as const)('that failed (%s) are asked %i times', async (verdict, times) => {
    let asked = 0
    const { read } = createReadLanes({
      fetch: () => {
        asked += 1
        return Promise.reject(new AttemptFailed('no', verdict))
      },
      lanes: 1,
    })
    await expect(read([lease('a')])).rejects.toMatchObject({ verdict })
    expect(asked).toBe(times)
    // The lane is free again.
    await expect(read([lease('a')])).rejects.toMatchObject({ verdict })
  })

  test('whose failure nobody foresaw aren’t asked again', async () => {
    let asked = 0
    const fetch = (): never => {
      asked += 1
      throw new TypeError('a bug')
    }
    await expect(createReadLanes({ fetch, lanes: 1 }).read([lease('a')])).rejects.toThrow(/a bug/)
    expect(asked).toBe(1)
  })

  test('of a damaged record fail alone, and quote nothing of it', async () => {
    const { read } = createReadLanes({ fetch: async (refs) => rowsOf(refs), lanes: 1 })
    const [good, bad] = await Promise.allSettled([read([lease('a')]), read([lease('b'), lease('bad')])])
    expect(good).toMatchObject({ status: 'fulfilled' })
    expect(bad).toMatchObject({ reason: { verdict: 'alone', message: /isn't what was written/ } })
  })
})
