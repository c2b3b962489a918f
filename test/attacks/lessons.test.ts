import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withdrawConsent } from '../../src/accounts/withdraw-consent.ts'
import { deleteResource } from '../../src/accounts/write-resource.ts'
import { applyFileEntries } from '../../src/accounts/file-entries.ts'
import { parseResourceDocument } from '../../src/config/check-resource.ts'
import { createBrowser, readForm, type Browser } from '../kit/browser.ts'
import {
  authorize,
  authorizeUrl,
  claimsOf,
  codeFlow,
  follow,
  introspect,
  signInFor,
  submit,
  tokenRequest,
  userinfo,
  verifier,
} from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { attack, expectPage, expectTokenError, type House } from './support.ts'

let server: TestGatehouse
let app: MadeClient
let house: House
beforeAll(async () => {
  server = await startGatehouse()
  for (const name of ['ada', 'bob', 'cleo', 'dora']) await server.makeUser(name)
  app = await server.makeClient()
  house = { server, app, secrets: [app.secret, password] }
})
afterAll(() => server.close())

/** Something that happens in the very moment before a grant is committed. */
function beforeTheGrant(act: () => Promise<unknown>): () => void {
  const { store } = server.core.transition
  const whole = { ...store }
  let armed = true
  Object.assign(store, {
    commit: async (writes: Parameters<typeof whole.commit>[0]) => {
      if (armed && writes.some((write) => write.op === 'put' && write.kind === 'grant')) {
        armed = false
        await act()
      }
      return whole.commit(writes)
    },
  })
  return () => {
    expect(armed, 'it came to a grant').toBe(false)
    Object.assign(store, whole)
  }
}

async function signOut(browser: Browser): Promise<void> {
  const page = await browser.ask('/oauth/logout')
  await submit(browser, page, 'sign-out', {})
}

describe('L1 every entrance', () => {
  test('a client of this machine alone gets nothing at the authorization endpoint from behind a proxy', async () => {
    const local = await server.makeClient({
      client_id: 'here',
      loopback_only: true,
      legacy: ['implicit'],
      grant_types: ['authorization_code', 'implicit'],
      token_endpoint_auth_method: 'none',
    })
    const url = authorizeUrl(local, {
      response_type: 'token',
      scope: 'openid',
      code_challenge: '',
      code_challenge_method: '',
    })
    const forwarded = { headers: { 'x-forwarded-for': '198.51.100.7' } }
    expectPage(await attack(house, () => createBrowser(server.url).ask(url, forwarded)), 'unauthorized_client')
    // Nor where it goes on, when it began here.
    const browser = createBrowser(server.url)
    const page = await follow(server, browser, await browser.ask(url))
    const { action, fields } = readForm(page.text, 'sign-in')
    const form = { ...fields, username: 'ada', password }
    expectPage(await attack(house, () => browser.ask(action, { form, ...forwarded })), 'unauthorized_client')
    const answer = await follow(server, browser, await submit(browser, page, 'sign-in', { username: 'ada', password }))
    expect(answer.text).toContain('<form id="consent"')
  })
})

describe('L7 who is local', () => {
  const attempt = (headers: Readonly<Record<string, string>>) =>
    createBrowser(server.url).ask('/oauth/token', {
      form: { grant_type: 'password', client_id: 'near', username: 'cleo', password, scope: 'openid' },
      headers,
    })

  test('a page from elsewhere in a browser on this machine is not this machine', async () => {
    await server.makeClient({
      client_id: 'near',
      loopback_only: true,
      legacy: ['password'],
      grant_types: ['password'],
      redirect_uris: [],
      scope: 'openid',
      token_endpoint_auth_method: 'none',
    })
    for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.example', 'nonsense']) {
      expectTokenError(await attack(house, () => attempt({ origin })), 'invalid_client')
    }
    expect((await attempt({})).status).toBe(200)
    expect((await attempt({ origin: 'http://localhost:3000' })).status).toBe(200)
    expect((await attempt({ origin: 'null', 'sec-fetch-site': 'same-origin' })).status).toBe(200)
  })
})

describe('L3 two parsers', () => {
  test('two access tokens in one userinfo form are none', async () => {
    const { tokens } = await codeFlow(server, app, 'ada')
    const other = await codeFlow(server, app, 'bob')
    const twice = { access_token: [tokens.access_token, other.tokens.access_token] }
    const answer = await attack(house, () => createBrowser(server.url).ask('/oauth/userinfo', { form: twice }))
    expect(answer.status, answer.text).toBe(400)
    expect(answer.json()['error']).toBe('invalid_request')
    // An empty first one isn't the way past the rule of one way per request either.
    const hidden = { form: { access_token: ['', tokens.access_token] } }
    const headers = { authorization: `Bearer ${tokens.access_token}` }
    expect((await createBrowser(server.url).ask('/oauth/userinfo', { ...hidden, headers })).status).toBe(400)
    expect((await userinfo(server, tokens.access_token)).status).toBe(200)
  })
})

