import type { Browser, Page as Tab } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { expectNoSecret } from '../attacks/support.ts'
import { startSite, type Site } from '../emulators/site.ts'
import { authorizeUrl, tokenRequest, verifier } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { readProvider } from '../upstream/house.ts'
import { launch, serve } from './browser.ts'

// System C: a forum whose only interface is a login API, with people who read German, in a real browser.

const secret = 'ein Geheimnis im Forum'
const week = 604_800
let site: Site
let server: TestGatehouse
let app: MadeClient
let target: Awaited<ReturnType<typeof serve>>
let chromium: Browser
let tab: Tab

beforeAll(async () => {
  site = await startSite()
  site.accounts.set('Erna', { password: secret, userId: '1' })
  site.accounts.set('Gesperrt', { password: secret, userId: '2', locked: true })
  const forum = readProvider({
    name: 'forum',
    preset: 'site-login',
    title: 'Das Forum',
    issuer: 'https://forum.example',
    login_endpoint: `${site.url}/auth/login`,
    session_endpoint: `${site.url}/auth/session`,
    session_lengths: [86_400, 3600, week],
    sign_in: 'create',
    allow_insecure: true,
  })
  server = await startGatehouse({ config: { providers: [forum] } })
  target = await serve(() => ({ status: 200, headers: [['content-type', 'text/html']], body: '<p id="app">app' }))
  app = await server.makeClient({ redirect_uris: [`${target.origin}/cb`], scope: 'openid profile' })
  chromium = await launch()
})
afterAll(async () => {
  await chromium?.close()
  await Promise.all([server?.close(), site?.close(), target?.stop()])
})
beforeEach(async () => {
  site.broken = undefined
  const context = await chromium.newContext({ locale: 'de-DE' })
  tab = await context.newPage()
  return () => context.close()
})

async function fill(username: string, theirs: string): Promise<void> {
  await tab.fill('#sign-in [name=username]', username)
  await tab.fill('#sign-in [name=password]', theirs)
  await tab.click('#sign-in button[type=submit]')
}

const words = async (): Promise<string> => (await tab.textContent('main'))?.replace(/\s+/g, ' ') ?? ''
const cookie = async (name: string) => (await tab.context().cookies(server.url)).find((one) => one.name.endsWith(name))

test('von der Anwendung zum Forum und zurück: Länge der Sitzung, Name, Zustimmung, Token', async () => {
  await tab.goto(server.url + authorizeUrl(app, { redirect_uri: `${target.origin}/cb`, scope: 'openid profile' }))
  expect(await tab.getAttribute('html', 'lang')).toBe('de')
  await tab.click('[data-provider=forum]')
  expect(await words()).toContain('Passwort bei Das Forum')
  const lengths = await tab.locator('[name=session_length] option').allTextContents()
  expect(lengths).toEqual(['1 Tag', '1 Stunde', '7 Tage'])
  expect(await tab.inputValue('[name=session_length]')).toBe('86400')
  await tab.selectOption('[name=session_length]', String(week))
  await fill('Erna', secret)
  await tab.waitForSelector('#create-account')
  expect(await tab.inputValue('#create-account [name=username]')).toBe('Erna')
  await tab.click('#create-account button[type=submit]')
  await tab.click('#consent button[name=decision][value=allow]')
  await tab.waitForSelector('#app')

  expect(JSON.parse(site.askedAt('/auth/login').at(-1)?.body ?? '')).toMatchObject({ lifetime: week })
  // It outlives the browser, as was chosen, and no longer than that.
  const lasts = ((await cookie('gatehouse-session'))?.expires ?? 0) - Date.now() / 1000
  expect(Math.abs(lasts - week)).toBeLessThan(120)
  const code = new URL(tab.url()).searchParams.get('code') ?? ''
  const answer = await tokenRequest(server, app, { grant_type: 'authorization_code', code, code_verifier: verifier })
  expect(answer.status, answer.text).toBe(200)
  const me = await fetch(`${server.url}/oauth/userinfo`, {
    headers: { authorization: `Bearer ${String(answer.json()['access_token'])}` },
  })
  expect(await me.json()).toMatchObject({ preferred_username: 'Erna' })
  // Neither the password nor the forum's cookie is anywhere that a script, a log or an application could see it.
  const seen = { text: `${await tab.content()} ${JSON.stringify(await tab.context().cookies())} ${answer.text}` }
  await expectNoSecret(server, [secret, 'forum-cookie-of-Erna'], [seen])
})

