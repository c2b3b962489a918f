import { expect, test } from 'vitest'
import { isRecalled, recallOf, recallsOf } from '../../src/domain/recall.ts'

test('a recall of one provider says nothing about another, whatever that is called', () => {
  const instance = { recalls: { github: { count: 2, at: 1, actor: 'usr_admin' } } }
  expect(recallsOf(instance, 'github')).toBe(2)
  for (const provider of ['other', 'constructor']) {
    expect(recallOf(instance, provider)).toBeUndefined()
    expect(recallsOf(instance, provider)).toBe(0)
    expect(isRecalled(instance, { provider })).toBe(false)
  }
})
