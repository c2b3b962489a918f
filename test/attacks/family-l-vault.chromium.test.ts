import type { Browser, BrowserContext, Page as Tab } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { consent } from '../emulators/emulator.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { startOpenId, type OpenId } from '../emulators/openid.ts'
import { createBrowser, type Answer } from '../kit/browser.ts'
import { codeFlow } from '../kit/flow.ts'
import { password, startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { launch, serve, type Site } from '../pages/browser.ts'
import { readOAuthProvider } from '../upstream/house.ts'
import { etsyProvider } from '../vault/house.ts'
import { changed, stateOf } from './support.ts'

// Family L, the vault: somebody starts a connection and somebody else is made to finish it, in two profiles of a real Chromium that
// stand in two networks.

type Start = {
  readonly handle: string
  readonly connect_url: string
  readonly user_code: string
  readonly connection: string
}
type Person = {
  readonly username: string
  readonly token: string
  readonly address: string
  readonly context: BrowserContext
  readonly tab: Tab
}

let etsy: Etsy
let other: OpenId
let evil: Site
let evilPage = ''
let server: TestGatehouse
let chromium: Browser
type Profile = Pick<Person, 'address' | 'context' | 'tab'>
/** One for each, emptied before each case: a new one costs a process. */
const profiles = {} as Record<'attacker' | 'victim', Profile>
let attacker: Person
let victim: Person

beforeAll(async () => {
  ;[etsy, other] = await Promise.all([startEtsy(), startOpenId({ promisesIss: true })])
  const { issuer, clientId, clientSecret } = other
  const second = readOAuthProvider(
    { name: 'other', preset: 'oidc', issuer, client_id: clientId, client_secret: { env: 'S' }, anonymous: true },
    { S: clientSecret },
  )
  const providers = [etsyProvider(etsy), second]
  server = await startGatehouse({ config: { providers, trustedProxies: ['127.0.0.1'] } })
  evil = await serve(() => ({ status: 200, headers: [['content-type', 'text/html; charset=utf-8']], body: evilPage }))
  chromium = await launch()
  for (const [name, address] of [
    ['attacker', '198.51.100.7'],
    ['victim', '203.0.113.9'],
  ] as const) {
    const context = await chromium.newContext({ extraHTTPHeaders: { 'x-forwarded-for': address } })
    profiles[name] = { address, context, tab: await context.newPage() }
  }
})
afterAll(async () => {
  await chromium?.close()
  await Promise.all([server?.close(), etsy?.close(), other?.close(), evil?.stop()])
})
beforeEach(async () => {
  const clientId = `desk${server.core.random.text(4).replaceAll(/[^a-zA-Z0-9]/g, 'x')}`
  const desk = await server.makeClient({ client_id: clientId, scope: 'openid vault' })
  const meet = async (name: keyof typeof profiles): Promise<Person> => {
    const username = `${name}.${clientId}`
    await server.makeUser(username)
    const { tokens } = await codeFlow(server, desk, username, { extra: { scope: 'openid vault' } })
    const profile = profiles[name]
    await profile.context.clearCookies()
    await profile.tab.goto('about:blank')
    return { username, token: tokens.access_token, ...profile }
  }
  attacker = await meet('attacker')
  victim = await meet('victim')
})

const call = (
  path: string,
  form: Readonly<Record<string, string>>,
  { address, token }: { readonly address: string; readonly token?: string },
): Promise<Answer> =>
  createBrowser(server.url).ask(path, {
    form,
    headers: { 'x-forwarded-for': address, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
  })

/** With an account, or as anybody with curl. */
const start = async (person: Person, as: 'account' | 'nobody', provider = 'etsy'): Promise<Start> =>
  (await call('/vault/connect', { provider }, as === 'account' ? person : { address: person.address })).json() as Start

const pickUp = async (
  handle: string,
  { address, token }: { readonly address: string; readonly token?: string },
  more = {},
) => (await call('/vault/token', { handle, ...more }, { address, ...(token !== undefined && { token }) })).json()

async function signIn({ tab, username }: Person): Promise<void> {
  await tab.goto(`${server.url}/signin`)
  await tab.fill('#sign-in [name=username]', username)
  await tab.fill('#sign-in [name=password]', password)
  await tab.click('#sign-in button[type=submit]')
  await tab.waitForURL('**/account')
}

/** Through our page to the one of the provider. */
async function leave({ tab }: Person, started: Start): Promise<void> {
  await tab.goto(started.connect_url)
  if ((await tab.locator('#user_code').count()) > 0) {
    await tab.fill('#user_code', started.user_code)
    await tab.check('#confirm_mine')
    await tab.click('#connect button[type=submit]')
  } else await tab.click('#connect button[value=allow]')
  await tab.waitForSelector('#allow')
}

const exchanges = (): number => etsy.askedAt('/v3/public/oauth/token').length + other.askedAt('/token').length
const isErrorPage = async (tab: Tab): Promise<void> => void (await tab.waitForSelector('#error'))

/** What comes and goes by itself: used-up states, sessions, events, and tokens that are given back. */
const passing = ['flow', 'session', 'event', 'revocation'] as const

/** Runs a case: no code goes anywhere, and no connection is made or changed but the named ones. */
async function nothingIsKept(attack: () => Promise<void>): Promise<void> {
  const [before, codes] = [await stateOf(server, passing), exchanges()]
  await attack()
  expect(exchanges(), 'codes that were sent anywhere').toBe(codes)
  expect(changed(before, await stateOf(server, passing))).toEqual([])
}

test('the honest way, from another network: connected, and confirmed by the code of the last page', async () => {
  const started = await start(victim, 'nobody')
  await leave({ ...victim, tab: attacker.tab }, started)
  await attacker.tab.click('#allow')
  const code = (await attacker.tab.textContent('#confirmation_code')) ?? ''
  expect(await pickUp(started.handle, { address: victim.address })).toMatchObject({ error: 'authorization_pending' })
  expect(await pickUp(started.handle, { address: victim.address }, { confirm: code })).toMatchObject({
    provider: 'etsy',
  })
})

describe('L04 COSF: the attacker starts, and the victim gets the address', () => {
  test('of an account: another account’s session opens it in vain', async () => {
    await signIn(victim)
    const started = await start(attacker, 'account')
    await nothingIsKept(async () => {
      await victim.tab.goto(started.connect_url)
      await victim.tab.waitForSelector('#error[data-error=access_denied]')
      expect(await victim.tab.locator('#connect').count()).toBe(0)
    })
    expect(await pickUp(started.handle, attacker)).toMatchObject({ error: 'authorization_pending' })
  })

  test('of an account: whoever isn’t signed in signs in as himself, and gets no further', async () => {
    const started = await start(attacker, 'account')
    await victim.tab.goto(started.connect_url)
    await victim.tab.fill('#sign-in [name=username]', victim.username)
    await victim.tab.fill('#sign-in [name=password]', password)
    await victim.tab.click('#sign-in button[type=submit]')
    await victim.tab.waitForSelector('#error[data-error=access_denied]')
    expect(await pickUp(started.handle, attacker)).toMatchObject({ error: 'authorization_pending' })
  })

  test('of nobody: the page names the starter’s address, warns, and goes nowhere without the code of his terminal', async () => {
    const started = await start(attacker, 'nobody')
    await victim.tab.goto(started.connect_url)
    const words = (await victim.tab.textContent('main')) ?? ''
    expect(words).toContain(attacker.address)
    expect(words).toContain('listings_w')
    expect(await victim.tab.locator('#caution').count()).toBe(1)
    expect(await victim.tab.content()).not.toContain(started.user_code)
    // The browser doesn't even send it.
    await victim.tab.click('#connect button[type=submit]')
    expect(victim.tab.url()).toBe(started.connect_url)
    await victim.tab.fill('#user_code', 'BBBB-BBBB')
    await victim.tab.check('#confirm_mine')
    await victim.tab.click('#connect button[type=submit]')
    await victim.tab.waitForSelector('#problem')
    expect(await pickUp(started.handle, attacker)).toMatchObject({ error: 'authorization_pending' })
  })

  test('of nobody, whose code the attacker tells: what the victim connects stays closed without what her page shows', async () => {
    const started = await start(attacker, 'nobody')
    await leave(victim, started)
    await victim.tab.click('#allow')
    const code = (await victim.tab.textContent('#confirmation_code')) ?? ''
    expect(code).toMatch(/^[B-Z]{4}-[B-Z]{4}$/)
    const guesses = ['BBBB-BBBB', 'CCCC-CCCC', 'DDDD-DDDD', 'FFFF-FFFF', 'GGGG-GGGG'].filter((guess) => guess !== code)
    expect(await pickUp(started.handle, attacker)).toMatchObject({ error: 'authorization_pending' })
    for (const confirm of guesses) expect(await pickUp(started.handle, attacker, { confirm })).toHaveProperty('error')
  })

  test('a page of the attacker’s that fills in code and tick by itself is refused', async () => {
    const started = await start(attacker, 'nobody')
    for (const visited of [false, true]) {
      if (visited) await victim.tab.goto(started.connect_url)
      await nothingIsKept(async () => {
        evilPage = `<!doctype html><form method="post" action="${started.connect_url}"><input name="user_code" value="${started.user_code}"><input name="confirm_mine" value="yes"><input name="csrf" value="x"></form><script>document.forms[0].submit()</script>`
        await victim.tab.goto(evil.origin).catch(() => undefined)
        await isErrorPage(victim.tab)
      })
    }
  })
})

test('L05 COSF-preauth: the provider’s own address, opened and agreed to by the victim, connects nothing', async () => {
  for (const as of ['account', 'nobody'] as const) {
    if (as === 'account') await signIn(attacker)
    const started = await start(attacker, as)
    await leave(attacker, started)
    await nothingIsKept(async () => {
      await victim.tab.goto(attacker.tab.url())
      await victim.tab.click('#allow')
      await isErrorPage(victim.tab)
    })
    expect(await pickUp(started.handle, as === 'account' ? attacker : { address: attacker.address })).toMatchObject({
      error: 'authorization_pending',
    })
  }
})

test('L07 CORF: the attacker’s code in the victim’s browser puts no account of his into her connection', async () => {
  const hers = await start(victim, 'nobody')
  await leave(victim, hers)
  const herState = new URL(victim.tab.url()).searchParams.get('state') ?? ''
  const his = await start(attacker, 'nobody')
  await leave(attacker, his)
  const callback = new URL(await consent(attacker.tab.url()))
  await nothingIsKept(async () => {
    await victim.tab.goto(callback.href)
    await isErrorPage(victim.tab)
  })
  // With her state, were it known: PKCE makes his code worthless (RFC 7636).
  callback.searchParams.set('state', herState)
  await victim.tab.goto(callback.href)
  expect(await pickUp(hers.handle, { address: victim.address })).toMatchObject({ error: 'authorization_pending' })
})

test('L06 COAT: a malicious provider sends her on to the honest one with her live state: its code goes nowhere', async () => {
  const started = await start(victim, 'nobody', 'other')
  await leave(victim, started)
  const state = new URL(victim.tab.url()).searchParams.get('state') ?? ''
  // The attacker takes the way to Etsy from a start of his own, and gives it her state.
  const his = await start(attacker, 'nobody')
  await leave(attacker, his)
  const there = new URL(attacker.tab.url())
  there.searchParams.set('state', state)
  await nothingIsKept(async () => {
    await victim.tab.goto(there.href)
    await victim.tab.click('#allow')
    await isErrorPage(victim.tab)
  })
  for (const [{ handle }, { address }] of [
    [started, victim],
    [his, attacker],
  ] as const)
    expect(await pickUp(handle, { address })).toMatchObject({ error: 'authorization_pending' })
})

test('L08 shared-registration: clients share ours at the provider, and nothing of what their people connected', async () => {
  const mine = await start(victim, 'account')
  await signIn(victim)
  await leave(victim, mine)
  await victim.tab.click('#allow')
  await victim.tab.waitForSelector('#connected')
  expect(await pickUp(mine.handle, victim)).toMatchObject({ provider: 'etsy' })

  // The attacker's toolkit, a client of this server too: whoever agreed at Etsy once isn't asked there again.
  const toolkit = await server.makeClient({
    client_id: `toolkit.${victim.username}`,
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'client_secret_post',
    redirect_uris: [],
    scope: 'vault',
  })
  const asToolkit = { client_id: toolkit.clientId, client_secret: toolkit.secret ?? '' }
  const started = (
    await call('/vault/connect', { ...asToolkit, provider: 'etsy' }, { address: attacker.address })
  ).json() as Start
  await nothingIsKept(async () => {
    await victim.tab.goto(started.connect_url)
    await victim.tab.waitForSelector('#user_code')
    expect(await victim.tab.textContent('main')).toContain(attacker.address)
  })
  const before = exchanges()
  await victim.tab.fill('#user_code', 'BBBB-BBBB')
  await victim.tab.check('#confirm_mine')
  await victim.tab.click('#connect button[type=submit]')
  await victim.tab.waitForSelector('#problem')
  expect(exchanges()).toBe(before)
  const fetched = async (form: Readonly<Record<string, string>>) =>
    (await call('/vault/token', { ...asToolkit, ...form }, { address: attacker.address })).json()
  expect(await fetched({ handle: started.handle })).toMatchObject({ error: 'authorization_pending' })
  expect(await fetched({ connection: mine.connection })).not.toHaveProperty('access_token')
})

test.each(['https://attacker.example', undefined])(
  'L10 upstream-mix-up: with iss %s no code is exchanged',
  async (iss) => {
    const started = await start(victim, 'nobody', 'other')
    await leave(victim, started)
    const callback = new URL(await consent(victim.tab.url()))
    if (iss === undefined) callback.searchParams.delete('iss')
    else callback.searchParams.set('iss', iss)
    await nothingIsKept(async () => {
      await victim.tab.goto(callback.href)
      await isErrorPage(victim.tab)
    })
    expect(await pickUp(started.handle, { address: victim.address })).toMatchObject({ error: 'authorization_pending' })
  },
)

test('L06, L09: a state for one provider is none at the callback of another', async () => {
  const started = await start(victim, 'nobody', 'other')
  await leave(victim, started)
  const callback = new URL(await consent(victim.tab.url()))
  const elsewhere = new URL(`${server.url}/etsy`)
  elsewhere.search = callback.search
  // Which would give it away by itself.
  elsewhere.searchParams.delete('iss')
  await nothingIsKept(async () => {
    for (const url of [elsewhere, callback]) {
      await victim.tab.goto(url.href)
      await isErrorPage(victim.tab)
    }
  })
})

test('L04: signing in between start and end as somebody else: nothing is kept', async () => {
  await signIn(attacker)
  const started = await start(attacker, 'account')
  await leave(attacker, started)
  const callback = await consent(attacker.tab.url())
  // A shared machine, and the victim signs in where the attacker was.
  await signIn({ ...victim, tab: attacker.tab })
  await attacker.tab.goto(callback)
  await isErrorPage(attacker.tab)
  expect(await pickUp(started.handle, attacker)).toMatchObject({ error: 'authorization_pending' })
})

test('L11: reload, Back and a second tab exchange nothing again', async () => {
  const started = await start(victim, 'nobody')
  await leave(victim, started)
  const before = exchanges()
  await victim.tab.click('#allow')
  await victim.tab.waitForSelector('#connected')
  const url = victim.tab.url()
  for (const again of [() => victim.tab.reload(), () => victim.tab.goBack(), () => victim.tab.goto(url)]) await again()
  const second = await victim.context.newPage()
  await second.goto(url)
  await isErrorPage(second)
  await second.close()
  expect(exchanges()).toBe(before + 1)
  expect(await pickUp(started.handle, { address: victim.address })).toMatchObject({ provider: 'etsy' })
})
