import { expect, test } from 'vitest'
import { kill, printReport, runCampaign } from './ledger/campaign.ts'

const kills = Number(process.env['GATEHOUSE_KILLS'] ?? 500)
const seed = Number(process.env['GATEHOUSE_SEED'] ?? 1)

test(`FLT-01: ${kills} kills under load lose nothing that was acknowledged and revive nothing`, async () => {
  const report = await runCampaign({ rounds: kills, seed, fault: kill, interruptedStarts: 0.05 })
  console.log(`FLT-01: ${printReport(report)}`)
  expect(report.violations).toEqual([])
})
