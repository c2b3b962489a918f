import { expect, test } from 'vitest'
import { backUpUnderLoad, printBackups } from './backups.ts'
import { presentRestored, printPresented } from './restore-replay.ts'

test('FLT-33: of ten thousand credentials that were used, revoked or given before a restore, none comes back', async () => {
  const presented = await presentRestored(10_000)
  console.log(printPresented(presented))
  expect(presented.n).toBeGreaterThanOrEqual(10_000)
  expect(presented.violations).toEqual([])
})

const backups = Number(process.env['GATEHOUSE_BACKUPS'] ?? 10)
const seed = Number(process.env['GATEHOUSE_SEED'] ?? 1)

test(`FLT-32: ${backups} backups under load and kills: each sound, of one commit, no older than its beginning, and fenced when it is served`, async () => {
  const backedUp = await backUpUnderLoad({ rounds: backups, seed })
  console.log(printBackups(backups, backedUp))
  expect(backedUp.violations).toEqual([])
  expect(backedUp.readyMillis.length).toBe(backups)
  expect(backedUp.kills).toBeGreaterThan(0)
  expect(backedUp.presented).toBeGreaterThan(backups)
})
