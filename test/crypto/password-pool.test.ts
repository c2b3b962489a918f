import { afterAll, describe, expect, test } from 'vitest'
import {
  createPasswordPool,
  longestPasswordBytes,
  PasswordPoolBusy,
  PasswordUnusable,
} from '../../src/crypto/password-pool.ts'
import { quickest } from '../kit/quickest.ts'

const pool = createPasswordPool({ threads: 1, queueLimit: 100 })
afterAll(() => pool.close())

describe('passwords', () => {
  test('argon2id with 19 MiB, two passes, one lane, salted', async () => {
    const [one, other] = await Promise.all([pool.hash('correct horse'), pool.hash('correct horse')])
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(one).not.toBe(other)
    expect(await pool.verify(one, 'correct horse')).toBe(true)
    expect(await pool.verify(one, 'correct hors')).toBe(false)
    expect(await pool.verify(one, 'Correct horse')).toBe(false)
    expect(await pool.verify(one, '')).toBe(false)
  })

  test('every byte counts up to the last: nothing is cut off at 72 bytes or at a NUL', async () => {
    const long = 'x'.repeat(longestPasswordBytes)
    const hash = await pool.hash(long)
    expect(await pool.verify(hash, long)).toBe(true)
    expect(await pool.verify(hash, `${long.slice(0, -1)}y`)).toBe(false)
    const withNul = await pool.hash('before\0after')
    expect(await pool.verify(withNul, 'before\0after')).toBe(true)
    expect(await pool.verify(withNul, 'before\0other')).toBe(false)
    expect(await pool.verify(withNul, 'before')).toBe(false)
  })

  test('RFC 8265 §4.2.2: an accent typed as one letter or as two is the same password', async () => {
    expect(await pool.verify(await pool.hash('cafe\u0301'), 'caf\u00e9')).toBe(true)
  })

  test('more than 1,024 bytes, or ill-formed Unicode, is refused and never matches', async () => {
    await expect(pool.hash('x'.repeat(1025))).rejects.toThrow(PasswordUnusable)
    await expect(pool.hash('é'.repeat(513))).rejects.toThrow(/1024 bytes/)
    await expect(pool.hash('\ud800')).rejects.toThrow(PasswordUnusable)
    const replaced = await pool.hash('\u{fffd}')
    expect(await pool.verify(replaced, '\ud800')).toBe(false)
    expect(await pool.verify(replaced, 'x'.repeat(1_000_000))).toBe(false)
  })

  test('a stored text that is no hash is an error without the password in it', async () => {
    await expect(pool.verify('not a hash', 'hunter2')).rejects.toThrow(/stored password hash/)
    await expect(pool.verify('not a hash', 'hunter2')).rejects.not.toThrow(/hunter2/)
  })
})

test('H03: those ahead are worked on before everybody else, and a full queue of strangers keeps none of them out', async () => {
  const small = createPasswordPool({ threads: 1, queueLimit: 3 })
  try {
    const hash = await small.hash('a password')
    const order: string[] = []
    const ask = async (name: string, ahead: boolean): Promise<void> => {
      await small.verify(hash, 'a password', ahead)
      order.push(name)
    }
    const strangers = ['working', 'first', 'second', 'third'].map((name) => ask(name, false))
    await expect(ask('too many', false)).rejects.toThrow(PasswordPoolBusy)
    const known = ['known', 'known too', 'and known'].map((name) => ask(name, true))
    await expect(ask('too many', true)).rejects.toThrow(PasswordPoolBusy)
    await Promise.all([...strangers, ...known])
    expect(order).toEqual(['working', 'known', 'known too', 'and known', 'first', 'second', 'third'])
  } finally {
    await small.close()
  }
})

test('H03: who finds the queue of those ahead full waits with everybody, and is kept out by both alone', async () => {
  const small = createPasswordPool({ threads: 1, queueLimit: 1 })
  try {
    const [working, ahead, common, busy] = Array.from({ length: 4 }, () => small.verify(undefined, 'x', true))
    await expect(busy).rejects.toThrow(PasswordPoolBusy)
    expect(await Promise.all([working, ahead, common])).toEqual([false, false, false])
  } finally {
    await small.close()
  }
})

describe('an account that does not exist', () => {
  test('never matches', async () => {
    expect(await pool.verify(undefined, 'anything')).toBe(false)
  })

  test('costs the same work as one that does', async () => {
    const hash = await pool.hash('a password')
    const costOf = (stored: string | undefined) =>
      quickest(() => pool.verify(stored, 'a wrong password'), { rounds: 15, enough: 0 })
    await costOf(hash)
    const ratio = (await costOf(undefined)) / (await costOf(hash))
    // Without the decoy it is a hundredth. The figure is wide because machines are shared.
    expect(ratio).toBeGreaterThan(0.5)
    expect(ratio).toBeLessThan(2)
  })
})

describe('the pool', () => {
  test('is bounded: what is too much is refused at once, and the rest is served', async () => {
    const small = createPasswordPool({ threads: 1, queueLimit: 2 })
    try {
      const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => small.verify(undefined, 'x')))
      expect(outcomes.map(({ status }) => status)).toEqual([
        'fulfilled',
        'fulfilled',
        'fulfilled',
        'rejected',
        'rejected',
        'rejected',
      ])
      for (const outcome of outcomes.slice(3)) {
        expect(outcome.status === 'rejected' && outcome.reason).toBeInstanceOf(PasswordPoolBusy)
      }
      expect(await small.verify(undefined, 'x')).toBe(false)
    } finally {
      await small.close()
    }
  })

  test('H03: who is known goes ahead, and yet lets in between whoever is not, however many come', async () => {
    const one = createPasswordPool({ threads: 1, queueLimit: 100 })
    try {
      let passed = 0
      const ended = new AbortController()
      const known = async (): Promise<void> => {
        await one.verify(undefined, 'x', true)
        passed += 1
        return ended.signal.aborted ? undefined : known()
      }
      const knowns = [known(), known(), known()]
      await one.verify(undefined, 'x')
      const before = passed
      ended.abort()
      await Promise.all(knowns)
      expect(before).toBeGreaterThan(1)
      expect(before).toBeLessThan(8)
    } finally {
      await one.close()
    }
  })

  test('leaves the event loop free', async () => {
    let turns = 0
    const ticking = setInterval(() => turns++, 1)
    await Promise.all(Array.from({ length: 10 }, () => pool.verify(undefined, 'x')))
    clearInterval(ticking)
    expect(turns).toBeGreaterThan(10)
  })

  test('starts no thread before the first password, and ends them all', async () => {
    const lazy = createPasswordPool({ threads: 2, queueLimit: 10 })
    await lazy.close()
    await expect(lazy.verify(undefined, 'x')).rejects.toThrow(/closed/)
  })

  test('closing rejects what waits', async () => {
    const closing = createPasswordPool({ threads: 1, queueLimit: 10 })
    const waiting = Promise.allSettled([closing.hash('a'), closing.hash('b'), closing.hash('c')])
    await closing.close()
    expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  })
})
