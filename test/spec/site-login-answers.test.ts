import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSite, type Site } from '../emulators/site.ts'
import { createBrowser, type Answer } from '../kit/browser.ts'
import { submit } from '../kit/flow.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { readProvider } from '../upstream/house.ts'

// A site whose login API answers 200 to everybody, and says in its JSON what it means.

const secret = 'ein Geheimnis im Forum'
let site: Site
let server: TestGatehouse
beforeAll(async () => {
  site = await startSite()
  site.tellsBy = 'answer'
  const entry = (name: string, more: object = {}) =>
    readProvider({
      name,
      preset: 'site-login',
      issuer: `https://${name}.example`,
      login_endpoint: `${site.url}/auth/login`,
      session_endpoint: `${site.url}/auth/session`,
      sign_in: 'create',
      allow_insecure: true,
      ...more,
    })
  const described = {
    wrong_when: { at: '/error/code', is: ['LOGIN_WRONG', 'LOGIN_UNKNOWN'] },
    locked_when: { at: '/error/code', is: 'LOGIN_LOCKED' },
  }
  server = await startGatehouse({
    config: {
      providers: [
        entry('forum', described),
        entry('undescribed'),
        entry('both', { ...described, wrong_when: { at: '/success', is: false } }),
        entry('contrary', { locked_when: { at: '/statusCode', is: 401 } }),
      ],
    },
  })
  site.accounts.set('Erna', { password: secret, userId: '5' })
  site.accounts.set('Gesperrt', { password: secret, userId: '99', locked: true })
})
afterAll(() => Promise.all([server.close(), site.close()]))

async function logIn(name: string, username: string, password: string): Promise<Answer> {
  const browser = createBrowser(server.url)
  return submit(browser, await browser.ask(`/signin/with/${name}`), 'sign-in', { username, password })
}

describe('a login API that says no under status 200', () => {
  it('tells a wrong password and a locked account by what its answer holds', async () => {
    const wrong = await logIn('forum', 'Erna', 'guessed')
    const locked = await logIn('forum', 'Gesperrt', secret)
    expect([wrong.status, wrong.text.includes('That username and password')]).toEqual([403, true])
    expect([locked.status, locked.text.includes('is locked')]).toEqual([403, true])
    expect((await logIn('forum', 'Erna', secret)).status).toBe(303)
  })

  it('tells a locked account first, where what it says of a wrong password fits that too', async () => {
    const locked = await logIn('both', 'Gesperrt', secret)
    expect([locked.status, locked.text.includes('is locked')]).toEqual([403, true])
    expect((await logIn('both', 'Erna', 'guessed')).text).toContain('That username and password')
  })

  it('lets nobody in whose id there is longer than any (OIDC Core §2)', async () => {
    for (const [length, status] of [
      [255, 303],
      [256, 503],
    ] as const) {
      site.accounts.set('Lang', { password: secret, userId: '1'.repeat(length) })
      expect((await logIn('forum', 'Lang', secret)).status).toBe(status)
    }
  })

  it('says by its answer what no status says, which is looked at afterwards', async () => {
    site.tellsBy = 'status'
    const locked = await logIn('contrary', 'Erna', 'guessed')
    site.tellsBy = 'answer'
    expect([locked.status, locked.text.includes('is locked')]).toEqual([403, true])
  })

  it.each([
    ['whose entry knows its words', 'forum', 403],
    ['whose entry does not', 'undescribed', 503],
  ])('H03: %s: guesses are counted, and the site hears no more of them', async (_which, name, status) => {
    const statuses: number[] = []
    for (let guess = 0; guess < 12; guess += 1) statuses.push((await logIn(name, 'victim', 'guessed')).status)
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => status), 429, 429])
    const before = site.asked.length
    expect((await logIn(name, 'victim', secret)).status).toBe(429)
    expect(site.asked).toHaveLength(before)
  })

  it('a site that is down, or is asked too often, counts nobody’s attempt', async () => {
    for (const broken of [{ status: 502, text: 'Bad Gateway' }, { status: 429, json: {} }, { hangUp: true }]) {
      site.broken = broken
      for (let attempt = 0; attempt < 11; attempt += 1)
        expect((await logIn('forum', 'patient', secret)).status).toBe(503)
    }
    site.broken = undefined
  })
})
