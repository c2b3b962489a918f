import { randomFillSync } from 'node:crypto'

/** Where every unpredictable value comes from. Injected, so that tests can seed it. */
export type Random = {
  /** Fresh bytes that belong to the caller. */
  readonly bytes: (size: number) => Uint8Array
  /** `size` random bytes as base64url. */
  readonly text: (size: number) => string
  /** A record id: 12 hex digits of `nowMillis`, then 128 random bits (34 characters). New records are neighbours on disk. */
  readonly id: (nowMillis: number) => string
  /** A version stamp: 96 random bits (16 characters). */
  readonly stamp: () => string
}

const poolBytes = 8192

/** The operating system's randomness, drawn in blocks: one call to the kernel per 8 KiB instead of one per token. */
export function createRandom(): Random {
  const pool = Buffer.allocUnsafeSlow(poolBytes)
  let used = poolBytes

  function take<T>(size: number, read: (pool: Buffer, start: number, end: number) => T): T {
    if (!Number.isInteger(size) || size < 0 || size > poolBytes)
      throw new RangeError(`cannot draw ${size} random bytes`)
    if (used + size > poolBytes) {
      randomFillSync(pool)
      used = 0
    }
    const start = used
    used += size
    const drawn = read(pool, start, used)
    // What was handed out must not lie in memory a second time.
    pool.fill(0, start, used)
    return drawn
  }

  // Many ids are made within a millisecond, and spelling it costs more than the randomness.
  let spelled = { millis: Number.NaN, text: '' }
  function spell(millis: number): string {
    if (millis !== spelled.millis) spelled = { millis, text: millis.toString(16).padStart(12, '0') }
    return spelled.text
  }

  const text = (size: number) => take(size, (bytes, start, end) => bytes.toString('base64url', start, end))
  return {
    bytes: (size) => take(size, (bytes, start, end) => Uint8Array.prototype.slice.call(bytes, start, end)),
    text,
    id: (nowMillis) => spell(nowMillis) + text(16),
    stamp: () => text(12),
  }
}
