import type { Browser, BrowserContext, Page as Tab } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { authorizeUrl } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { launch, serve, type Site } from '../pages/browser.ts'
import { stateOf, changed } from './support.ts'

let server: TestGatehouse
let app: MadeClient
let browser: Browser
/** On another site than the server: 127.0.0.1 and localhost share nothing. */
let evil: Site
let evilPage = ''

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('lovelace')
  evil = await serve(() => ({ status: 200, headers: [['content-type', 'text/html; charset=utf-8']], body: evilPage }))
  app = await server.makeClient({
    redirect_uris: [`${evil.origin}/cb`],
    scope: 'openid',
    client_name: '"><svg onload=alert(1)>',
  })
  browser = await launch()
})
afterAll(async () => {
  await browser?.close()
  await evil?.stop()
  await server?.close()
})

async function inBrowser(work: (tab: Tab, context: BrowserContext) => Promise<void>): Promise<void> {
  const context = await browser.newContext()
  try {
    const tab = await context.newPage()
    const dialogs: string[] = []
    tab.on('dialog', (dialog) => {
      dialogs.push(dialog.message())
      void dialog.dismiss()
    })
    await work(tab, context)
    expect(dialogs, 'what ran of what was injected').toEqual([])
  } finally {
    await context.close()
  }
}

async function signIn(tab: Tab): Promise<void> {
  await tab.goto(`${server.url}/signin`)
  await tab.fill('#sign-in [name=username]', 'lovelace')
  await tab.fill('#sign-in [name=password]', password)
  await tab.click('#sign-in button[type=submit]')
  await tab.waitForURL('**/account')
}

/** A page of the attacker that sends itself as soon as it is looked at. */
function autoForm(action: string, fields: Readonly<Record<string, string>>): string {
  const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`)
  return `<!doctype html><form action="${action}" method="post">${inputs.join('')}</form><script>document.forms[0].submit()</script>`
}

const url = () => authorizeUrl(app, { redirect_uri: `${evil.origin}/cb`, scope: 'openid' })

test('G02 login-CSRF: a form of another site signs nobody in, with the browser cookie at hand or not', () =>
  inBrowser(async (tab, context) => {
    for (const before of [async () => {}, async () => void (await tab.goto(`${server.url}/signin`))]) {
      await before()
      const state = await stateOf(server)
      evilPage = autoForm(`${server.url}/signin`, { username: 'lovelace', password, csrf: 'x' })
      const answer = tab.waitForResponse(
        (response) => response.url() === `${server.url}/signin` && response.request().method() === 'POST',
      )
      await tab.goto(evil.origin).catch(() => undefined)
      expect((await answer).status()).toBe(403)
      await tab.waitForSelector('#error[data-error=access_denied]')
      expect((await context.cookies(server.url)).map(({ name }) => name)).not.toContain('gatehouse-session')
      expect(changed(state, await stateOf(server))).toEqual([])
    }
  }))

test('G05 logout-CSRF: an image, a frame and a form of another site sign nobody out', () =>
  inBrowser(async (tab) => {
    await signIn(tab)
    const state = await stateOf(server)
    evilPage = `<!doctype html><img src="${server.url}/oauth/logout"><iframe src="${server.url}/oauth/logout"></iframe>`
    await tab.goto(evil.origin, { waitUntil: 'load' })
    evilPage = autoForm(`${server.url}/oauth/logout`, { confirm: 'yes', csrf: 'x' })
    await tab.goto(evil.origin).catch(() => undefined)
    await tab.waitForURL('**/oauth/logout')
    expect(changed(state, await stateOf(server))).toEqual([])
    await tab.goto(`${server.url}/account`)
    expect(tab.url()).toBe(`${server.url}/account`)
  }))

test('B26, G07: with a live session no script of another site reads a page, framed or fetched', () =>
  inBrowser(async (tab) => {
    await signIn(tab)
    evilPage = '<!doctype html><p>evil'
    await tab.goto(evil.origin)
    const paths = [`${server.url}/account`, `${server.url}/signin`, `${server.url}${url()}`]
    for (const credentials of ['include', 'omit']) {
      const read = await tab.evaluate<string[]>(`Promise.all(${JSON.stringify(paths)}.map((at) =>
        fetch(at, { credentials: '${credentials}' }).then((answer) => answer.text(), () => 'refused')))`)
      expect(read, credentials).toEqual(paths.map(() => 'refused'))
    }
    await tab.evaluate(`new Promise((resolve) => {
      const frame = document.createElement('iframe')
      frame.src = ${JSON.stringify(`${server.url}/signin`)}
      frame.onload = resolve
      document.body.append(frame)
    })`)
    // What fills it is Chromium's own word for a page that won't be framed.
    const frame = tab.frames().find((one) => one !== tab.mainFrame())
    expect(await frame?.locator('#sign-in').count()).toBe(0)
  }))

test('G15 reflected-XSS: nothing injected runs on a live page', () =>
  inBrowser(async (tab) => {
    const payload = '"><svg onload=alert(1)><script>alert(1)</script>'
    await tab.goto(
      `${server.url}/signin?error=${encodeURIComponent(payload)}&error_description=${encodeURIComponent(payload)}`,
    )
    await tab.goto(`${server.url}/oauth/authorize?client_id=${encodeURIComponent(payload)}`)
    await tab.waitForSelector('#error')
    await tab.goto(`${server.url}${url()}&login_hint=${encodeURIComponent(payload)}`)
    expect(await tab.inputValue('[name=username]')).toBe(payload)
    await tab.fill('[name=username]', 'lovelace')
    await tab.fill('[name=password]', password)
    await tab.click('#sign-in button[type=submit]')
    await tab.waitForSelector('#consent')
    expect(await tab.locator('svg[onload]').count()).toBe(0)
    expect(await tab.textContent('main')).toContain('"><svg onload=alert(1)>')
    await tab.goto(
      `${server.url}${url()}&prompt=none&response_mode=form_post&state=${encodeURIComponent(payload)}`.replace(
        'state=a+state&',
        '',
      ),
    )
    await tab.waitForURL(`${evil.origin}/cb`)
  }))

test('G24 bfcache: after signing out, Back shows nothing of the account', () =>
  inBrowser(async (tab) => {
    await signIn(tab)
    expect(await tab.textContent('main')).toContain('lovelace')
    await tab.goto(`${server.url}/oauth/logout`)
    await tab.click('#sign-out button[type=submit]')
    await tab.waitForSelector('#signed-out')
    for (let steps = 0; steps < 3; steps += 1) {
      await tab.goBack().catch(() => null)
      expect(await tab.textContent('body')).not.toContain('lovelace')
      expect(await tab.locator('#sign-out').count()).toBe(0)
    }
    await tab.goto(`${server.url}/account`)
    expect(tab.url()).toBe(`${server.url}/signin`)
  }))
