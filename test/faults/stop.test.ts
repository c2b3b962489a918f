import { expect, test } from 'vitest'
import { printReport, runCampaign } from './ledger/campaign.ts'
import { gracefulStop } from './stop.ts'

test('FLT-25: two stops under load, no failed request, exit 0', { timeout: 240_000 }, async () => {
  const problems: string[] = []
  const report = await runCampaign({
    rounds: 2,
    seed: 25,
    fault: gracefulStop(problems),
    untilFault: (dice) => 300 + dice.below(500),
  })
  console.log(`FLT-25: ${printReport(report)}`)
  expect([...problems, ...report.violations]).toEqual([])
})
