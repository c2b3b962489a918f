import { expect, test } from 'vitest'
import { onStage } from './ledger/stage.ts'
import { underLock, type UnderLock } from './lock.ts'

test(
  'FLT-06: a write lock that another process holds for a second is waited for; nothing is refused, reading goes on',
  { timeout: 120_000 },
  async () => {
    let seen: UnderLock | undefined
    const violations = await onStage({ persons: 1 }, async (stage) => {
      const server = await stage.start()
      seen = await underLock(stage, 1_000)
      server.kill('SIGTERM')
      expect(await server.exited).toBe(0)
    })
    expect(violations).toEqual([])
    expect(seen?.writes.length).toBeGreaterThanOrEqual(16)
    expect(new Set(seen?.writes.map(({ is }) => is))).toEqual(new Set(['done']))
    expect(seen?.longestReadMillis).toBeLessThan(900)
  },
)
