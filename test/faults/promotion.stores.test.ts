import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { noPostgres } from '../kit/postgres.ts'
import { startPostgresPair } from '../kit/postgres-pair.ts'
import { openTestPostgres } from '../store/postgres-subject.ts'
import { lease, putLease } from '../../src/store/suite/samples.ts'
import { replayAfterPromotion } from './promotion.ts'

describe.skipIf(noPostgres !== undefined)(
  'FLT-11: an asynchronous standby takes over and lacks the latest commits',
  () => {
    test('nothing that was used or revoked comes back, nobody restarts the server, people sign in again', async () => {
      const { presented, revived, lost, fences, next } = await replayAfterPromotion({ rounds: 6, lagMillis: 100 })
      expect(lost).toBe(true)
      expect(presented).toEqual({ codes: 12, 'refresh tokens': 18, 'access tokens': 18, assertions: 6, sessions: 1 })
      expect(revived).toEqual({ codes: 0, 'refresh tokens': 0, 'access tokens': 0, assertions: 0, sessions: 0 })
      expect(fences).toBe(1)
      expect(next).toMatch(/^gth_rt_/)
    })

    test('whoever says that his standby is synchronous, and it isn’t, sees what the fence is for', async () => {
      const { revived, lost, fences } = await replayAfterPromotion({
        rounds: 4,
        lagMillis: 100,
        options: 'standby=synchronous',
      })
      expect([lost, fences]).toEqual([true, 0])
      expect(revived).toMatchObject({ codes: 4, assertions: 4, sessions: 1 })
    })

    test('of several nodes one fences, nobody is served before, and the old primary is taken by nobody who knows the new one', async () => {
      const pair = await startPostgresPair({ asynchronous: true })
      const fences: (number | undefined)[] = []
      const address = pair.address('nodes')
      const onMoved = async (): Promise<void> => {
        fences.push(undefined)
        await pause(300)
        fences[fences.length - 1] = performance.now()
      }
      const nodes = await Promise.all([0, 1, 2].map(() => openTestPostgres(address, { onMoved })))
      try {
        await pair.holdBack()
        await pair.failOver()
        const served = await Promise.all(
          nodes.map(async ({ admin }) => {
            await untilItPings(admin.ping)
            return performance.now()
          }),
        )
        expect(fences).toEqual([expect.any(Number)])
        expect(Math.min(...served)).toBeGreaterThan(fences[0] ?? Infinity)
        await expect(nodes[0]?.admin.changes('0')).resolves.toMatchObject({ forget: 'lost' })
        await pair.revive()
        expect(await nodes[0]?.store.commit([putLease('newer', 'x', 'v1')])).toBe('committed')
        // Everybody has to connect anew, and the old one stands first in the address.
        await pair.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gatehouse'")
        await pause(300)
        const read = nodes.flatMap(({ store }) => Array.from({ length: 40 }, () => store.read([lease('newer')])))
        for (const [record] of await Promise.all(read)) expect(record?.version).toBe('v1')
        // Whoever can't fence doesn't serve.
        await pair.rebuild()
        await pair.failOver()
        await expect(openTestPostgres(pair.address('nodes'))).rejects.toThrow(/may lack its latest commits/)
      } finally {
        await Promise.all(nodes.map(({ admin }) => admin.close()))
        await pair.stop()
      }
    })
  },
)

async function untilItPings(ping: () => Promise<void>): Promise<void> {
  for (let tried = 0; tried < 200; tried += 1) {
    try {
      return await ping()
    } catch {
      await pause(50)
    }
  }
  throw new Error('no answer')
}
