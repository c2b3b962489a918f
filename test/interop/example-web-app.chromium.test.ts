import { execFileSync } from 'node:child_process'
import axe, { type AxeResults } from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launch } from '../pages/browser.ts'
import { root, startExample, type RunningExample } from './example.ts'

let example: RunningExample
let browser: Browser

beforeAll(async () => {
  ;[example, browser] = await Promise.all([startExample('web-app'), launch()])
})
afterAll(async () => {
  await browser?.close()
  await example?.close()
})

async function signIn(tab: Page): Promise<void> {
  await tab.goto(example.urls['web-app'])
  await tab.click('#sign-in')
  await tab.fill('#sign-in [name=username]', example.person.username)
  await tab.fill('#sign-in [name=password]', example.person.password)
  await tab.click('#sign-in [type=submit]')
}

async function seriousFaults(tab: Page): Promise<string[]> {
  await tab.evaluate(axe.source)
  const { violations } = await tab.evaluate<AxeResults>('axe.run(document)')
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)
}

describe('examples/web-app in Chromium', () => {
  test('says who to sign in as, and nobody else learns the password', () => {
    expect(example.said()).toContain(`maria   password ${example.person.password}`)
    expect(example.said().split(example.person.password)).toHaveLength(2)
  })

  // In this order: a consent that was given is remembered.
  test('a denied consent is told kindly', async () => {
    const context = await browser.newContext()
    const tab = await context.newPage()
    tab.setDefaultTimeout(15_000)
    await tab.goto(example.urls['web-app'])
    await signIn(tab)
    await tab.click('#consent [value=deny]')
    expect(await tab.textContent('h1')).toBe('Not signed in')
    expect(await tab.textContent('main')).toContain('access_denied')
    await context.close()
  })

  test('what was unticked at the consent page is refused by the API', async () => {
    const context = await browser.newContext()
    const tab = await context.newPage()
    tab.setDefaultTimeout(15_000)
    await signIn(tab)
    await tab.uncheck('#consent [value="door:open"]')
    await tab.click('#consent [value=allow]')
    await tab.click('#open-door')
    expect(await tab.textContent('#status')).toBe('403')
    await context.close()
  })

  test('signs in, calls both APIs, renews its tokens and signs out at both', async () => {
    const context = await browser.newContext({ viewport: { width: 1000, height: 900 } })
    const tab = await context.newPage()
    tab.setDefaultTimeout(15_000)
    await signIn(tab)
    // RFC 8707: the consent page says which API each permission is for.
    expect(await tab.textContent('#consent')).toContain('Front door')
    await tab.click('#consent [value=allow]')
    await tab.waitForSelector('#person')
    expect(await tab.textContent('#person')).toBe('Maria Lind')
    expect(await tab.textContent('main')).toContain('maria@example.org')

    await tab.fill('[name=text]', 'Feed the <cat>')
    await tab.click('#add-note')
    expect(await tab.textContent('#status')).toBe('200')
    // The name came with the token: the API asked nobody for it.
    expect(JSON.parse((await tab.textContent('#answer')) ?? '')).toMatchObject({
      owner: 'maria',
      notes: [{ text: 'Feed the <cat>' }],
    })
    await tab.click('#open-door')
    expect(JSON.parse((await tab.textContent('#answer')) ?? '')).toMatchObject({ door: 'open' })
    expect(await seriousFaults(tab)).toEqual([])
    await tab.click('#refresh')
    expect(await tab.textContent('dl')).toContain('just now')
    await tab.click('#read-notes')
    expect(await tab.textContent('#answer')).toContain('Feed the <cat>')

    await tab.click('#sign-out')
    await tab.waitForSelector('a#sign-in')
    await tab.goto(`${example.issuer}/account`)
    expect(tab.url()).toContain('/signin')
    await context.close()
  })

  test('when an administrator ends all tokens of the person, the app asks for a new sign-in', async () => {
    const context = await browser.newContext()
    const tab = await context.newPage()
    tab.setDefaultTimeout(15_000)
    await signIn(tab)
    await tab.waitForSelector('#person')
    await tab.click('#read-notes')
    expect(await tab.textContent('#status')).toBe('200')
    const command = ['user', 'revoke-tokens', 'maria', '--config', `${example.home}/gatehouse.yaml`]
    execFileSync(process.execPath, ['bin/gatehouse', ...command], { cwd: root, stdio: 'ignore' })
    await tab.click('#refresh')
    await tab.waitForSelector('a#sign-in')
    await tab.click('a#sign-in')
    await tab.waitForSelector('#sign-in [name=password]')
    await context.close()
  })
})
