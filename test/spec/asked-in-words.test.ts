import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { announce } from '../../src/domain/change.ts'
import { put, ref } from '../../src/domain/record.ts'
import { transition } from '../../src/store/transition.ts'
import { createBrowser, type Answer, type Browser } from '../kit/browser.ts'
import {
  authorize,
  authorizeUrl,
  claimsOf,
  codeFlow,
  follow,
  signInFor,
  submit,
  tokenRequest,
  userinfo,
  verifier,
  type Tokens,
} from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { expectRedirect } from '../attacks/support.ts'

let server: TestGatehouse
let app: MadeClient

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada', { email: 'ada@example.org' })
  app = await server.makeClient()
})
afterAll(() => server.close())

const email = '{"id_token":{"email":null},"userinfo":{"email":{"essential":true},"email_verified":null}}'
const seeEmail = 'See your email address'

/** What the application gets once the page of consent has been answered so. */
async function tokensAfter(browser: Browser, page: Answer, boxes: readonly string[], client = app): Promise<Tokens> {
  const done = await submit(browser, page, 'consent', { decision: 'allow', scope: boxes })
  const code = new URL(done.location ?? '').searchParams.get('code') ?? ''
  const answer = await tokenRequest(server, client, {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
  })
  return answer.json() as Tokens
}

const told = async ({ id_token, access_token }: Tokens) => [
  claimsOf(id_token)['email'],
  (await userinfo(server, access_token)).json()['email'],
]

describe('OIDC Core §5.5: claims that are asked for one by one', () => {
  const url = () => authorizeUrl(app, { scope: 'openid', claims: email })

  test('stand in words on the page of consent, with a box, and are told once allowed', async () => {
    const browser = createBrowser(server.url)
    const page = await signInFor(server, browser, url(), 'ada')
    expect(page.text).toContain(seeEmail)
    const tokens = await tokensAfter(browser, page, ['openid', 'email'])
    expect(tokens.scope).toBe('openid')
    expect(await told(tokens)).toEqual(['ada@example.org', 'ada@example.org'])
    expect((await browser.ask(url())).location).toContain('code=')
  })

  test('are not told where the box was emptied, and asked again the next time', async () => {
    const other = await server.makeClient({ client_id: 'other' })
    const browser = createBrowser(server.url)
    const asked = authorizeUrl(other, { scope: 'openid', claims: email })
    const page = await signInFor(server, browser, asked, 'ada')
    expect(await told(await tokensAfter(browser, page, ['openid'], other))).toEqual([undefined, undefined])
    expect((await follow(server, browser, await browser.ask(asked))).text).toContain(seeEmail)
  })

  test('nor where the box of their scope was', async () => {
    const third = await server.makeClient({ client_id: 'third' })
    const browser = createBrowser(server.url)
    const page = await signInFor(server, browser, authorizeUrl(third, { scope: 'openid email', claims: email }), 'ada')
    expect(page.text.split(seeEmail)).toHaveLength(2)
    expect(await told(await tokensAfter(browser, page, ['openid'], third))).toEqual([undefined, undefined])
  })

  test('are within what the client registered, like its scope', async () => {
    const small = await server.makeClient({ client_id: 'small', scope: 'openid offline_access' })
    const flow = await codeFlow(server, small, 'ada', { extra: { scope: 'openid', claims: email } })
    expect(await told(flow.tokens)).toEqual([undefined, undefined])
  })

  test('need no consent where the scope that says the same has it, or where they tell of the sign-in alone', async () => {
    const fourth = await server.makeClient({ client_id: 'fourth' })
    const { browser } = await codeFlow(server, fourth, 'ada', { extra: { scope: 'openid email' } })
    const claims = '{"id_token":{"email":null,"auth_time":{"essential":true},"acr":null}}'
    const answer = await browser.ask(authorizeUrl(fourth, { scope: 'openid', prompt: 'none', claims }))
    expect(answer.location).toContain('code=')
  })
})

describe('RFC 8707 §2: the APIs of an authorization request', () => {
  beforeAll(async () => {
    for (const name of ['one', 'two'])
      await server.makeResource({ resource: `https://${name}.example`, resource_name: `Api ${name}`, scope: 'read' })
  })
  const scope = 'openid read'

  test('one that nobody knows is refused before anybody signs in', async () => {
    const asked = authorizeUrl(app, { scope: 'openid', resource: 'https://unknown.example' })
    expectRedirect(await createBrowser(server.url).ask(asked), server, 'invalid_target')
  })

  test('so is one that was switched off', async () => {
    const at = ref('resource', 'https://off.example')
    await server.makeResource({ resource: at.id, scope: 'read' })
    const noteId = server.core.random.id(server.core.clock.millis())
    await transition(server.core.transition, { slot: at }, ({ slot }, now) => {
      if (slot.value === undefined) throw new Error('the API is gone')
      const off = put(slot, { ...slot.value, disabled: true }, { expiresAt: null })
      return { writes: [off, announce(noteId, slot, now)], result: undefined }
    })
    const answer = await createBrowser(server.url).ask(authorizeUrl(app, { scope: 'openid', resource: at.id }))
    expectRedirect(answer, server, 'invalid_target')
  })

  test('this server is one', async () => {
    const browser = createBrowser(server.url)
    const back = await authorize(server, browser, authorizeUrl(app, { scope: 'openid', resource: server.url }), 'ada')
    expect(back.searchParams.get('code')).toMatch(/^gth_ac_/)
  })

  test('each that knows a scope is named beside it', async () => {
    const reader = await server.makeClient({ client_id: 'reader', scope })
    const asked = `${authorizeUrl(reader, { scope, resource: 'https://one.example' })}&resource=https%3A%2F%2Ftwo.example`
    const page = await signInFor(server, createBrowser(server.url), asked, 'ada')
    expect(page.text).toContain('at Api one and Api two')
  })
})

