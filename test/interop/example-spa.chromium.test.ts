import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launch } from '../pages/browser.ts'
import { startExample, type RunningExample } from './example.ts'

let example: RunningExample
let browser: Browser

beforeAll(async () => {
  ;[example, browser] = await Promise.all([startExample('spa'), launch()])
})
afterAll(async () => {
  await browser?.close()
  await example?.close()
})

describe('examples/spa in Chromium', () => {
  test('signs in, calls the API across origins, renews its token and signs out', async () => {
    const context = await browser.newContext()
    const tab = await context.newPage()
    tab.setDefaultTimeout(15_000)
    const complaints: string[] = []
    tab.on('console', (line) => (line.type() === 'error' ? complaints.push(line.text()) : undefined))
    tab.on('pageerror', (error) => complaints.push(error.message))
    await tab.goto(example.urls.spa)
    await tab.click('#sign-in')
    await tab.fill('#sign-in [name=username]', example.person.username)
    await tab.fill('#sign-in [name=password]', example.person.password)
    await tab.click('#sign-in [type=submit]')
    await tab.click('#consent [value=allow]')
    await tab.waitForSelector('#person:has-text("Maria Lind")')
    // The code doesn't stay in the address.
    expect(new URL(tab.url()).search).toBe('')

    await tab.fill('#text', 'Feed the <cat>')
    await tab.click('#new-note button')
    await tab.waitForSelector('#list li')
    expect(await tab.textContent('#list li')).toBe('Feed the <cat>')
    const token = () => tab.evaluate<string>("JSON.parse(Object.values(sessionStorage)[0] ?? '{}').access_token")
    const before = await token()
    await tab.click('#renew')
    await expect.poll(token).not.toBe(before)
    // The notes are the API's, so they are there again after a reload.
    await tab.reload()
    await tab.waitForSelector('#list li:has-text("cat")')

    await tab.click('#sign-out')
    await tab.waitForSelector('#sign-in')
    expect(await tab.evaluate<number>('Object.keys(sessionStorage).length')).toBe(0)
    expect(complaints).toEqual([])
    await context.close()
  })

  test('a denied consent is told, and the page goes on', async () => {
    const context = await browser.newContext()
    const tab = await context.newPage()
    tab.setDefaultTimeout(15_000)
    await tab.goto(example.urls.spa)
    await tab.click('#sign-in')
    await tab.fill('#sign-in [name=username]', example.person.username)
    await tab.fill('#sign-in [name=password]', example.person.password)
    await tab.click('#sign-in [type=submit]')
    await tab.click('#consent [value=deny]')
    await tab.waitForSelector('#problem:has-text("Not signed in")')
    await tab.waitForSelector('#sign-in')
    await context.close()
  })
})
