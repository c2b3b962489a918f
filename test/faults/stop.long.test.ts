import { expect, test } from 'vitest'
import { printReport, runCampaign } from './ledger/campaign.ts'
import { gracefulStop } from './stop.ts'

const stops = 50

test(`FLT-25: ${stops} stops under load of the whole server, no failed request, exit 0`, async () => {
  const problems: string[] = []
  const report = await runCampaign({
    rounds: stops,
    seed: 26,
    fault: gracefulStop(problems),
    untilFault: (dice) => 100 + dice.below(700),
  })
  console.log(`FLT-25: ${printReport(report)}`)
  expect([...problems, ...report.violations]).toEqual([])
})
