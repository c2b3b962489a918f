import { describe, expect, test } from 'vitest'
import { isEntries, isEvent, isHistory, isSeal } from '../../src/audit/chain-shapes.ts'

const kept = { from: 1, at: 2, keep: 3 }
const seal = {
  v: 1,
  number: 1,
  previous: 'p',
  at: 2,
  after: '',
  through: 't',
  late: false,
  count: 0,
  root: 'r',
  until: 3,
  previousUntil: 0,
}
const nothings = [undefined, null, 7, 'text', []]

describe('what a line of an export says is', () => {
  test('a seal with every field of its type, and a history or none', () => {
    expect([isSeal(seal), isSeal({ ...seal, retention: [kept] })]).toEqual([true, true])
    for (const name of Object.keys(seal))
      for (const wrong of [undefined, null, {}]) expect(isSeal({ ...seal, [name]: wrong }), name).toBe(false)
    expect([isSeal({ ...seal, v: 2 }), isSeal({ ...seal, retention: [{}] })]).toEqual([false, false])
    for (const nothing of nothings) expect(isSeal(nothing)).toBe(false)
  })

  test('a history of three numbers each', () => {
    expect([isHistory([]), isHistory([kept, kept])]).toEqual([true, true])
    for (const name of Object.keys(kept)) expect(isHistory([kept, { ...kept, [name]: '1' }]), name).toBe(false)
    for (const nothing of nothings) expect(isHistory([nothing])).toBe(false)
    for (const nothing of [undefined, null, 7, 'text', {}]) expect(isHistory(nothing)).toBe(false)
  })

  test('entries of an id, a time and a hash, and no more', () => {
    expect([isEntries([]), isEntries([['a', 1, 'h']])]).toEqual([true, true])
    for (const wrong of [
      [1, 1, 'h'],
      ['a', '1', 'h'],
      ['a', 1, 2],
      ['a', 1],
      ['a', 1, 'h', 'x'],
      { 0: 'a' },
      'a1h',
      null,
    ])
      expect(isEntries([['a', 1, 'h'], wrong])).toBe(false)
    for (const nothing of [undefined, null, 7, 'text', {}]) expect(isEntries(nothing)).toBe(false)
  })

  test('an event with a time', () => {
    expect(isEvent({ at: 1 })).toBe(true)
    for (const wrong of [...nothings, {}, { at: '1' }]) expect(isEvent(wrong)).toBe(false)
  })
})
