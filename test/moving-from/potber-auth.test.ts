import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { applyFileEntries } from '../../src/accounts/file-entries.ts'
import { configOf } from '../config/load.ts'
import { startSite, type Site } from '../emulators/site.ts'
import { createBrowser, type Browser } from '../kit/browser.ts'
import { authorizeUrl, follow, submit, tokenRequest, verifier } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'

// docs/moving-from/potber-auth.md: its file is read as it stands, with an emulated potber-api in the place of the real one.

const page = readFileSync(new URL('../../docs/moving-from/potber-auth.md', import.meta.url), 'utf8')
const [, yaml = ''] = /```yaml\n([^]*?)```/.exec(page) ?? []
const secret = 'ein Geheimnis im Forum'
let site: Site
let server: TestGatehouse

beforeAll(async () => {
  site = await startSite()
  site.accounts.set('Erna', { password: secret, userId: '4711' })
  site.accounts.set('Gesperrt', { password: secret, userId: '5', locked: true })
  const local = yaml
    .replaceAll('https://api.potber.example', site.url)
    .replace('    sign_in: create', '    sign_in: create\n    allow_insecure: true')
  const { providers, clients, resources } = configOf({ yaml: local })
  server = await startGatehouse({ config: { providers } })
  await applyFileEntries(server.core, { clients, resources })
})
afterAll(() => Promise.all([server.close(), site.close()]))

const [app, old] = [...yaml.matchAll(/client_id: (\S+)/g)].map(
  ([, clientId = '']) => ({ clientId, secret: '' }) as MadeClient,
)
const german = (): Browser => createBrowser(server.url, { 'accept-language': 'de' })

/** From an application's request through the forum's password, to the last redirect. */
async function signIn(browser: Browser, url: string, fields: Readonly<Record<string, string>> = {}): Promise<URL> {
  const start = await follow(server, browser, await browser.ask(url))
  const href = /data-provider="forum" href="([^"]*)"/.exec(start.text)?.[1] ?? ''
  const form = await browser.ask(href.replaceAll('&amp;', '&'))
  let answer = await follow(
    server,
    browser,
    await submit(browser, form, 'sign-in', { username: 'Erna', password: secret, ...fields }),
  )
  if (answer.text.includes('id="create-account"'))
    answer = await follow(server, browser, await submit(browser, answer, 'create-account', {}))
  if (answer.text.includes('id="consent"')) answer = await submit(browser, answer, 'consent', { decision: 'allow' })
  return new URL(answer.location ?? '')
}

/** As `GET {API}/auth/session` said it. */
async function whose(token: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}` }
  const session = await createBrowser(server.url).ask('/api/v1/me/session', { headers })
  expect(session.status, session.text).toBe(200)
  return session.json()['username']
}

describe('docs/moving-from/potber-auth.md', () => {
  it('the file holds as it stands', () => {
    expect(configOf({ yaml }).clients).toHaveLength(2)
  })

  it('an application with code and PKCE gets tokens, and asks who its person is', async () => {
    const redirect = { redirect_uri: 'https://potber.example/auth/callback' }
    const back = await signIn(german(), authorizeUrl(app!, { ...redirect, scope: 'openid profile offline_access' }), {
      session_length: '2592000',
    })
    expect(back.origin + back.pathname).toBe(redirect.redirect_uri)
    expect(JSON.parse(site.askedAt('/auth/login').at(-1)?.body ?? '')).toMatchObject({ lifetime: 2_592_000 })
    const answer = await tokenRequest(server, app, {
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      code_verifier: verifier,
    })
    expect(answer.status, answer.text).toBe(200)
    const { access_token: token, refresh_token: refreshToken } = answer.json()
    expect(refreshToken).toMatch(/^gth_rt_/)
    const me = await createBrowser(server.url).ask('/oauth/userinfo', {
      headers: { authorization: `Bearer ${String(token)}` },
    })
    expect(me.json()).toMatchObject({ preferred_username: 'Erna' })
    expect(answer.text + me.text).not.toContain('forum-cookie')
    expect(await whose(String(token))).toBe('Erna')
  })

  it('one that still needs the fragment gets it, with state and iss', async () => {
    const url = authorizeUrl(old!, {
      redirect_uri: 'https://old.example/cb',
      response_type: 'token',
      scope: 'profile',
      code_challenge: '',
      code_challenge_method: '',
      nonce: '',
    })
    const fragment = new URLSearchParams((await signIn(german(), url)).hash.slice(1))
    expect([fragment.get('token_type')?.toLowerCase(), fragment.get('state'), fragment.get('iss')]).toEqual([
      'bearer',
      'a state',
      server.url,
    ])
    expect(await whose(String(fragment.get('access_token')))).toBe('Erna')
  })

  it('nobody else gets a fragment, and no redirect URI but the registered one, letter by letter', async () => {
    const browser = german()
    const token = await browser.ask(
      authorizeUrl(app!, { redirect_uri: 'https://potber.example/auth/callback', response_type: 'token' }),
    )
    expect(token.location ?? token.text).toMatch(/unsupported_response_type|unauthorized_client/)
    for (const redirect_uri of [
      'https://x.preview.potber.example/auth/callback',
      'https://potber.example/auth/callback/',
      'https%3A%2F%2Fpotber.example/auth/callback',
    ]) {
      const answer = await browser.ask(authorizeUrl(app!, { redirect_uri }))
      expect([answer.status, answer.location]).toEqual([400, undefined])
    }
  })

  it('a locked account is told as one, in German', async () => {
    const browser = german()
    const form = await browser.ask('/signin/with/forum')
    const answer = await submit(browser, form, 'sign-in', { username: 'Gesperrt', password: secret })
    expect([answer.status, answer.text.includes('ist gesperrt')]).toEqual([403, true])
  })
})
