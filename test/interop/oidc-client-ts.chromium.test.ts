import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { password, startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { launch, serve, type Site } from '../pages/browser.ts'

const library = readFileSync(
  join(
    dirname(createRequire(import.meta.url).resolve('oidc-client-ts/package.json')),
    'dist/browser/oidc-client-ts.js',
  ),
)

let server: TestGatehouse
let site: Site
let browser: Browser

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada', { email: 'ada@example.org' })
  // An application of another origin and of another site: every call of its script crosses both.
  site = await serve((request) =>
    request.url === '/oidc-client-ts.js'
      ? { status: 200, headers: [['content-type', 'text/javascript']], body: library.toString() }
      : { status: 200, headers: [['content-type', 'text/html']], body: page() },
  )
  await server.makeClient({
    client_id: 'spa',
    client_name: 'The Page',
    redirect_uris: [`${site.origin}/back`, `${site.origin}/popup`],
    post_logout_redirect_uris: [`${site.origin}/bye`],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
  })
  browser = await launch()
})
afterAll(async () => {
  await browser.close()
  await site.stop()
  await server.close()
})

function page(): string {
  const settings = {
    authority: server.url,
    client_id: 'spa',
    redirect_uri: `${site.origin}/back`,
    popup_redirect_uri: `${site.origin}/popup`,
    post_logout_redirect_uri: `${site.origin}/bye`,
    scope: 'openid profile email offline_access',
    loadUserInfo: true,
  }
  return `<!doctype html><meta charset="utf-8"><title>A page</title><link rel="icon" href="data:,">
    <script src="/oidc-client-ts.js"></script>
    <script>
      const person = new oidc.UserManager(${JSON.stringify(settings)})
      person.events.addSilentRenewError((error) => console.error(error))
      if (location.pathname === '/popup') person.signinPopupCallback()
    </script>`
}

type Seen = {
  readonly profile: Record<string, unknown>
  readonly access_token: string
  readonly refresh_token: string
  readonly expires_in: number
}

/** What the script of the page gets from one call of the library. */
async function ask(tab: Page, script: string): Promise<Seen> {
  return tab.evaluate<Seen>(
    `(async () => { const u = await ${script}; return u && { ...u, expires_in: u.expires_in } })()`,
  )
}

async function newTab(): Promise<{ context: BrowserContext; tab: Page; complaints: string[] }> {
  const context = await browser.newContext()
  const tab = await context.newPage()
  const complaints: string[] = []
  tab.on('console', (line) => (line.type() === 'error' ? complaints.push(line.text()) : undefined))
  tab.on('pageerror', (error) => complaints.push(error.message))
  await tab.goto(site.origin)
  return { context, tab, complaints }
}

/** A person on our pages. */
async function signIn(tab: Page): Promise<void> {
  await tab.fill('#sign-in [name=username]', 'ada')
  await tab.fill('#sign-in [name=password]', password)
  await tab.click('#sign-in [type=submit]')
  await tab.click('#consent [value=allow]')
}

describe('oidc-client-ts 3 in Chromium', () => {
  test('redirect: sign-in, userinfo across origins, renewal by refresh token, sign-out', async () => {
    const { context, tab, complaints } = await newTab()
    await tab.evaluate('void person.signinRedirect({ state: "kept" })')
    await tab.waitForURL(`${server.url}/oauth/authorize*`)
    await signIn(tab)
    await tab.waitForURL(`${site.origin}/back*`)
    const user = await ask(tab, 'person.signinRedirectCallback()')
    // `email` comes from userinfo alone: the library asked it with its token, from another origin.
    expect(user.profile).toMatchObject({ iss: server.url, preferred_username: 'ada', email: 'ada@example.org' })
    expect(user).toMatchObject({ token_type: 'Bearer', state: 'kept', scope: 'openid profile email offline_access' })

    const renewed = await ask(tab, 'person.signinSilent()')
    expect(renewed.access_token).not.toBe(user.access_token)
    expect(renewed.refresh_token).not.toBe(user.refresh_token)
    expect(renewed.profile['sub']).toBe(user.profile['sub'])
    expect(renewed.expires_in).toBeGreaterThan(890)

    await tab.evaluate('void person.signoutRedirect({ state: "gone" })')
    await tab.waitForURL(`${site.origin}/bye*`)
    await tab.evaluate('person.signoutRedirectCallback()')
    expect(await tab.evaluate('person.getUser()')).toBeNull()
    await tab.evaluate('void person.signinRedirect()')
    // Signed out at Gatehouse too: it asks for the password again.
    await tab.waitForSelector('#sign-in [name=password]')
    expect(complaints).toEqual([])
    await context.close()
  })

  test('pop-up: sign-in, then revocation of both tokens', async () => {
    const { context, tab, complaints } = await newTab()
    const opened = tab.waitForEvent('popup')
    const signedIn = ask(tab, 'person.signinPopup()')
    await signIn(await opened)
    const user = await signedIn
    expect(user.profile).toMatchObject({ preferred_username: 'ada' })

    await tab.evaluate('person.revokeTokens()')
    const refused = await tab.evaluate<number>(
      `fetch('${server.url}/oauth/userinfo', { headers: { authorization: 'Bearer ${user.access_token}' } }).then((answer) => answer.status)`,
    )
    expect(refused).toBe(401)
    // Chromium writes every 401 into the console.
    expect(complaints.filter((line) => !line.includes('401'))).toEqual([])
    await context.close()
  })

  test('the library keeps the tokens fresh by itself', async () => {
    const { context, tab } = await newTab()
    await tab.evaluate('void person.signinRedirect()')
    await signIn(tab)
    await tab.waitForURL(`${site.origin}/back*`)
    const user = await ask(tab, 'person.signinRedirectCallback()')
    // Its timer starts a minute before the end; here the end is brought near by writing it into the stored user.
    const renewed = await ask(
      tab,
      `new Promise((resolve) => {
        person.events.addUserLoaded((user) => user.access_token !== '${user.access_token}' && resolve(user))
        person.getUser().then(async (user) => {
          user.expires_in = 61
          await person.storeUser(user)
          person.events.load(user)
        })
      })`,
    )
    expect(renewed.access_token).not.toBe(user.access_token)
    await context.close()
  })
})
