import { mkdirSync } from 'node:fs'
import axe from 'axe-core'
import type { AxeResults } from 'axe-core'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { launch, noBrowser } from './browser.ts'

let server: TestGatehouse
let browser: Browser
beforeAll(async () => {
  if (noBrowser !== false) return
  server = await startGatehouse({ config: { users: { registration: 'open' } } })
  browser = await launch()
})
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

/** Where pictures go, for whoever wants to look at them. */
const pictures = process.env['PICTURES']

describe.skipIf(noBrowser !== false)('the bar under a new password', () => {
  test.each([
    ['en', 'light', 1280, 'Guessed at once', 'Good'],
    ['de', 'dark', 320, 'Sofort erraten', 'Gut'],
  ] as const)('says while one types how good it is: %s, %s, %d wide', async (locale, colorScheme, width, bad, good) => {
    const context = await browser.newContext({ locale, colorScheme, viewport: { width, height: 900 } })
    try {
      const tab = await context.newPage()
      const complaints: string[] = []
      tab.on('console', (line) => complaints.push(line.text()))
      tab.on('pageerror', (error) => complaints.push(error.message))
      await tab.goto(`${server.url}/register`)
      const bar = tab.locator('#strength')
      expect(await bar.isVisible()).toBe(false)
      await tab.fill('#username', 'lovelaceada')
      await tab.fill('#new_password', 'passwordpassword')
      await bar.getByText(bad).waitFor()
      expect(await bar.locator('li').count()).toBeGreaterThan(0)
      expect(await tab.evaluate("document.querySelector('#strength meter').value")).toBe(1)
      if (pictures !== undefined) {
        mkdirSync(pictures, { recursive: true })
        await tab.screenshot({ path: `${pictures}/strength-${locale}-${colorScheme}-${width}.png`, fullPage: true })
      }
      await tab.evaluate(axe.source)
      const { violations } = await tab.evaluate<AxeResults>('axe.run()')
      expect(violations.map(({ id }) => id)).toEqual([])
      // What belongs to the account counts, as it will when the form is sent.
      await tab.fill('#new_password', 'lovelaceada1815')
      await bar.getByText(/this account|diesem Konto/).waitFor()
      await tab.fill('#new_password', 'grüne Möwen fahren Kahn')
      await bar.getByText(good, { exact: true }).waitFor()
      expect(await bar.locator('li').count()).toBe(0)
      await tab.fill('#new_password', '')
      await bar.waitFor({ state: 'hidden' })
      expect(complaints).toEqual([])
    } finally {
      await context.close()
    }
  })

  test('without JavaScript it comes back with a password that is refused', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false })
    try {
      const tab = await context.newPage()
      await tab.goto(`${server.url}/register`)
      await tab.fill('#username', 'grace')
      await tab.fill('#new_password', 'qwertyuiop12')
      await tab.fill('#repeat_password', 'qwertyuiop12')
      await tab.click('#register button')
      expect(await tab.locator('#strength').isVisible()).toBe(true)
      expect(await tab.locator('#strength li').count()).toBeGreaterThan(0)
    } finally {
      await context.close()
    }
  })
})
