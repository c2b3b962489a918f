import { expect, test } from 'vitest'
import { crashInRefreshWindow } from './vault-crash.ts'

const wanted = Number(process.env['GATEHOUSE_WINDOWS'] ?? 300)

test(`FLT-29, INV6: ${wanted} refreshes killed between the provider's answer and our commit leave no silently dead connection`, async () => {
  const report = await crashInRefreshWindow(wanted)
  console.log(`FLT-29: ${JSON.stringify(report)}`)
  expect(report.violations).toEqual([])
  expect(report.inWindow).toBeGreaterThanOrEqual(wanted)
})
