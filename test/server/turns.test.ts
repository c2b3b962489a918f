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

test('one that throws keeps no other back', async () => {
  const turnEnd = createTurnEnd()
  const done: string[] = []
  const thrown = new Promise((resolve) => {
    process.once('uncaughtException', resolve)
  })
  // The test runner listens too, and would take it for a failure of ours.
  const listeners = process.listeners('uncaughtException').slice(0, -1)
  for (const listener of listeners) process.off('uncaughtException', listener)
  turnEnd(() => {
    throw new Error('on the way')
  })
  turnEnd(() => done.push('after'))
  expect(await thrown).toEqual(new Error('on the way'))
  for (const listener of listeners) process.on('uncaughtException', listener)
  await turn()
  expect(done).toEqual(['after'])
})
