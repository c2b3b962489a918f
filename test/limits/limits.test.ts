import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { createLimits } from '../../src/limits/limits.ts'
import { createCounts, mostKeys } from '../../src/limits/counts.ts'
import { policies } from '../../src/limits/policies.ts'
import { sourceOf } from '../../src/limits/source.ts'

function handClock() {
  let now = 1_000_000
  return { monotonic: () => now, pass: (seconds: number) => void (now += seconds * 1000) }
}

const [, , { burst: accountBurst }, { burst: pairBurst }] = policies['sign-in'].budgets

describe('sign-in', () => {
  test('H04: of two hundred attempts at once exactly the budget is evaluated', () => {
    const limits = createLimits({ clock: handClock() })
    const results = Array.from({ length: 200 }, (_, n) => limits.reserve('sign-in', ['alice', `192.0.2.${n}`]))
    expect(results.filter((result) => 'forgive' in result)).toHaveLength(accountBurst)
  })

  test('and exactly the budget at any instant, whatever fraction of a millisecond it falls on', () => {
    for (let at = 0; at < 200; at += 1) {
      const limits = createLimits({ clock: { monotonic: () => 12_345.678_9 * (at + 0.321) } })
      const results = Array.from({ length: 70 }, (_, n) => limits.reserve('sign-in', [`user${n}`, '192.0.2.1']))
      expect(results.filter((result) => 'forgive' in result)).toHaveLength(60)
    }
  })

  test('a success gives back what it reserved, once', () => {
    const limits = createLimits({ clock: handClock() })
    limits.count('sign-in', ['alice', '192.0.2.1'])
    for (let n = 0; n < 100; n += 1) {
      const reserved = limits.reserve('sign-in', ['alice', '192.0.2.1'])
      if (!('forgive' in reserved)) throw new Error('a right password was counted as a failure')
      reserved.forgive()
      reserved.forgive()
    }
    for (let n = 1; n < pairBurst; n += 1) limits.count('sign-in', ['alice', '192.0.2.1'])
    expect(limits.blocked('sign-in', ['alice', '192.0.2.1'])).toEqual({ retryAfterSeconds: 120, everybody: false })
  })

  test('one account at its limit leaves others alone; Retry-After is true to the second', () => {
    const clock = handClock()
    const limits = createLimits({ clock })
    for (let n = 0; n < accountBurst; n += 1) limits.count('sign-in', ['alice', `192.0.2.${n}`])
    const refused = limits.reserve('sign-in', ['alice', '198.51.100.1'])
    expect(refused).toEqual({ retryAfterSeconds: 60, everybody: false })
    expect('forgive' in limits.reserve('sign-in', ['bob', '198.51.100.1'])).toBe(true)
    clock.pass(59)
    expect(limits.blocked('sign-in', ['alice', '198.51.100.1'])).toEqual({ retryAfterSeconds: 1, everybody: false })
    clock.pass(1)
    expect(limits.blocked('sign-in', ['alice', '198.51.100.1'])).toBeUndefined()
  })

  test('one source never uses up what all have together at one account', () => {
    const clock = handClock()
    const limits = createLimits({ clock })
    for (let minute = 0; minute < 24 * 60; minute += 1) {
      while (limits.blocked('sign-in', ['alice', '192.0.2.1']) === undefined)
        limits.count('sign-in', ['alice', '192.0.2.1'])
      expect(limits.blocked('sign-in', ['alice', '198.51.100.1'])).toBeUndefined()
      clock.pass(60)
    }
  })

  test('H03: a source that guesses at many accounts is stopped, and its refused attempts cost the accounts nothing', () => {
    const limits = createLimits({ clock: handClock() })
    const results = Array.from({ length: 1000 }, (_, n) => limits.reserve('sign-in', [`user${n}`, '192.0.2.1']))
    expect(results.filter((result) => 'forgive' in result)).toHaveLength(policies['sign-in'].budgets[1].burst)
    for (let n = 0; n < accountBurst; n += 1) {
      expect('forgive' in limits.reserve('sign-in', ['user999', `198.51.100.${n}`])).toBe(true)
    }
  })

  test('H03: many sources together meet the budget of everybody', () => {
    const limits = createLimits({ clock: handClock() })
    const results = Array.from({ length: 3000 }, (_, n) =>
      limits.reserve('sign-in', [`user${n}`, `10.0.${n >> 8}.${n & 255}`]),
    )
    expect(results.filter((result) => 'forgive' in result)).toHaveLength(policies['sign-in'].budgets[0].burst)
  })

  test('H03: another address of the same /64 is the same source', () => {
    const limits = createLimits({ clock: handClock() })
    for (let n = 0; n < 60; n += 1) limits.count('sign-in', [`user${n}`, `2001:db8::${n.toString(16)}`])
    expect(limits.blocked('sign-in', ['carol', '2001:db8::ffff'])).toBeDefined()
    expect(limits.blocked('sign-in', ['carol', '2001:db8:0:1::1'])).toBeUndefined()
  })
})