test('auf der Kontoseite hinzugefügt und wieder entfernt', async () => {
  site.accounts.set('Frieda', { password: secret, userId: '3' })
  await server.makeUser('frieda-hier')
  await tab.goto(`${server.url}/signin`)
  await fill('frieda-hier', password)
  await tab.waitForURL('**/account')
  await tab.goto(`${server.url}/account/identities`)
  await tab.click('#link-forum button')
  await tab.waitForSelector('#site-login')
  expect(await words()).toContain('Das Forum hinzufügen')
  await tab.fill('#site-login [name=username]', 'Frieda')
  await tab.fill('#site-login [name=password]', 'falsch')
  await tab.click('#site-login button[type=submit]')
  await tab.waitForSelector('#problem')
  // Another language is the same page, and what was typed there is gone with it.
  await tab.click('a[hreflang=en]')
  await tab.waitForSelector('html[lang=en] #site-login')
  await tab.click('a[hreflang=de]')
  await tab.waitForSelector('html[lang=de] #site-login')
  await tab.fill('#site-login [name=username]', 'Frieda')
  await tab.fill('#site-login [name=password]', secret)
  await tab.click('#site-login button[type=submit]')
  await tab.waitForSelector('#unlink-forum')
  expect(await words()).toContain('Dort sind SieFrieda')
  await tab.click('#unlink-forum button')
  await tab.waitForSelector('#link-forum')
  expect(await words()).toContain('Sie haben keines hinzugefügt')
})

test('one hour is one of this browser alone', async () => {
  await tab.goto(`${server.url}/signin/with/forum`)
  await tab.selectOption('[name=session_length]', '3600')
  await fill('Erna', secret)
  await tab.waitForURL('**/account')
  expect((await cookie('gatehouse-session'))?.expires).toBe(-1)
})

describe('was nicht geht, wird gesagt', () => {
  beforeEach(() => tab.goto(`${server.url}/signin/with/forum`).then(() => undefined))

  test('falsches Passwort: der Name bleibt stehen, das Passwort nicht', async () => {
    await fill('Erna', 'falsch')
    await tab.waitForSelector('#problem')
    expect(await words()).toContain('passen nicht zusammen')
    expect([await tab.inputValue('[name=username]'), await tab.inputValue('[name=password]')]).toEqual(['Erna', ''])
    expect(await tab.getAttribute('[name=password]', 'aria-invalid')).toBe('true')
    await fill('Erna', secret)
    await tab.waitForURL('**/account')
  })

  test('gesperrtes Konto', async () => {
    await fill('Gesperrt', secret)
    await tab.waitForSelector('#problem')
    expect(await words()).toContain('ist gesperrt')
  })

  test('das Forum antwortet nicht: dieselbe Seite, und danach geht es wieder', async () => {
    site.broken = { status: 502, text: 'Bad Gateway' }
    await fill('Erna', secret)
    await tab.waitForSelector('#problem')
    expect(await words()).toContain('antwortet im Moment nicht')
    site.broken = undefined
    await fill('Erna', secret)
    await tab.waitForURL('**/account')
  })

  test('zu viele Versuche: erst warten, und das Forum hört nichts mehr davon', async () => {
    for (let tries = 0; tries < 11; tries += 1) {
      await fill('jemand', 'geraten')
      await tab.waitForSelector('#problem')
    }
    expect(await words()).toMatch(/Zu viele Versuche|Warten Sie|Minute/)
    const before = site.askedAt('/auth/login').length
    await fill('jemand', 'geraten')
    await tab.waitForSelector('#problem')
    expect(site.askedAt('/auth/login')).toHaveLength(before)
  })
})
