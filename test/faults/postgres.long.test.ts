import { expect, test } from 'vitest'
import { noPostgres } from '../kit/postgres.ts'
import { cutCommits, hang, restart, strikePair, strikePostgres } from './postgres.ts'
import { printStruck } from './strike-store.ts'

const restarts = Number(process.env['GATEHOUSE_RESTARTS'] ?? 40)
const rounds = Number(process.env['GATEHOUSE_CUTS'] ?? 12)
const hangs = Number(process.env['GATEHOUSE_HANGS'] ?? 6)
const promotions = Number(process.env['GATEHOUSE_PROMOTIONS'] ?? 30)
const seed = Number(process.env['GATEHOUSE_SEED'] ?? 1)

test.skipIf(noPostgres !== undefined)(
  `FLT-09: ${restarts} crashes of PostgreSQL under the load of three nodes lose nothing that was acknowledged, and nobody restarts a node`,
  async () => {
    const struck = await strikePostgres({ rounds: restarts, seed, blow: restart, nodes: 3 })
    console.log(printStruck('FLT-09', restarts, struck))
    expect(struck.violations).toEqual([])
    // All three; more only where the machine has no time.
    expect(struck.readyMillis[Math.floor(restarts / 2)]).toBeLessThan(2_000)
    expect(struck.readyMillis.at(-1)).toBeLessThan(10_000)
  },
)

test.skipIf(noPostgres !== undefined)('FLT-12: commits whose answers were lost have one outcome each', async () => {
  const { blow, cuts } = cutCommits(8, 4_000)
  const struck = await strikePostgres({ rounds, seed, blow })
  console.log(printStruck('FLT-12', cuts(), struck))
  expect(struck.violations).toEqual([])
  expect(cuts()).toBeGreaterThan(10 * rounds)
})

test.skipIf(noPostgres !== undefined)(
  `FLT-14: ${hangs} times PostgreSQL answers nobody for seconds, and what two nodes had sent and given up is done afterwards: nothing is lost or doubled`,
  async () => {
    const struck = await strikePostgres({ rounds: hangs, seed, blow: hang, nodes: 2 })
    console.log(printStruck('FLT-14', hangs, struck))
    expect(struck.violations).toEqual([])
    expect(struck.readyMillis[Math.floor(hangs / 2)]).toBeLessThan(2_000)
    expect(struck.readyMillis.at(-1)).toBeLessThan(10_000)
  },
)

test.skipIf(noPostgres !== undefined)(
  `FLT-10: ${promotions} promotions of a synchronous standby lose nothing that was acknowledged, and nobody restarts a node`,
  async () => {
    const struck = await strikePair({ rounds: promotions, seed, nodes: 3 })
    console.log(printStruck('FLT-10', promotions, struck))
    expect(struck.violations).toEqual([])
    // Outage: PostgreSQL's own, and two seconds; more only where the machine has no time.
    expect(struck.readyMillis[Math.floor(promotions / 2)]).toBeLessThan(2_000)
    expect(struck.readyMillis.at(-1)).toBeLessThan(10_000)
  },
)
