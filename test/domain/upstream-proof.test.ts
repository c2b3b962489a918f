import { describe, expect, it } from 'vitest'
import { upstreamProof } from '../../src/domain/upstream-proof.ts'

const createdAt = 10_000
const now = createdAt + 90

describe('OIDC Core §3.1.2.1: when somebody proved himself to a provider', () => {
  it.each([
    ['nobody asked, and it says nothing', undefined, undefined, 'untold'],
    ['nobody asked: as it says', undefined, 4_000, 4_000],
    ['never in the future', undefined, now + 30, now],
    ['asked for, and it says nothing', 0, undefined, 'not fresh'],
    ['a new one, from before the way', 0, createdAt - 61, 'not fresh'],
    ['a new one, by a clock that is behind', 0, createdAt - 60, createdAt],
    ['a new one, on the way', 0, createdAt + 40, createdAt + 40],
    ['a new one, by a clock that is ahead', 0, now + 30, now],
    ['no older than ten minutes: older', 600, createdAt - 661, 'not fresh'],
    ['no older than ten minutes: as it says', 600, createdAt - 500, createdAt - 500],
  ] as const)('%s', (_case, maxAge, authTime, expected) => {
    const flow = { createdAt, ...(maxAge !== undefined && { maxAge }) }
    const proved = upstreamProof(flow, authTime, now)
    const when = expected === 'untold' ? { authTime: now, untold: true } : { authTime: expected }
    expect(proved).toEqual(expected === 'not fresh' ? expected : when)
  })
})
