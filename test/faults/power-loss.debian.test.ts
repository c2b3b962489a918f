import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { printReport, runCampaign } from './ledger/campaign.ts'
import { powerLoss } from './power-loss.ts'

const rounds = 100
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-power-loss-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test(
  `FLT-02: ${rounds} power cuts, each with all that was not synced lost or torn, lose nothing that was acknowledged`,
  { timeout: 20 * 60_000 },
  async () => {
    const report = await runCampaign({
      rounds,
      seed: Number(process.env['GATEHOUSE_SEED'] ?? 2),
      fault: powerLoss(folder),
      untilFault: (dice) => 50 * 20 ** dice.fraction(),
      roundsPerDirectory: 25,
    })
    console.log(`FLT-02: ${printReport(report)}`)
    expect(report.violations).toEqual([])
  },
)
