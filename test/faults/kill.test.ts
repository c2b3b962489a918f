import { expect, test } from 'vitest'
import { kill, printReport, runCampaign } from './ledger/campaign.ts'

test(
  'FLT-01: two kills under load lose nothing that was acknowledged and revive nothing',
  { timeout: 240_000 },
  async () => {
    const report = await runCampaign({
      rounds: 2,
      // The long suite has all 64; what costs most here is their passwords.
      persons: 12,
      seed: 1,
      fault: kill,
      untilFault: (dice) => 50 * 12 ** dice.fraction(),
      interruptedStarts: 0.1,
    })
    console.log(`FLT-01: ${printReport(report)}`)
    expect(report.violations).toEqual([])
  },
)
