import { expect, test } from 'vitest'
import { noPostgres } from '../kit/postgres.ts'
import { slowness, storm } from './slow-database.ts'

const clients = Number(process.env['GATEHOUSE_CLIENTS'] ?? 5_000)

test.skipIf(noPostgres !== undefined)(
  `FLT-13: three nodes that start together before ${clients} clients run no database over that lets twenty in, and serve again within ten seconds`,
  async () => {
    const { answers, mostConnections, firstServedMillis, lastServedMillis, rude, databaseSaid } = await storm({
      clients,
    })
    console.log(
      `FLT-13: n = ${clients}, ${JSON.stringify(answers)}; at most ${mostConnections} connections; ` +
        `served again after ${Math.round(firstServedMillis)} ms, everybody after ${Math.round(lastServedMillis)} ms`,
    )
    expect(mostConnections).toBeGreaterThan(0)
    expect(mostConnections).toBeLessThanOrEqual(15)
    expect(databaseSaid).not.toMatch(/too many|remaining connection slots/)
    expect(rude).toBe(0)
    expect(Object.keys(answers).filter((what) => !['200', '503', 'lost', 'unsent'].includes(what))).toEqual([])
    expect(firstServedMillis).toBeLessThan(10_000)
  },
)

test.skipIf(noPostgres !== undefined)(
  'FLT-14: where one write in three sleeps, each is given up in time, and what needs no write is as fast as before',
  async () => {
    const { answers, longestMillis, before, meanwhile, denied } = await slowness({
      millis: 10_000,
      asleep: 'event writes',
    })
    console.log(
      `FLT-14: ${JSON.stringify(answers)}, the longest ${Math.round(longestMillis)} ms; p99 in ms before and meanwhile: ` +
        `${JSON.stringify(before)} ${JSON.stringify(meanwhile)}`,
    )
    expect(answers['200']).toBeGreaterThan(0)
    expect(Object.keys(answers).filter((status) => status !== '200' && status !== '503')).toEqual([])
    expect(denied).toBe(0)
    // One second in the queue, two seconds of a statement, and once more alone; without it the last of a batch waited for all.
    expect(longestMillis).toBeLessThan(8_000)
    for (const [what, millis] of Object.entries(meanwhile)) {
      // 50 ms, or what this machine needs when nothing is wrong.
      expect(millis, what).toBeLessThan(Math.max(50, 3 * (before[what] ?? 0)))
    }
  },
)

test.skipIf(noPostgres !== undefined)(
  'FLT-14: where one statement in three sleeps, reads too, everybody is answered in time, nobody wrongly, and what needs no read is as fast as before',
  async () => {
    const { answers, longestMillis, before, meanwhile, denied } = await slowness({
      millis: 20_000,
      asleep: 'all statements',
    })
    console.log(
      `FLT-14: ${JSON.stringify(answers)}, the longest ${Math.round(longestMillis)} ms; p99 in ms before and meanwhile: ` +
        `${JSON.stringify(before)} ${JSON.stringify(meanwhile)}`,
    )
    expect(answers['503']).toBeGreaterThan(0)
    expect(Object.keys(answers).filter((status) => status !== '200' && status !== '503')).toEqual([])
    expect(longestMillis).toBeLessThan(8_000)
    // A read that was given up is a 503, never a no.
    expect(denied).toBe(0)
    for (const what of ['keys', 'discovery'])
      expect(meanwhile[what], what).toBeLessThan(Math.max(50, 3 * (before[what] ?? 0)))
  },
)
