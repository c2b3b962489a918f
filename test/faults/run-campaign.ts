// npm run faults:kill -- [--kills N] [--seed S] [--power-loss]: the same as the test, for as long as one likes.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { kill, printReport, runCampaign } from './ledger/campaign.ts'
import { powerLoss } from './power-loss.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    'power-loss': { type: 'boolean', default: false },
  },
})
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-faults-'))
try {
  const report = await runCampaign({
    rounds: Number(values.kills),
    seed: Number(values.seed),
    fault: values['power-loss'] ? powerLoss(folder) : kill,
    interruptedStarts: values['power-loss'] ? 0 : 0.05,
    onRound: (round, violations) => {
      if (round % 50 === 0) console.log(`${round} of ${values.kills}, ${violations} violations`)
    },
  })
  console.log(printReport(report))
  if (report.violations.length > 0) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
