import { describe, expect, test } from 'vitest'
import { ref } from '../../src/domain/record.ts'
import type { StampedWrite } from '../../src/store/port.ts'
import { judge, sweepLater, type Judgement, type LockedRow } from '../../src/store/sql/judge.ts'
import { keyOf, toUnit } from '../../src/store/sql/unit.ts'
import { event, lease, putLease } from '../../src/store/suite/samples.ts'

type Found = Readonly<Record<string, Partial<LockedRow>>>

/** What becomes of units on leases that were found so, beside events of these ids. */
function judged(found: Found, units: readonly (readonly StampedWrite[])[], events: readonly string[] = []): Judgement {
  const rows = Object.entries(found).map(([id, row]): [string, LockedRow] => [
    keyOf('lease', id),
    { version: 'v1', sweepAt: null, owners: [], ...row },
  ])
  return judge(units.map(toUnit), new Map(rows), new Set(events))
}

const check = (id: string, expect: string | null): StampedWrite => ({ op: 'check', ...lease(id), expect })
const erase = (id: string, expect: string): StampedWrite => ({ op: 'delete', ...lease(id), expect })
const nothing = { insert: [], update: [], remove: [], claim: [], link: [], unlink: [], events: [], announced: [] }

describe('a batch is judged against the rows that were locked', () => {
  test('a version, or absence, that isn’t what was expected is a conflict, and changes nothing', () => {
    const wrong: readonly StampedWrite[] = [
      putLease('a', 'x', 'v2', { expect: 'v0' }),
      putLease('a', 'x', 'v2'),
      putLease('none', 'x', 'v2', { expect: 'v1' }),
      check('a', 'v0'),
      check('a', null),
      check('none', 'v1'),
      erase('a', 'v0'),
      erase('none', 'v1'),
    ]
    const { outcomes, effects } = judged(
      { a: { owners: ['o'] } },
      wrong.map((write) => [putLease('new', 'x', 'n1'), write, event('e')]),
    )
    expect([new Set(outcomes), effects]).toEqual([new Set(['conflict']), nothing])
  })

  test('an event is appended once, whether the other one is older or of the same batch', () => {
    const { outcomes, effects } = judged(
      {},
      [[event('old')], [event('new')], [event('new')], [event('twice'), event('other')]],
      ['old'],
    )
    expect(outcomes).toEqual(['conflict', 'committed', 'conflict', 'committed'])
    expect(effects.events.map(({ id }) => id)).toEqual(['new', 'twice', 'other'])
  })

  test('each unit stands on what the ones before it left, and the row is compared with what was found', () => {
    const { outcomes, effects } = judged({ a: {} }, [
      [putLease('a', '1', 'v2', { expect: 'v1' })],
      [putLease('a', 'late', 'v9', { expect: 'v1' })],
      [putLease('a', '2', 'v3', { expect: 'v2' })],
    ])
    expect(outcomes).toEqual(['committed', 'conflict', 'committed'])
    expect(effects).toMatchObject({
      ...nothing,
      update: [{ id: 'a', version: 'v3', json: '{"v":1,"holder":"2"}', expect: 'v1' }],
    })
    const ended = judged({ a: { owners: ['o'] } }, [
      [putLease('a', '1', 'v2', { expect: 'v1', owners: ['p'] })],
      [erase('a', 'v2')],
    ])
    expect(ended.effects).toEqual({
      ...nothing,
      remove: [{ ...lease('a'), expect: 'v1' }],
      unlink: [{ ...lease('a'), owner: 'o' }],
    })
  })

  test('a place that somebody relied on to be empty, and stays so, is kept free; a row that was looked at alone is left', () => {
    const { outcomes, effects } = judged({ a: {} }, [
      [check('none', null), check('a', 'v1')],
      [putLease('brief', 'x', 'b1')],
      [erase('brief', 'b1')],
      [check('unused', null), check('a', 'v0')],
    ])
    expect(outcomes).toEqual(['committed', 'committed', 'committed', 'conflict'])
    expect(effects).toEqual({ ...nothing, claim: [lease('none'), lease('brief')] })
  })

  test('lists change by what is new and what is gone; owners that aren’t named stay', () => {
    const found = { a: { owners: ['x', 'y'] } }
    const kept = judged(found, [[putLease('a', '1', 'v2', { expect: 'v1' })]]).effects
    expect([kept.link, kept.unlink, kept.update[0]?.owners]).toEqual([[], [], ['x', 'y']])
    const moved = judged(found, [[putLease('a', '1', 'v2', { expect: 'v1', owners: ['y', 'z', 'z'] })]]).effects
    expect(moved.link).toEqual([{ ...lease('a'), owner: 'z' }])
    expect(moved.unlink).toEqual([{ ...lease('a'), owner: 'x' }])
    expect(moved.update[0]?.owners).toEqual(['y', 'z'])
  })

  test('what memories are to forget is announced in order, without an end for a moment only', () => {
    const tell = (id: string, expiresAt: number | null): StampedWrite => ({
      op: 'put',
      ...ref('change', id),
      expect: null,
      value: { v: 1, forget: ref('user', id) },
      version: id,
      expiresAt,
    })
    const { announced } = judged({}, [[tell('a', 9)], [tell('b', null)], [tell('c', 9), check('a', 'v0')]]).effects
    expect(announced).toEqual([
      { forget: ref('user', 'a'), expiresAt: 9 },
      { forget: ref('user', 'b'), expiresAt: 0 },
    ])
  })
})

describe('when a sweep looks at a record', () => {
  const end = 2_000_000_000
  const day = 86_400
  test.each([
    ['with its first end', null, end, end],
    ['never, without one', end, null, null],
    ['earlier, when its end comes nearer', end, end - 1, end - 1],
    ['as before, when its end moves by a day or less', end, end + day, end],
    ['later, when it moves by more', end, end + day + 1, end + day + 1],
  ])('%s', (_, sweepAt, expiresAt, later) => {
    expect(sweepLater(sweepAt, expiresAt)).toBe(later)
    const { update } = judged({ a: { sweepAt } }, [[putLease('a', 'x', 'v2', { expect: 'v1', expiresAt })]]).effects
    expect(update[0]?.sweepAt).toBe(later)
  })
})
