import { expect, test } from 'vitest'
import { createLimits, type Counting, type Together } from '../../src/limits/limits.ts'

/** Processes that tell each other, as the one that began them passes it on. */
function workers(count: number) {
  const listeners: ((counting: Counting) => void)[] = []
  return Array.from({ length: count }, (_, self) => {
    const together: Together = {
      tell: (counting) => {
        for (const [other, listener] of listeners.entries()) if (other !== self) listener(counting)
      },
      onTold: (listener) => listeners.push(listener),
    }
    return createLimits({ clock: { monotonic: () => 0 }, together })
  })
}

test('H03: a budget is the server’s, whichever of its workers is asked', () => {
  const [one, other] = workers(2)
  const parts = ['ada', '192.0.2.1'] as const
  let allowed = 0
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const reserved = (attempt % 2 === 0 ? one : other)?.reserve('sign-in', parts)
    if (reserved !== undefined && 'forgive' in reserved) allowed += 1
  }
  expect(allowed).toBe(10)
})

test('what one worker gives back, the others give back too', () => {
  const [one, other] = workers(2)
  const parts = ['web', '192.0.2.1'] as const
  for (let failure = 0; failure < 30; failure += 1) one?.count('client-secret', parts)
  expect(other?.blocked('client-secret', parts)).toBeDefined()
  one?.forgive('client-secret', parts)
  expect(other?.blocked('client-secret', parts)).toBeUndefined()
})
