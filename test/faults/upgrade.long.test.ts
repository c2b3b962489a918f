import { afterAll, beforeAll, expect, test } from 'vitest'
import { noPostgres } from '../kit/postgres.ts'
import { lastRelease, noHistory, type Release } from '../kit/release.ts'
import { rollingUpgrade, upgradeAndBack } from './upgrade.ts'

const loadMillis = Number(process.env['GATEHOUSE_UPGRADE_MILLIS'] ?? 4_000)
const seed = Number(process.env['GATEHOUSE_SEED'] ?? 1)
const without = noHistory()
let release: Release

beforeAll(() => {
  if (without === undefined) release = lastRelease()
  else console.log(`FLT-26 is skipped: ${without}`)
})
afterAll(() => {
  if (without === undefined) release.remove()
})

test.skipIf(noPostgres !== undefined || without !== undefined)(
  'FLT-26: two nodes on PostgreSQL go over to this tree one by one under load, and back; no violation',
  async () => {
    const { violations, acknowledged, unavailable } = await rollingUpgrade({ release, seed, persons: 16, loadMillis })
    console.log(`FLT-26, from ${release.version} and back: ${acknowledged} acknowledged, ${unavailable} times 503`)
    expect(violations).toEqual([])
    expect(acknowledged).toBeGreaterThan(500)
  },
)

test.skipIf(without !== undefined)(
  'FLT-26: a SQLite file goes over to this tree and back, and neither loses what it does not know',
  async () => {
    const { violations, acknowledged } = await upgradeAndBack({ release, seed, persons: 16, loadMillis })
    console.log(`FLT-26, one after the other: ${acknowledged} acknowledged`)
    expect(violations).toEqual([])
    expect(acknowledged).toBeGreaterThan(500)
  },
)
