import { expect, test } from 'vitest'
import { createRandom } from '../../src/crypto/random.ts'

const random = createRandom()

test('ids begin with their time and sort by it, bytewise', () => {
  const ids = [0, 1, 1_764_000_000_000, 1_764_000_000_001, 2 ** 47].map((millis) => random.id(millis))
  expect(ids.map((id) => id.length)).toEqual([34, 34, 34, 34, 34])
  expect(ids.toSorted()).toEqual(ids)
  expect(Number.parseInt(ids[2]!.slice(0, 12), 16)).toBe(1_764_000_000_000)
  expect(ids[2]).toMatch(/^[0-9a-f]{12}[A-Za-z0-9_-]{22}$/)
})

test('nothing comes twice, across many refills of the pool', () => {
  const seen = new Set(Array.from({ length: 100_000 }, () => random.stamp()))
  expect(seen.size).toBe(100_000)
  expect([...seen].every((stamp) => /^[A-Za-z0-9_-]{16}$/.test(stamp))).toBe(true)
})

test('bytes belong to the caller: later draws leave them alone, and they are not what later draws return', () => {
  const first = random.bytes(32)
  const copy = Uint8Array.from(first)
  const others = Array.from({ length: 2000 }, () => Buffer.from(random.bytes(32)).toString('hex'))
  expect(Buffer.from(first)).toEqual(Buffer.from(copy))
  expect(first.some((byte) => byte !== 0)).toBe(true)
  expect(new Set(others).size).toBe(2000)
  expect(others).not.toContain(Buffer.from(copy).toString('hex'))
})

test('every bit of every byte varies, up to the largest draw', () => {
  const ones = random.bytes(8192).reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)
  // 65,536 fair bits: seven standard deviations are 896.
  expect(Math.abs(ones - 32_768)).toBeLessThan(896)
  expect(random.text(16)).toHaveLength(22)
  expect(random.bytes(0)).toHaveLength(0)
})

test.each([-1, 1.5, 8193, Number.NaN])('%s bytes are refused', (size) => {
  expect(() => random.bytes(size)).toThrow(RangeError)
})