describe('L4 check-then-act', () => {
  test('a code that is being made while its person signs out is never made', async () => {
    const { browser } = await codeFlow(server, app, 'ada')
    const off = beforeTheGrant(() => signOut(browser))
    const answer = await browser.ask(authorizeUrl(app, { scope: 'openid profile' }))
    off()
    const last = await follow(server, browser, answer)
    expect(last.location, 'nothing goes to the client').toBeUndefined()
    expect(last.text).toContain('<form id="sign-in"')
  })

  test('nor a code after the consent that it would rest on was withdrawn', async () => {
    const { browser, tokens } = await codeFlow(server, app, 'cleo')
    const cleo = await server.core.directory.user(String(claimsOf(tokens.id_token)['sub']))
    if (cleo === undefined) throw new Error('cleo is gone')
    const ending = { actor: { kind: 'cli' }, user: cleo, address: '192.0.2.1' } as const
    const off = beforeTheGrant(() => withdrawConsent(server.core, ending, app.clientId))
    const answer = await browser.ask(authorizeUrl(app))
    off()
    const last = await follow(server, browser, answer)
    expect(last.location, 'nothing goes to the client').toBeUndefined()
    expect(last.text).toContain('<form id="consent"')
    // Asked anew, the person may agree anew.
    const back = await submit(browser, last, 'consent', { decision: 'allow' })
    expect(new URL(back.location ?? '').searchParams.get('code')).toMatch(/^gth_ac_/)
  })

  test('a consent that is given while its person signs out leads to the sign-in page', async () => {
    const fresh = await server.makeClient({ client_id: 'fresh' })
    const browser = createBrowser(server.url)
    const page = await signInFor(server, browser, authorizeUrl(fresh, { scope: 'openid' }), 'ada')
    const off = beforeTheGrant(() => signOut(browser))
    const answer = await submit(browser, page, 'consent', { decision: 'allow' })
    off()
    const last = await follow(server, browser, answer)
    expect(last.location).toBeUndefined()
    expect(last.text).toContain('<form id="sign-in"')
  })
})

describe('signing out after signing in anew', () => {
  const scope = 'openid read'
  const refresh = (token: string) => tokenRequest(server, app, { grant_type: 'refresh_token', refresh_token: token })

  test('ends the grants from before the new proof as well', async () => {
    const { browser, tokens } = await codeFlow(server, app, 'ada', { extra: { scope } })
    const again = await codeFlow(server, app, 'ada', { extra: { scope, prompt: 'login' }, browser })
    const thrice = await codeFlow(server, app, 'ada', { extra: { scope, prompt: 'login' }, browser })
    const elsewhere = await codeFlow(server, app, 'ada', { extra: { scope } })
    expect((await refresh(elsewhere.tokens.refresh_token)).status).toBe(200)
    await signOut(browser)
    for (const one of [tokens, again.tokens, thrice.tokens]) {
      expectTokenError(await refresh(one.refresh_token), 'invalid_grant')
      expect((await userinfo(server, one.access_token)).status).toBe(401)
    }
    expect((await userinfo(server, elsewhere.tokens.access_token)).status, 'another browser is not touched').toBe(200)
  })

  test('somebody else who signs in signs out who was there before, offline access apart', async () => {
    const { browser, tokens } = await codeFlow(server, app, 'bob', { extra: { scope } })
    const kept = await codeFlow(server, app, 'bob', { extra: { scope: `${scope} offline_access` }, browser })
    const next = await codeFlow(server, app, 'dora', { extra: { scope, prompt: 'login' }, browser })
    expectTokenError(await refresh(tokens.refresh_token), 'invalid_grant')
    expect((await refresh(kept.tokens.refresh_token)).status).toBe(200)
    expect((await refresh(next.tokens.refresh_token)).status).toBe(200)
  })
})

