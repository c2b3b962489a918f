import { expect, test } from 'vitest'
import { crashInRefreshWindow, printCrashes } from './vault-crash.ts'

const rounds = Number(process.env['GATEHOUSE_WINDOWS'] ?? 50)
const seed = Number(process.env['GATEHOUSE_SEED'] ?? 1)

test(`FLT-29, INV6: ${rounds} kills between the provider's answer and our commit leave no silently dead connection`, async () => {
  const report = await crashInRefreshWindow({ rounds, firstRound: 0, seed })
  console.log(printCrashes(report))
  expect(report.violations).toEqual([])
  expect(report.struck).toBe(rounds)
})
