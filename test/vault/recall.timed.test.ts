import { expect, it } from 'vitest'
import { recallMany } from './recall.ts'

const count = Number(process.env['GATEHOUSE_CONNECTIONS'] ?? 100_000)

it(`L25: ${count} connections are worth nothing at once, and each is ended while others are served`, async () => {
  const { deadMillis, endedMillis, waiting, othersMillis } = await recallMany(count)
  console.log(
    `L25: ${count} connections dead after ${Math.round(deadMillis)} ms, ended after ${(endedMillis / 1000).toFixed(1)} s; ${waiting} to be given back; others' p99 ${othersMillis.toFixed(0)} ms`,
  )
  // All that anybody feels of it.
  expect(deadMillis).toBeLessThan(60_000)
  expect(endedMillis).toBeLessThan(10 * 60_000)
  expect(othersMillis).toBeLessThan(500)
})