describe('B22 two people in one browser', () => {
  test('the consent page that one of them read is no consent of the other', async () => {
    const shared = await server.makeClient({ client_id: 'shared' })
    const browser = createBrowser(server.url)
    const asBob = await signInFor(server, browser, authorizeUrl(shared), 'bob')
    expect(asBob.text).toContain('<form id="consent"')
    // Another tab.
    await submit(browser, await browser.ask('/signin'), 'sign-in', { username: 'dora', password })
    const answer = await attack(house, () => submit(browser, asBob, 'consent', { decision: 'allow' }))
    expectPage(answer, 'access_denied', 403)
    // Who reads the page himself may agree.
    const asDora = await follow(server, browser, await browser.ask(authorizeUrl(shared)))
    expect(asDora.text).toContain('dora')
    const back = new URL((await submit(browser, asDora, 'consent', { decision: 'allow' })).location ?? '')
    const code = back.searchParams.get('code') ?? ''
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier }
    const { id_token } = (await tokenRequest(server, shared, form)).json()
    const dora = await server.core.directory.user(String(claimsOf(String(id_token))['sub']))
    expect(dora?.username).toBe('dora')
  })

  test('"continue as" one of them does not go on as the other', async () => {
    const { browser } = await codeFlow(server, app, 'bob')
    const page = await follow(server, browser, await browser.ask(authorizeUrl(app, { prompt: 'select_account' })))
    expect(page.text).toContain('<form id="continue"')
    await codeFlow(server, app, 'dora', { extra: { prompt: 'login' }, browser })
    const answer = await attack(house, () => submit(browser, page, 'continue', { decision: 'continue' }))
    expectPage(answer, 'access_denied', 403)
    const asDora = await follow(server, browser, await browser.ask(authorizeUrl(app, { prompt: 'select_account' })))
    expect(asDora.text).toContain('dora')
    const on = await follow(server, browser, await submit(browser, asDora, 'continue', { decision: 'continue' }))
    expect(new URL(on.location ?? '').searchParams.get('code')).toMatch(/^gth_ac_/)
  })
})

describe('with two of anything on a page or in its form another parser might take the other', () => {
  test.each([
    ['consent', { decision: ['deny', 'allow'] }],
    ['continue', { decision: ['switch', 'continue'] }],
  ] as const)('%s', async (form, twice) => {
    const client = await server.makeClient({ client_id: `twice-${form}` })
    const { browser } = await codeFlow(server, app, 'bob')
    const url = authorizeUrl(client, { prompt: form === 'consent' ? 'consent' : 'select_account' })
    const page = await follow(server, browser, await browser.ask(url))
    expectPage(await attack(house, () => submit(browser, page, form, twice)), 'invalid_request')
    // The honest one of the same page still goes on.
    expect((await submit(browser, page, form, { decision: twice.decision[1] })).status).toBe(303)
    expectPage(await attack(house, () => browser.ask(`/${form}?interaction=a&interaction=b`)), 'invalid_request')
  })

  test.each(['/signin', '/signup'])('%s', async (path) => {
    const twice = `${path}?interaction=a&interaction=b`
    expectPage(await attack(house, () => createBrowser(server.url).ask(twice)), 'invalid_request')
  })
})

describe('an API that is gone', () => {
  const machine = { grant_type: 'client_credentials', scope: 'read' }
  const document = (resource: string) => ({ resource, scope: 'read write', introspection_clients: ['app'] })

  test('forgotten, its tokens are inactive for everybody, the client that they were issued to as well', async () => {
    await server.makeResource(document('https://gone.example'))
    const { access_token } = (await tokenRequest(server, app, { ...machine, resource: 'https://gone.example' })).json()
    expect((await introspect(server, app, String(access_token)))['active']).toBe(true)
    await deleteResource(server.core, { kind: 'cli' }, 'https://gone.example')
    expect(await introspect(server, app, String(access_token))).toEqual({ active: false })
  })

  test('switched off because it left the file, too', async () => {
    const parsed = parseResourceDocument(document('https://off.example'), server.url)
    if (!('resource' in parsed)) throw new Error(parsed.problem)
    await applyFileEntries(server.core, { clients: [], resources: [parsed.resource] })
    const { access_token } = (await tokenRequest(server, app, { ...machine, resource: 'https://off.example' })).json()
    expect((await introspect(server, app, String(access_token)))['active']).toBe(true)
    await applyFileEntries(server.core, { clients: [], resources: [] })
    expect(await introspect(server, app, String(access_token))).toEqual({ active: false })
  })
})

describe('C20 fake-200', () => {
  test('a token of a key that this process has not seen yet is revoked all the same', async () => {
    const { tokens } = await codeFlow(server, app, 'ada')
    const { keys } = server.core
    const whole = { ...keys }
    let known = false
    Object.assign(keys, {
      secretById: (...asked: Parameters<typeof keys.secretById>) => (known ? whole.secretById(...asked) : undefined),
      learn: async () => (known = true),
    })
    const headers = { authorization: app.basic }
    const form = { token: tokens.refresh_token }
    const answer = await createBrowser(server.url).ask('/oauth/revoke', { form, headers })
    Object.assign(keys, whole)
    expect(answer.status).toBe(200)
    const again = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }
    expectTokenError(await tokenRequest(server, app, again), 'invalid_grant')
  })
})

test('the honest flow goes through without a page where all is agreed', async () => {
  const { browser } = await codeFlow(server, app, 'ada')
  expect((await authorize(server, browser, authorizeUrl(app), 'ada')).searchParams.get('code')).toMatch(/^gth_ac_/)
})
