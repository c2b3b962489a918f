import { expect, it } from 'vitest'
import { jsonPointer, pointTo } from '../../src/protocol/json-pointer.ts'

// RFC 6901 §5.
const whole = { foo: ['bar', 'baz'], '': 0, 'a/b': 1, 'c%d': 2, 'm~n': 8, ' ': 7, nested: { '~1': 'tilde' } }

it.each([
  ['/foo', ['bar', 'baz']],
  ['/foo/0', 'bar'],
  ['/', 0],
  ['/a~1b', 1],
  ['/c%d', 2],
  ['/ ', 7],
  ['/m~0n', 8],
  // §4: ~1 first, so that ~01 is ~1.
  ['/nested/~01', 'tilde'],
])('%s', (pointer, value) => {
  expect(jsonPointer.test(pointer)).toBe(true)
  expect(pointTo(whole, pointer)).toEqual(value)
})

it.each(['/foo/2', '/foo/-', '/foo/00', '/foo/length', '/foo/0/length', '/constructor', '/__proto__', '/nested/x/y'])(
  '%s is nothing',
  (pointer) => expect(pointTo(whole, pointer)).toBeUndefined(),
)

it.each(['foo', '', '/a~2', '/~', '//~'])('%j is no pointer to something inside', (pointer) =>
  expect(jsonPointer.test(pointer)).toBe(false),
)