test('D07: secrets are counted per client and source', () => {
  const limits = createLimits({ clock: handClock() })
  for (let n = 0; n < 30; n += 1) limits.count('client-secret', ['app', '192.0.2.1'])
  expect(limits.blocked('client-secret', ['app', '192.0.2.1'])).toBeDefined()
  expect(limits.blocked('client-secret', ['app', '192.0.2.2'])).toBeUndefined()
  expect(limits.blocked('client-secret', ['other', '192.0.2.1'])).toBeUndefined()
})

test('no two lists of parts share a count, however they are cut', () => {
  const limits = createLimits({ clock: handClock() })
  for (let n = 0; n < 30; n += 1) limits.count('client-secret', ['a1:b', 'c'])
  expect(limits.blocked('client-secret', ['a', '1:bc'])).toBeUndefined()
  const long = 'x'.repeat(5000)
  for (let n = 0; n < 30; n += 1) limits.count('client-secret', [`${long}1`, 'c'])
  expect(limits.blocked('client-secret', [`${long}1`, 'c'])).toBeDefined()
  expect(limits.blocked('client-secret', [`${long}2`, 'c'])).toBeUndefined()
})

test('what was used comes back at the given rate, up to the burst and no further', () => {
  const counts = createCounts({ burst: 3, everyMillis: 1000 })
  for (let n = 0; n < 3; n += 1) {
    expect(counts.wait('a', 0)).toBe(0)
    counts.take('a', 0)
  }
  expect(counts.wait('a', 0)).toBe(1000)
  expect(counts.wait('a', 1000)).toBe(0)
  // An hour of rest is not an hour's worth of attempts.
  for (let n = 0; n < 3; n += 1) counts.take('a', 3_600_000)
  expect(counts.wait('a', 3_600_000)).toBe(1000)
})

describe('memory', () => {
  test('a million keys leave a bounded table', () => {
    const counts = createCounts({ burst: 10, everyMillis: 60_000 })
    for (let n = 0; n < 1_000_000; n += 1) counts.take(`key ${n}`, n)
    expect(counts.size()).toBeLessThanOrEqual(mostKeys)
  })

  test('a flood of fresh keys doesn’t wash away the account that somebody keeps guessing at', () => {
    const counts = createCounts({ burst: 10, everyMillis: 60_000 })
    for (let n = 0; n < 10; n += 1) counts.take('victim', 0)
    for (let n = 0; n < mostKeys * 3; n += 1) counts.take(`flood ${n}`, 1)
    expect(counts.wait('victim', 1)).toBeGreaterThan(0)
  })

  test('a key is kept without the request that it was cut from', () => {
    const counts = createCounts({ burst: 10, everyMillis: 60_000 })
    const before = heapAfterCollection()
    for (let n = 0; n < 2000; n += 1) {
      const request = Buffer.alloc(65_536, `${n} `).toString()
      counts.take(request.slice(0, 40), 0)
    }
    // Kept whole they would be 130 MB.
    expect(heapAfterCollection() - before).toBeLessThan(20_000_000)
    expect(counts.size()).toBe(2000)
  })
})

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['not an address', 'not an address'],
  ['1::2::3', '1::2::3'],
  ['1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7:8:9'],
])('the source of %s is %s', (address, source) => expect(sourceOf(address)).toBe(source))
