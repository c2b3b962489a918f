import { expect, test } from 'vitest'
import { noPostgres } from '../kit/postgres.ts'
import { replayAfterPromotion } from './promotion.ts'

const promotions = Number(process.env['GATEHOUSE_PROMOTIONS'] ?? 10)

test.skipIf(noPostgres !== undefined)(
  `FLT-11: of ${promotions} promotions of a standby that lags 0.1 to 5 s, none revives what was used or revoked`,
  async () => {
    let presented = 0
    for (let round = 0; round < promotions; round += 1) {
      const lagMillis = Math.round(100 * 50 ** (round / Math.max(1, promotions - 1)))
      const replay = await replayAfterPromotion({ rounds: 20, lagMillis })
      expect(replay.lost).toBe(true)
      expect(replay.fences).toBe(1)
      expect(replay.revived).toEqual({ codes: 0, 'refresh tokens': 0, 'access tokens': 0, assertions: 0, sessions: 0 })
      presented += Object.values(replay.presented).reduce((sum, count) => sum + count, 0)
    }
    console.log(`FLT-11: n = ${promotions} promotions, ${presented} presented, 0 revived`)
  },
)
