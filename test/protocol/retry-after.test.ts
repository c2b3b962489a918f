import { expect, it } from 'vitest'
import { longestRetryAfter, parseRetryAfter } from '../../src/protocol/retry-after.ts'

// Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110 §5.6.7.
const then = 784_111_777

it.each([
  ['0', 0],
  ['120', 120],
  ['3600', 3600],
  ['3601', longestRetryAfter],
  ['99999999999999999999', longestRetryAfter],
  ['Sun, 06 Nov 1994 08:49:37 GMT', 0],
  ['Sun, 06 Nov 1994 08:54:37 GMT', 300],
  ['Sun, 06 Nov 1994 08:49:36 GMT', 0],
  ['Mon, 07 Nov 1994 08:49:37 GMT', longestRetryAfter],
])('RFC 9110 §10.2.3: %s is a wait of %s', (text, seconds) => {
  expect(parseRetryAfter(text, then)).toBe(seconds)
})

it.each([
  undefined,
  '',
  '-1',
  '1.5',
  '1e3',
  ' 7',
  'soon',
  'Sun, 06 Nov 1994 08:54:37',
  'Sun, 36 Nov 1994 08:54:37 GMT',
])('RFC 9110 §10.2.3: %s is no wait', (text) => {
  expect(parseRetryAfter(text, then)).toBeUndefined()
})
