import { expect, test } from 'vitest'
import { remembering } from '../../src/protocol/remembering.ts'

test('makes what was asked for once, and keeps no more than so many', () => {
  const made: string[] = []
  const loud = remembering(2, (text) => {
    made.push(text)
    return text.toUpperCase()
  })
  expect(['a', 'b', 'a', 'b'].map(loud)).toEqual(['A', 'B', 'A', 'B'])
  expect(made).toEqual(['a', 'b'])
  expect(['c', 'a', 'a'].map(loud)).toEqual(['C', 'A', 'A'])
  expect(made).toEqual(['a', 'b', 'c', 'a'])
})
