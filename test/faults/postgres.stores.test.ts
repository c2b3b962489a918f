import { expect, test } from 'vitest'
import { noPostgres } from '../kit/postgres.ts'
import { cutCommits, restart, strikePostgres, type Blow } from './postgres.ts'
import { printStruck } from './strike-store.ts'

test.skipIf(noPostgres !== undefined)(
  'FLT-09, FLT-12: PostgreSQL that crashes, and commits whose answers are lost, lose and revive nothing, and nobody restarts a node',
  { timeout: 120_000 },
  async () => {
    const { blow: cut, cuts } = cutCommits(6, 1_500)
    let round = 0
    const blow: Blow = (struck) => ((round += 1) === 2 ? cut(struck) : restart(struck))
    const struck = await strikePostgres({ rounds: 3, seed: 1, blow, persons: 6 })
    console.log(printStruck(`FLT-09, and ${cuts()} times FLT-12`, 2, struck))
    expect(struck.violations).toEqual([])
    expect(struck.readyMillis.at(-1)).toBeLessThan(2_000)
    expect(cuts()).toBeGreaterThan(2)
  },
)
