import axe from 'axe-core'
import type { AxeResults } from 'axe-core'
import type { Browser, Page as Tab } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { inviteUser } from '../../src/accounts/invite-user.ts'
import { mintToken } from '../../src/accounts/mint-token.ts'
import { decodeBase32 } from '../../src/crypto/base32.ts'
import { totp } from '../../src/crypto/one-time-code.ts'
import { create, ref } from '../../src/domain/record.ts'
import { sectionsOf } from '../../src/endpoints/account/sections.ts'
import { routesOf } from '../../src/server/routes.ts'
import { commitNew } from '../../src/store/transition.ts'
import { parseMacaroonText } from '../../src/tokens/macaroon-text.ts'
import { startSite, type Site as Forum } from '../emulators/site.ts'
import { createBrowser } from '../kit/browser.ts'
import { authorizeUrl } from '../kit/flow.ts'
import { password, startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { macaroonApi, makeMacaroonApi } from '../kit/macaroons.ts'
import { plainPasswords } from '../kit/plain-passwords.ts'
import { readProvider } from '../upstream/house.ts'
import { etsyProvider } from '../vault/house.ts'
import { launch, noBrowser, serve, type Site } from './browser.ts'

let server: TestGatehouse
let browser: Browser
/** Where people come back to. */
let application: Site
/** A site without OAuth, whose accounts are good here. */
let forum: Forum
beforeAll(async () => {
  if (noBrowser !== false) return
  browser = await launch()
  forum = await startSite()
  server = await startGatehouse({
    config: {
      mail: { by: 'log' },
      users: { registration: 'open' },
      providers: [
        // Nobody is sent there.
        etsyProvider({ url: 'http://127.0.0.1:9', keystring: 'key', sharedSecret: 'secret' }),
        readProvider({
          name: 'forum',
          preset: 'site-login',
          title: 'Das Forum',
          issuer: 'https://forum.example',
          login_endpoint: `${forum.url}/auth/login`,
          session_endpoint: `${forum.url}/auth/session`,
          session_lengths: [3600, 604_800],
          sign_in: 'create',
          allow_insecure: true,
        }),
      ],
    },
    // Hashing is not what is tested here.
    passwords: plainPasswords,
  })
  application = await serve(() => ({ status: 200, headers: [['content-type', 'text/plain']], body: 'welcome' }))
  await server.makeClient({ redirect_uris: [`${application.origin}/cb`] })
  await makeMacaroonApi(server)
})
afterAll(async () => {
  await browser?.close()
  await application?.stop()
  await forum?.close()
  await server?.close()
})

/** The tabulator until something has the focus: what it doesn't come to, nobody without a mouse does. */
async function reach(tab: Tab, selector: string): Promise<void> {
  for (let stop = 0; stop < 100; stop += 1) {
    if (await tab.evaluate<boolean>(`document.activeElement.matches(${JSON.stringify(selector)})`)) return
    await tab.keyboard.press('Tab')
  }
  throw new Error(`the tabulator never comes to ${selector} on ${tab.url()}`)
}

async function type(tab: Tab, selector: string, text: string): Promise<void> {
  await reach(tab, selector)
  await tab.keyboard.press('Control+A')
  await tab.keyboard.type(text)
}

/** Enter, on what is reached by the tabulator, and the page that comes of it. */
async function press(tab: Tab, selector: string): Promise<void> {
  await reach(tab, selector)
  await Promise.all([tab.waitForEvent('load'), tab.keyboard.press('Enter')])
}

/** A place of ours where the browser is led by whoever signs in, or types an address. */
type Look = (what: string) => Promise<void>

function lookAt(tab: Tab, { javaScript, seen }: { readonly javaScript: boolean; readonly seen: Set<string> }): Look {
  return async (what) => {
    const { pathname } = new URL(tab.url())
    seen.add(pathname)
    expect(await tab.evaluate('document.documentElement.lang'), what).toBe('de')
    expect(await tab.locator('h1').count(), what).toBe(1)
    expect(await tab.evaluate('document.documentElement.scrollWidth <= window.innerWidth'), what).toBe(true)
    if (!javaScript) return
    await tab.evaluate(axe.source)
    const { violations } = await tab.evaluate<AxeResults>('axe.run(document)')
    expect(
      violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`),
      `${what} at ${pathname}`,
    ).toEqual([])
  }
}

const linkIn = (text = ''): string => /https?:\/\/\S+/.exec(text)?.[0] ?? ''
async function letterTo(address: string, count: number) {
  const letters = () => server.letters.filter(({ to }) => to === address)
  await vi.waitFor(() => expect(letters()).toHaveLength(count), 20_000)
  return letters()[count - 1]?.text
}

describe.skipIf(noBrowser !== false)('every page of a running server, in German, by the keyboard alone', () => {
  test.each([
    ['with JavaScript', true],
    ['without JavaScript', false],
  ])('%s', { timeout: 300_000 }, async (_, javaScript) => {
    const context = await browser.newContext({
      locale: 'de-DE',
      javaScriptEnabled: javaScript,
      reducedMotion: 'reduce',
      viewport: { width: 390, height: 800 },
    })
    const tab = await context.newPage()
    const complaints: string[] = []
    tab.on('console', (line) => complaints.push(line.text()))
    tab.on('pageerror', (error) => complaints.push(error.message))
    const seen = new Set<string>()
    const look = lookAt(tab, { javaScript, seen })
    const visit = async (path: string): Promise<void> => {
      await tab.goto(path.startsWith('http') ? path : server.url + path)
      await look(path)
    }
    const username = javaScript ? 'ada' : 'bea'
    const email = `${username}@mail.example`
    const { userId } = await server.makeUser(username)
    await connect(userId)

    // Signing in, by mistake at first.
    for (const path of ['/', '/register', '/signin']) await visit(path)
    await type(tab, '#sign-in [name=username]', username)
    await type(tab, '#sign-in [name=password]', 'a wrong one')
    await press(tab, '#sign-in [type=submit]')
    await look('a wrong password')
    await type(tab, '#sign-in [name=password]', password)
    await press(tab, '#sign-in [type=submit]')
    expect(new URL(tab.url()).pathname).toBe('/account')
    await look('the account')

    // A macaroon that wants to see its person.
    await visit(await dischargePath(userId))
    await press(tab, '#discharge [value=allow]')
    await look('a discharge')

    // Every section of the account, and what its form does.
    for (const { id } of sectionsOf(server.core)) await visit(`/account/${id}`)
    await visit('/account/identities')
    await press(tab, '#link-forum [type=submit]')
    await look('the account of a site, to be added')
    await visit('/account/email')
    await type(tab, '#email-change [name=email]', email)
    await press(tab, '#email-change [type=submit]')
    await look('a letter is on its way')
    await visit(linkIn(await letterTo(email, 1)))
    await press(tab, '#letter [type=submit]')
    await visit('/account/profile')
    await type(tab, '#profile [name=full_name]', 'Ada Lovelace')
    await press(tab, '#profile [type=submit]')
    await look('another name')
    await visit('/account/connections')
    await press(tab, '#connections [name=connection_id]')
    await look('a connection less')

    await visit('/account/authenticator')
    const secret = decodeBase32((await tab.textContent('#secret')) ?? '') ?? new Uint8Array()
    const code = () => totp({ secret, now: server.clock.seconds() })
    await type(tab, '#authenticator [name=code]', code())
    await press(tab, '#authenticator [type=submit]')
    expect(await tab.locator('#codes li').count()).toBe(10)
    await look('recovery codes')
    await press(tab, '#onwards')
    for (const id of ['authenticator', 'recovery-codes', 'passkeys']) await visit(`/account/${id}`)

    await visit('/account/tokens')
    await type(tab, '#token-new [name=name]', 'Sicherung')
    await press(tab, '#token-new [type=submit]')
    expect(await tab.inputValue('#token')).toMatch(/^gth_/)
    await look('a token')
    await visit('/account/tokens')
    await press(tab, '#tokens [name=grant_id]')
    await look('a token less')

    // For an application, with the second factor.
    await visit('/oauth/logout')
    await press(tab, '#sign-out [type=submit]')
    await look('signed out')
    const authorize = (extra: Readonly<Record<string, string>> = {}): string =>
      authorizeUrl({ clientId: 'app' }, { redirect_uri: `${application.origin}/cb`, ...extra })
    await visit(authorize())
    await type(tab, '#sign-in [name=username]', username)
    await type(tab, '#sign-in [name=password]', password)
    await press(tab, '#sign-in [type=submit]')
    await look('the second factor')
    await type(tab, '#one-time-code [name=code]', '000000')
    await press(tab, '#one-time-code [type=submit]')
    await look('a wrong code')
    server.clock.advance(30)
    await type(tab, '#one-time-code [name=code]', code())
    await press(tab, '#one-time-code [type=submit]')
    await look('consent')
    await press(tab, '#consent [value=allow]')
    expect(tab.url()).toContain(`${application.origin}/cb?code=`)
    await visit('/account/access')
    await visit(authorize({ prompt: 'select_account' }))
    await press(tab, '#continue [value=continue]')
    expect(tab.url()).toContain('code=')
    await visit(authorize({ prompt: 'consent' }))
    await press(tab, '#consent [value=deny]')
    expect(tab.url()).toContain('error=access_denied')

    // Pages that say no.
    for (const path of ['/oauth/authorize?client_id=nobody', '/nothing', '/consent?interaction=x', '/letter?token=x'])
      await visit(path)

    // By letter.
    await visit('/oauth/logout')
    await press(tab, '#sign-out [type=submit]')
    await visit('/recover')
    await type(tab, '#recover [name=account]', username)
    await press(tab, '#recover [type=submit]')
    await look('a letter to recover by')
    const recover = await letterTo(email, 3)
    await visit(linkIn(recover))
    await visit('/signin/code')
    await type(tab, '#mail-code [name=account]', username)
    await press(tab, '#mail-code [type=submit]')
    await look('a code by mail')
    const letter = await letterTo(email, 4)
    await type(tab, '#one-time-code [name=code]', /\d{4} \d{4}/.exec(letter ?? '')?.[0] ?? '')
    await press(tab, '#one-time-code [type=submit]')
    await look('the second factor after a code by mail')
    const invited = await inviteUser(server.core, { actor: { kind: 'cli' } }, { language: 'de' })
    await visit('done' in invited ? (invited.done.url ?? '') : '')

    // With the account of another site, which makes one here.
    forum.accounts.set(`${username}-dort`, { password, userId: username })
    await visit('/signin/with/forum')
    await type(tab, '#sign-in [name=username]', `${username}-dort`)
    await type(tab, '#sign-in [name=password]', 'a wrong one')
    await press(tab, '#sign-in [type=submit]')
    await look('a password that the site doesn’t know')
    await type(tab, '#sign-in [name=password]', password)
    await press(tab, '#sign-in [type=submit]')
    await look('a newcomer')
    await press(tab, '#create-account [type=submit]')
    expect(new URL(tab.url()).pathname).toBe('/account')

    // A connection for a terminal, until its provider; and a return from there that nobody left for.
    const started = await createBrowser(server.url).ask('/vault/connect', { form: { provider: 'etsy' } })
    await visit(String(started.json()['connect_url']))
    await type(tab, '#connect [name=user_code]', 'XXXX-XXXX')
    await reach(tab, '#connect [name=confirm_mine]')
    await tab.keyboard.press('Space')
    await press(tab, '#connect [type=submit]')
    await look('a wrong code of the terminal')
    await visit('/etsy')

    expect(complaints.filter((line) => !line.startsWith('Failed to load resource'))).toEqual([])
    expect(pagesOf(server).filter((path) => ![...seen].some((one) => fits(path, one)))).toEqual(leadOn)
    await context.close()
  })
})

/** They lead the browser on and show nothing themselves. */
const leadOn = ['/oauth/authorize/resume', '/language']

const pagesOf = ({ core }: TestGatehouse): readonly string[] =>
  routesOf(core).flatMap(({ method, access, path }) => (method === 'GET' && access === 'browser' ? [path] : []))

const fits = (template: string, path: string): boolean =>
  new RegExp(`^${template.replaceAll(/:\w+/g, '[^/]+')}$`).test(path)

/** Where a macaroon sends its person, which is good only when he signed in just now. */
async function dischargePath(userId: string): Promise<string> {
  const wanted = { format: 'macaroon', resource: macaroonApi, caveats: ['discharge = max_age:300'] } as const
  const made = await mintToken(server.core, { actor: { kind: 'cli' }, userId }, wanted)
  const [macaroon] = parseMacaroonText('done' in made ? made.done.token : '') ?? []
  const caveat = macaroon?.caveats.find(({ thirdParty }) => thirdParty !== undefined)
  return `/oauth/discharge?caveat_id=${encodeURIComponent(Buffer.from(caveat?.identifier ?? []).toString())}`
}

/** A connection as it would be stored. */
async function connect(userId: string): Promise<void> {
  const { core } = server
  const now = core.clock.seconds()
  const about = { v: 1, provider: 'etsy', owner: { kind: 'user', userId }, clientId: 'app', state: 'active' } as const
  const tokens = { account: '12345678', scope: ['shops_r'], sealed: 'sealed', keyId: 'key', edition: 1 }
  const times = { issuedAt: now, createdAt: now, updatedAt: now, lastUsedAt: now }
  await commitNew(core.transition, [
    create(
      ref('connection', `of ${userId}`),
      { ...about, ...tokens, ...times, refreshable: true },
      { expiresAt: null, owners: [userId, 'provider:etsy'] },
    ),
  ])
}