describe('RFC 8707 §2: what several APIs say of one scope', () => {
  const apis: Readonly<Record<string, string | undefined>> = {
    letters: 'Read your letters',
    mail: 'Read your letters',
    money: 'Read <b>your accounts</b>',
    mute: undefined,
  }
  beforeAll(async () => {
    for (const [name, words] of Object.entries(apis))
      await server.makeResource({
        resource: `https://${name}.example`,
        resource_name: `Api ${name}`,
        scope: 'peek constructor',
        ...(words !== undefined && { scope_descriptions: { peek: words } }),
      })
  })
  let count = 0
  /** What stands in the box of that scope, line by line. */
  const asked = async (names: readonly string[], { language = 'en', scope = 'peek' } = {}) => {
    const client = await server.makeClient({ client_id: `peeker${(count += 1)}`, scope: `openid ${scope}` })
    const url = authorizeUrl(client, { scope: `openid ${scope}`, ui_locales: language })
    const resources = names.map((name) => `&resource=https%3A%2F%2F${name}.example`).join('')
    const page = await signInFor(server, createBrowser(server.url), url + resources, 'ada')
    const box = new RegExp(`value="${scope}" checked>([\\s\\S]*?)</label>`).exec(page.text)?.[1] ?? ''
    return [...box.matchAll(/<(strong|small)>(.*?)<\/\1>/g)].map(([, , text = '']) =>
      text.replaceAll(/<\/?bdi>/g, '').replaceAll(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code))),
    )
  }

  test('that is the same is said once', async () => {
    expect(await asked(['letters', 'mail'])).toEqual(['Read your letters', 'at Api letters and Api mail'])
    expect(await asked(['mute'])).toEqual(['Use the permission “peek”', 'at Api mute'])
    // What every object has is no description.
    expect(await asked(['letters'], { scope: 'constructor' })).toEqual([
      'Use the permission “constructor”',
      'at Api letters',
    ])
  })

  test('that differs is said of each by itself, in its own words', async () => {
    expect(await asked(['letters', 'money', 'mail'])).toEqual([
      'Use the permission “peek”',
      'Api letters: Read your letters',
      'Api money: Read &lt;b&gt;your accounts&lt;/b&gt;',
      'Api mail: Read your letters',
    ])
    expect((await asked(['money', 'letters'], { language: 'de' }))[0]).toBe('Die Berechtigung „peek“ nutzen')
  })

  test('of one is never said for another that says nothing', async () => {
    expect(await asked(['mute', 'letters'])).toEqual([
      'Use the permission “peek”',
      'Api mute: Use the permission “peek”',
      'Api letters: Read your letters',
    ])
  })
})

test('an API of which no scope is asked is named too: it learns who the person is', async () => {
  const resource = 'https://quiet.example'
  await server.makeResource({ resource, resource_name: 'Quiet api', scope: 'hum' })
  const curious = await server.makeClient({ client_id: 'curious', scope: 'openid hum' })
  const ask = async (scope: string) =>
    (await signInFor(server, createBrowser(server.url), authorizeUrl(curious, { scope, resource }), 'ada')).text
  expect(await ask('openid')).toContain('It may also show Quiet api who you are.')
  expect(await ask('openid hum')).not.toContain('It may also show')
})

describe('RFC 6749 §4.1.2: a code with a request for more than it holds', () => {
  const more = { scope: 'openid admin' } as const
  const redeem = (code: string, form: Readonly<Record<string, string>>, client = app): Promise<Answer> =>
    tokenRequest(server, client, { grant_type: 'authorization_code', code, code_verifier: verifier, ...form })

  test('is not used up by it', async () => {
    const back = await authorize(server, createBrowser(server.url), authorizeUrl(app), 'ada')
    const code = back.searchParams.get('code') ?? ''
    expect((await redeem(code, more)).json()).toMatchObject({ error: 'invalid_scope' })
    expect((await redeem(code, {})).status).toBe(200)
  })

  test.each([more, { resource: 'https://other.example' }])(
    'B07: a replay with %j revokes what it made',
    async (form) => {
      const { code, tokens } = await codeFlow(server, app, 'ada')
      expect((await redeem(code, form)).json()).toMatchObject({ error: 'invalid_grant' })
      expect((await userinfo(server, tokens.access_token)).status).toBe(401)
    },
  )

  test('B01, B09: of another client, or without its verifier, it burns', async () => {
    const thief = await server.makeClient({ client_id: 'thief' })
    for (const [form, client] of [
      [{ ...more, code_verifier: '' }, app],
      [more, thief],
    ] as const) {
      const back = await authorize(server, createBrowser(server.url), authorizeUrl(app), 'ada')
      const code = back.searchParams.get('code') ?? ''
      expect((await redeem(code, form, client)).json()).toMatchObject({ error: 'invalid_grant' })
      expect((await redeem(code, {})).json()).toMatchObject({ error: 'invalid_grant' })
    }
  })
})
