import { afterEach, expect, test } from 'vitest'
import { endChildren, stopRound } from '../server/support/stop-rounds.ts'

afterEach(endChildren)

const rounds = 50

test(`FLT-25: ${rounds} stops under load, no failed request, exit 0`, async () => {
  const failed: string[] = []
  let answered = 0
  let longest = 0
  for (let round = 0; round < rounds; round += 1) {
    const result = await stopRound(32, 100 + ((round * 97) % 400))
    expect(result.exit).toBe(0)
    failed.push(...result.failed)
    answered += result.answered
    longest = Math.max(longest, result.millis)
  }
  console.log(
    `FLT-25: ${rounds} stops, ${answered} answers, ${failed.length} failed, longest stop ${Math.round(longest)} ms`,
  )
  expect(failed).toEqual([])
  expect(longest).toBeLessThan(10_000)
})
