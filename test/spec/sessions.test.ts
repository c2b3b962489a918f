import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findUserNamed } from '../../src/accounts/find-user.ts'
import { withdrawConsent } from '../../src/accounts/withdraw-consent.ts'
import { lifetimes } from '../../src/domain/lifetimes.ts'
import { endingSessions } from '../../src/domain/session-state.ts'
import { startUpkeep } from '../../src/server/upkeep.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'
import { createBrowser } from '../kit/browser.ts'
import { authorizeUrl, codeFlow, follow, submit, tokenRequest, type Tokens } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'

let server: TestGatehouse
let app: MadeClient

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada')
  await server.makeUser('bob')
  app = await server.makeClient()
})
afterAll(() => server.close())

async function refresh(tokens: Tokens): Promise<Tokens | string> {
  const form = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }
  const answer = (await tokenRequest(server, app, form)).json()
  return typeof answer['error'] === 'string' ? answer['error'] : (answer as unknown as Tokens)
}

describe('OIDC Core §11: what a client gets without offline_access', () => {
  test('ends with the browser session, also when nobody signs out', async () => {
    const online = await codeFlow(server, app, 'ada', { extra: { scope: 'openid profile' } })
    const offline = await codeFlow(server, app, 'ada')
    server.clock.advance(lifetimes.sessionAbsolute - 60)
    const still = await refresh(online.tokens)
    if (typeof still === 'string') throw new Error(`refused before the session ended: ${still}`)
    server.clock.advance(61)
    expect(await refresh(still)).toBe('invalid_grant')
    expect(await refresh(offline.tokens)).toHaveProperty('access_token')
  })

  test('the consent page says so', async () => {
    const page = async (scope: string) => {
      const browser = createBrowser(server.url)
      await codeFlow(server, app, 'ada', { browser })
      const url = authorizeUrl(app, { scope, prompt: 'consent' })
      return (await follow(server, browser, await browser.ask(url))).text
    }
    expect(await page('openid')).toContain('This ends when you sign out here, after 12 hours at the latest.')
    expect(await page('openid offline_access')).toContain('This stays in force until you withdraw it')
  })
})

describe('OIDC RP-Initiated Logout §2: signing out that broke off', () => {
  const cut = async (deed: (flow: Awaited<ReturnType<typeof codeFlow>>) => Promise<unknown>) => {
    const flow = await codeFlow(server, app, 'ada', { extra: { scope: 'openid profile' } })
    // The process dies after its first commit: what comes after it never reaches the store.
    const { store } = server.core.transition
    const whole = { ...store }
    let commits = 0
    Object.assign(store, {
      commit: async (writes: Parameters<typeof store.commit>[0]) => {
        commits += 1
        if (commits > 1) throw new StoreUnavailable('down', 'none')
        return whole.commit(writes)
      },
    })
    await deed(flow)
    Object.assign(store, whole)
    expect(commits).toBeGreaterThan(1)
    return flow
  }
  const signOut = async ({ browser }: Awaited<ReturnType<typeof codeFlow>>) =>
    submit(browser, await browser.ask('/oauth/logout'), 'sign-out', {})
  const takeOver = async ({ browser }: Awaited<ReturnType<typeof codeFlow>>) =>
    submit(browser, await browser.ask('/signin'), 'sign-in', { username: 'bob', password })

  test.each([
    ['the person signed out', signOut],
    ['another person signed in', takeOver],
  ])('%s: the session is over at once, and upkeep ends what came of it', async (_name, deed) => {
    const { browser, tokens } = await cut(deed)
    if (deed === signOut) expect((await browser.ask('/account')).location).toBe('/signin')
    const upkeep = startUpkeep({ ...server, config: {} as never }, { onError: fail, onPaused: fail })
    await upkeep.stop()
    expect(await refresh(tokens)).toBe('invalid_grant')
    expect((await server.core.transition.store.list('session', endingSessions, { limit: 1 })).records).toEqual([])
  })
})

describe('RFC 7009 §2.1: taking a consent back that broke off', () => {
  test('the consent is gone at once, and upkeep ends what came of it, but nothing that was allowed since', async () => {
    const client = await server.makeClient({ client_id: 'withdrawn' })
    const flow = () => codeFlow(server, client, 'ada', { extra: { scope: 'openid offline_access' } })
    const { tokens } = await flow()
    const { store } = server.core.transition
    const whole = { ...store }
    let commits = 0
    Object.assign(store, {
      commit: async (writes: Parameters<typeof store.commit>[0]) => {
        commits += 1
        if (commits > 1) throw new StoreUnavailable('down', 'none')
        return whole.commit(writes)
      },
    })
    const user = (await server.core.directory.user((await findUserNamed(server.core, 'ada'))?.userId ?? ''))!
    const actor = { kind: 'user', user, scopes: ['me'] } as const
    const broken = withdrawConsent(server.core, { actor, user, address: '192.0.2.1' }, 'withdrawn')
    await expect(broken).rejects.toThrow()
    Object.assign(store, whole)
    expect(commits).toBe(2)
    server.clock.advance(1)
    const since = await flow()
    const upkeep = startUpkeep({ ...server, config: {} as never }, { onError: fail, onPaused: fail })
    await upkeep.stop()
    const refreshed = async ({ refresh_token }: Tokens) =>
      (await tokenRequest(server, client, { grant_type: 'refresh_token', refresh_token })).status
    expect([await refreshed(tokens), await refreshed(since.tokens)]).toEqual([400, 200])
    expect((await store.list('withdrawal', '*', { limit: 1 })).records).toEqual([])
  })
})

function fail(...about: readonly unknown[]): never {
  throw new Error(about.map(String).join(' '))
}

describe('a form belongs to one browser and one session', () => {
  const [browserCookie, sessionCookie] = ['gatehouse-browser', 'gatehouse-session']
  const signedIn = async (username: string) => {
    const browser = createBrowser(server.url)
    await submit(browser, await browser.ask('/signin'), 'sign-in', { username, password })
    return browser
  }

  test('whoever planted the cookie of a browser has another one after somebody signed in (session fixation)', async () => {
    const browser = createBrowser(server.url)
    const page = await browser.ask('/signin')
    const planted = browser.cookies.get(browserCookie) ?? ''
    await submit(browser, page, 'sign-in', { username: 'ada', password })
    expect(browser.cookies.get(browserCookie)).toMatch(/^[\w-]{43}$/)
    expect(browser.cookies.get(browserCookie)).not.toBe(planted)
    // The request that brought the person here goes on in the new one.
    expect((await codeFlow(server, app, 'ada', { browser: createBrowser(server.url) })).tokens).toBeDefined()
  })

  test('a form of one session does nothing in another one of the same browser', async () => {
    const [ada, bob] = [await signedIn('ada'), await signedIn('bob')]
    const form = await ada.ask('/oauth/logout')
    ada.cookies.set(sessionCookie, bob.cookies.get(sessionCookie) ?? '')
    expect((await submit(ada, form, 'sign-out', {})).status).toBe(403)
    expect((await bob.ask('/account')).status).toBe(200)
  })

  test('a form from before the sign-in does nothing after it', async () => {
    const browser = createBrowser(server.url)
    const before = await browser.ask('/signin')
    const kept = browser.cookies.get(browserCookie) ?? ''
    await submit(browser, before, 'sign-in', { username: 'ada', password })
    browser.cookies.set(browserCookie, kept)
    expect((await submit(browser, before, 'sign-in', { username: 'bob', password })).status).toBe(403)
  })
})
