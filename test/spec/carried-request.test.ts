import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBrowser, errorOf, readForm } from '../kit/browser.ts'
import { authorizeUrl, claimsOf, follow, park, submit, tokenRequest, verifier } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { stateOf } from '../attacks/support.ts'

let server: TestGatehouse
let app: MadeClient
beforeAll(async () => {
  server = await startGatehouse()
  app = await server.makeClient()
  await server.makeUser('ada')
})
afterAll(() => server.close())

const browserCookie = 'gatehouse-browser'

describe('the sign-in page is the answer to an authorization request that finds nobody signed in', () => {
  test('nothing is stored for whoever asks, however often; the page comes again at the same address', async () => {
    const before = await stateOf(server)
    const browser = createBrowser(server.url)
    const first = await browser.ask(authorizeUrl(app))
    const known = browser.cookies.get(browserCookie)
    const second = await browser.ask(authorizeUrl(app))
    expect([first.status, second.status]).toEqual([200, 200])
    expect(first.headers.get('cache-control')).toBe('no-store')
    expect(browser.cookies.get(browserCookie)).toBe(known)
    expect(await stateOf(server)).toEqual(before)
    // Both pages are good: the person answers the one that he sees.
    const done = await follow(server, browser, await submit(browser, first, 'sign-in', { username: 'ada', password }))
    const asked = await follow(server, browser, await submit(browser, done, 'consent', { decision: 'allow' }))
    expect(asked.location).toContain('code=')
  })

  test('a wrong password shows it again, and the right one goes on to tokens with what was asked', async () => {
    const browser = createBrowser(server.url)
    const page = await browser.ask(authorizeUrl(app, { nonce: 'n-7', state: 's-7', prompt: 'consent' }))
    const again = await submit(browser, page, 'sign-in', { username: 'ada', password: 'wrong wrong' })
    expect(again.status).toBe(403)
    const consent = await follow(
      server,
      browser,
      await submit(browser, again, 'sign-in', { username: 'ada', password }),
    )
    const back = new URL((await submit(browser, consent, 'consent', { decision: 'allow' })).location ?? '')
    expect(back.searchParams.get('state')).toBe('s-7')
    const tokens = await tokenRequest(server, app, {
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      code_verifier: verifier,
    })
    expect(claimsOf(String(tokens.json()['id_token']))['nonce']).toBe('n-7')
  })

  test('G03: after sign-in the carried request is worth nothing, and what it became is used up once', async () => {
    const browser = createBrowser(server.url)
    const page = await browser.ask(authorizeUrl(app, { prompt: 'consent' }))
    const consent = await follow(server, browser, await submit(browser, page, 'sign-in', { username: 'ada', password }))
    expect((await submit(browser, page, 'sign-in', { username: 'ada', password })).status).toBe(403)
    const carried = String(readForm(page.text, 'sign-in').fields['interaction'])
    expect(errorOf((await browser.ask(`/signin?interaction=${carried}`)).text)).toBe('interaction_expired')
    expect((await submit(browser, consent, 'consent', { decision: 'allow' })).location).toContain('code=')
    expect((await submit(browser, consent, 'consent', { decision: 'allow' })).status).toBe(400)
  })

  test('its form counts for that request alone', async () => {
    const browser = createBrowser(server.url)
    const one = readForm((await browser.ask(authorizeUrl(app, { state: '1' }))).text, 'sign-in')
    const other = readForm((await browser.ask(authorizeUrl(app, { state: '2' }))).text, 'sign-in')
    const form = { ...one.fields, interaction: String(other.fields['interaction']), username: 'ada', password }
    expect(errorOf((await browser.ask('/signin', { form })).text)).toBe('access_denied')
  })

  test('it waits ten minutes', async () => {
    const browser = createBrowser(server.url)
    const page = await browser.ask(authorizeUrl(app))
    const carried = String(readForm(page.text, 'sign-in').fields['interaction'])
    server.clock.advance(598)
    expect((await submit(browser, page, 'sign-in', { username: 'ada', password: 'wrong wrong' })).status).toBe(403)
    server.clock.advance(2)
    const shown = await browser.ask(`/signin?interaction=${carried}`)
    const sent = await submit(browser, page, 'sign-in', { username: 'ada', password })
    expect([shown.status, sent.status]).toEqual([400, 400])
    expect([errorOf(shown.text), errorOf(sent.text)]).toEqual(['interaction_expired', 'interaction_expired'])
    expect(browser.cookies.has('gatehouse-session')).toBe(false)
  })

  test('a request too long to carry is parked, as is one that came by POST', async () => {
    const browser = createBrowser(server.url)
    const long = await browser.ask(authorizeUrl(app, { state: 'x'.repeat(2_000) }))
    expect(long.location).toMatch(/^\/signin\?interaction=[\w-]{34}$/)
    const page = await park(server, browser, authorizeUrl(app))
    expect(readForm(page.text, 'sign-in').fields['interaction']).toMatch(/^[\w-]{34}$/)
  })
})
