import { expect, test } from 'vitest'
import { createTurnEnd } from '../../src/server/turns.ts'

const turn = (): Promise<void> => new Promise(setImmediate)

test('what one turn brought is done together at its end, and what that brings, at the end of the next', async () => {
  const turnEnd = createTurnEnd()
  const done: string[] = []
  turnEnd(() => {
    done.push('a')
    turnEnd(() => done.push('c'))
  })
  await Promise.resolve()
  turnEnd(() => done.push('b'))
  expect(done).toEqual([])
  await turn()
  expect(done).toEqual(['a', 'b'])
  await turn()
  expect(done).toEqual(['a', 'b', 'c'])
})
