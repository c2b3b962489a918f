import axe from 'axe-core'
import type { AxeResults } from 'axe-core'
import type { Browser, BrowserContext, Page as Tab } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findFactors } from '../../src/accounts/find-factors.ts'
import { authorizeUrl } from '../kit/flow.ts'
import { password, startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { launch, noBrowser } from '../pages/browser.ts'

let server: TestGatehouse
let browser: Browser
beforeAll(async () => {
  server = await startGatehouse()
  await server.makeClient()
  if (noBrowser === false) browser = await launch()
})
afterAll(async () => {
  await browser?.close()
  await server.close()
})

/** A tab with an authenticator of the DevTools' own, which verifies its person without a finger. */
async function open(context: BrowserContext): Promise<{ tab: Tab; complaints: string[] }> {
  const tab = await context.newPage()
  tab.setDefaultTimeout(10_000)
  const complaints: string[] = []
  tab.on('console', (line) => (line.type() === 'error' ? complaints.push(line.text()) : undefined))
  tab.on('pageerror', (error) => complaints.push(error.message))
  const devTools = await context.newCDPSession(tab)
  await devTools.send('WebAuthn.enable')
  await devTools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return { tab, complaints }
}

async function axeFinds(tab: Tab): Promise<readonly string[]> {
  await tab.emulateMedia({ reducedMotion: 'reduce' })
  // Not by an element, which the policy would refuse.
  await tab.evaluate(axe.source)
  const found: string[] = []
  for (const colorScheme of ['light', 'dark'] as const) {
    await tab.emulateMedia({ colorScheme })
    const { violations } = await tab.evaluate<AxeResults>('axe.run(document)')
    found.push(...violations.map(({ id, nodes }) => `${colorScheme} ${id}: ${nodes[0]?.html}`))
  }
  return found
}

async function sendPassword(tab: Tab, username: string): Promise<void> {
  await tab.fill('#sign-in [name=username]', username)
  await tab.fill('#sign-in [name=password]', password)
  await tab.click('#sign-in [type=submit]')
}

describe.skipIf(noBrowser !== false)('passkeys in Chromium', () => {
  test('made on the account page, they sign in by themselves and after a password', async () => {
    const user = await server.makeUser('ada')
    const context = await browser.newContext({ viewport: { width: 360, height: 740 } })
    const { tab, complaints } = await open(context)
    await tab.goto(`${server.url}/signin`)
    await sendPassword(tab, 'ada')
    await tab.waitForURL('**/account')

    await tab.goto(`${server.url}/account/passkeys`)
    expect(await axeFinds(tab)).toEqual([])
    await tab.fill('#add-passkey [name=name]', 'This browser')
    await tab.keyboard.press('Enter')
    await tab.waitForSelector('#codes')
    expect(await tab.locator('#codes li').count()).toBe(10)
    await tab.click('#onwards')
    expect((await findFactors(server.core, user.userId))?.passkeys).toMatchObject([{ name: 'This browser' }])

    // By itself, without a name, to an application.
    const signOut = async (): Promise<void> => {
      await tab.goto(`${server.url}/oauth/logout`)
      await tab.click('#sign-out button')
      await tab.waitForSelector('h1')
    }
    await signOut()
    await tab.goto(`${server.url}${authorizeUrl({ clientId: 'app' }, { acr_values: 'mfa' })}`)
    expect(await axeFinds(tab)).toEqual([])
    await tab.click('#passkey button')
    await tab.waitForSelector('#consent')
    expect((await findFactors(server.core, user.userId))?.passkeys?.[0]?.counter).toBeGreaterThan(0)

    // After the password.
    await signOut()
    await tab.goto(`${server.url}/signin`)
    await sendPassword(tab, 'ada')
    await tab.waitForSelector('#one-time-code')
    expect(await axeFinds(tab)).toEqual([])
    await tab.click('#passkey button')
    await tab.waitForURL('**/account')

    // Nothing of this scrolls sideways on a telephone, and the policy refused nothing.
    expect(await tab.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true)
    expect(complaints).toEqual([])
    await context.close()
  })

  test('a device that says no leaves the page as it was, with a word', async () => {
    const context = await browser.newContext()
    const { tab } = await open(context)
    await tab.goto(`${server.url}/signin`)
    // It knows no passkey of this server.
    await tab.click('#passkey button')
    await tab.waitForSelector('#passkey [data-problem]:visible')
    expect(new URL(tab.url()).pathname).toBe('/signin')
    await context.close()
  })

  test('without JavaScript there is no button that does nothing', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false })
    const tab = await context.newPage()
    await tab.goto(`${server.url}/signin`)
    expect(await tab.isVisible('#passkey')).toBe(false)
    expect(await tab.isVisible('#sign-in')).toBe(true)
    await context.close()
  })
})
