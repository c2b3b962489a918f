import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { changeClient, deleteClient } from '../../src/accounts/change-client.ts'
import { createClient } from '../../src/accounts/create-client.ts'
import { applyFileEntries } from '../../src/accounts/file-entries.ts'
import { parseClientMetadata } from '../../src/protocol/client-metadata.ts'
import { isRefusal } from '../../src/protocol/errors.ts'
import { routesOf } from '../../src/server/routes.ts'
import { createBrowser, formBody, type Answer, type Browser } from '../kit/browser.ts'
import { authorize, authorizeUrl, codeFlow, follow, submit, tokenRequest, verifier, type Extra } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { sendRaw, statusOf } from '../server/support/raw.ts'
import { evilRedirects } from './evil-redirects.ts'
import { attack, changed, expectPage, expectTokenError, inTurn, stateOf, type House } from './support.ts'

let server: TestGatehouse
let house: House
let app: MadeClient
let cli: MadeClient
/** Signed in as ada, who has agreed to `app`: an honest request gets its code at once. */
let ada: Browser
let idToken: string

const good = 'https://app.example/cb'
const back = 'https://app.example/bye'

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada')
  app = await server.makeClient({ post_logout_redirect_uris: [back] })
  cli = await server.makeClient({
    client_id: 'cli',
    redirect_uris: ['http://127.0.0.1/cb'],
    post_logout_redirect_uris: ['http://127.0.0.1/cb'],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
  })
  const flow = await codeFlow(server, app, 'ada')
  ada = flow.browser
  idToken = flow.tokens.id_token
  house = { server, app, secrets: [password, app.secret, flow.tokens.refresh_token, ...ada.cookies.values()] }
})
afterAll(() => server.close())

const methods = ['GET', 'POST'] as const

/** An authorization request, its parameters in the query or in the form. */
function ask(
  method: 'GET' | 'POST',
  client: MadeClient,
  extra: Extra,
  browser = createBrowser(server.url),
): Promise<Answer> {
  return askRaw(method, authorizeUrl(client, extra).split('?')[1] ?? '', browser)
}

function askRaw(method: 'GET' | 'POST', parameters: string, browser = createBrowser(server.url)): Promise<Answer> {
  if (method === 'GET') return browser.ask(`/oauth/authorize?${parameters}`)
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return browser.ask('/oauth/authorize', { method, headers, body: parameters })
}

/** Why the account's commands refuse such a client; nothing was stored. */
async function registration(fields: Readonly<Record<string, unknown>>) {
  const before = await stateOf(server)
  const made = await createClient(
    server.core,
    { kind: 'cli' },
    { client_id: 'evil', client_name: 'E', redirect_uris: [good], ...fields },
  )
  expect(changed(before, await stateOf(server))).toEqual([])
  if ('done' in made) throw new Error('it was registered')
  return made.refused
}

describe.each(methods)('family A by %s: a redirect URI that is not the registered one ends on a page', (method) => {
  test.each(evilRedirects.map((row) => [row.id, row.name, row] as const))(
    '%s %s',
    async (_id, _name, { client, uris }) => {
      const asking = client === 'cli' ? cli : app
      const answers = await attack(house, () =>
        inTurn(uris, (redirect_uri) => ask(method, asking, { redirect_uri, response_mode: '' })),
      )
      for (const answer of answers) expectPage(answer)
    },
  )

  test.each(evilRedirects.map((row) => [row.id, row.name, row] as const))(
    'A22 late-check with %s %s: a live session and prior consent change nothing, and the sign-in page is never reached',
    async (_id, _name, { uris }) => {
      const answers = await attack(house, () =>
        inTurn(uris, (redirect_uri) => ask(method, app, { redirect_uri, prompt: 'none' }, ada)),
      )
      for (const answer of answers) expectPage(answer)
    },
  )

  test('A14 script-scheme: not with form_post either', async () => {
    for (const uri of ['javascript:alert(1)//', 'data:text/html,x', 'vbscript:x']) {
      expectPage(await attack(house, () => ask(method, app, { redirect_uri: uri, response_mode: 'form_post' })))
    }
  })

  test('A15 duplicate-param: with two of anything another parser might take the other', async () => {
    const [, parameters = ''] = authorizeUrl(app).split('?')
    const twice = [
      `${parameters}&redirect_uri=https%3A%2F%2Fevil.example%2Fcb`,
      `redirect_uri=https%3A%2F%2Fevil.example%2Fcb&${parameters}`,
      `${parameters}&redirect_uri=${encodeURIComponent(good)}`,
      `${parameters}&redirect_uri=`,
      `${parameters}&%72edirect_uri=https%3A%2F%2Fevil.example`,
      `${parameters}&client_id=cli`,
      `${parameters}&state=other`,
      `${parameters}&scope=admin`,
      `${parameters}&response_type=token`,
      `${parameters}&response_mode=query&response_mode=form_post`,
      `${parameters}&code_challenge=x`,
      `${parameters}&nobody_knows=1&nobody_knows=2`,
    ]
    for (const answer of await attack(house, () => inTurn(twice, (one) => askRaw(method, one)))) expectPage(answer)
  })

  test('A15 duplicate-param: names near the real one are other names', async () => {
    const [, parameters = ''] = authorizeUrl(app, { prompt: 'none' }).split('?')
    const near = ['Redirect_uri', 'redirect_uri[]', 'redirect_uri.x', 'redirect-uri', 'redirect_uri%20'].map(
      (name) => `${parameters}&${name}=https%3A%2F%2Fevil.example%2Fcb`,
    )
    const answers = await attack(house, () => inTurn(near, (one) => askRaw(method, one)), { writes: ['interaction'] })
    for (const answer of answers) {
      expect(answer.status).toBe(303)
      expect(answer.location).not.toContain('evil')
    }
  })

  test('A21 omitted: PAGE where several are registered, the one where there is one', async () => {
    const two = await server.makeClient({
      client_id: `two-${method.toLowerCase()}`,
      redirect_uris: [good, 'https://app.example/other'],
    })
    expectPage(await attack(house, () => ask(method, two, { redirect_uri: '' })))
    const alone = await ask(method, app, { redirect_uri: '', response_type: 'foo' })
    expect(alone.location).toMatch(/^https:\/\/app\.example\/cb\?error=unsupported_response_type/)
  })

  test('A23 unknown-client: PAGE, never a redirect', async () => {
    const nobody = [
      'nope',
      '',
      'APP',
      'app ',
      ' app',
      'app\u200b',
      'ａｐｐ',
      '__proto__',
      'constructor',
      '*',
      "app' OR 1=1--",
    ]
    const uris = ['https://evil.example/cb', good]
    const asked = nobody.flatMap((clientId) => uris.map((redirect_uri) => ({ clientId, redirect_uri })))
    const answers = await attack(house, () =>
      inTurn(asked, ({ clientId, redirect_uri }) => ask(method, app, { client_id: clientId, redirect_uri })),
    )
    for (const [index, answer] of answers.entries()) {
      expectPage(answer, asked[index]?.clientId === '' ? 'invalid_request' : 'unauthorized_client')
    }
  })
})

describe('family A: what the registered URI itself may be', () => {
  test.each(
    evilRedirects.filter((row) => row.registrable === undefined).map((row) => [row.id, row.name, row] as const),
  )('%s %s: it cannot be registered either, for redirects or for sign-out', async (_id, _name, { uris }) => {
    for (const uri of uris) {
      expect(await registration({ redirect_uris: [uri] }), uri).toMatchObject({
        status: 400,
        field: 'redirect_uris[0]',
      })
      expect(await registration({ redirect_uris: [good, uri] }), uri).toMatchObject({ status: 400 })
      expect(await registration({ post_logout_redirect_uris: [uri] }), uri).toMatchObject({ status: 400 })
    }
  })

  test('A27 private-scheme: only a reversed domain with one slash', async () => {
    const bad = [
      'com.example.app://cb',
      'myapp:/cb',
      'myapp://cb',
      'com.example.app:cb',
      'COM.example.app:/cb',
      'com.example.app:///cb',
      'com.example.app:',
    ]
    for (const uri of bad) expect(await registration({ redirect_uris: [uri] }), uri).toMatchObject({ status: 400 })
    const native = await server.makeClient({
      client_id: 'native',
      redirect_uris: ['com.example.app:/cb'],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
    })
    for (const redirect_uri of [
      'com.example.app://cb',
      'com.example.app:/CB',
      'com.example.app:/cb/',
      'com.example.other:/cb',
    ]) {
      expectPage(await attack(house, () => ask('GET', native, { redirect_uri })))
    }
    const answer = await ask('GET', native, { redirect_uri: 'com.example.app:/cb', prompt: 'none', scope: 'openid' })
    expect(answer.location).toMatch(/^com\.example\.app:\/cb\?error=login_required&/)
  })

  test('A27 private-scheme: form_post cannot reach an app, which is said by query', async () => {
    const native = await server.makeClient({
      client_id: 'native-post',
      redirect_uris: ['com.example.app:/cb'],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
    })
    const answer = await attack(house, () =>
      ask('GET', native, { redirect_uri: 'com.example.app:/cb', response_mode: 'form_post' }),
    )
    expect(answer.status).toBe(303)
    expect(answer.location).toMatch(/^com\.example\.app:\/cb\?error=invalid_request&/)
  })
})

describe('family A: what is allowed goes where it must', () => {
  test('A10 loopback-port: any port of the registered loopback address, and the code goes to that port', async () => {
    for (const port of ['', ':1', ':51004', ':65535']) {
      const redirect_uri = `http://127.0.0.1${port}/cb`
      const to = await authorize(server, ada, authorizeUrl(cli, { redirect_uri, scope: 'openid' }), 'ada')
      expect(to.href.startsWith(`${new URL(redirect_uri).href}?code=gth_ac_`)).toBe(true)
    }
  })

  test('A16 code-pollution: whatever state and nonce hold, the response has one code', async () => {
    const states = [
      'x&code=ATTACKER',
      'x#code=ATTACKER',
      '?code=ATTACKER',
      'x%26code%3DATTACKER',
      'x;code=ATTACKER',
      '&&iss=evil',
    ]
    for (const state of states) {
      const { location = '' } = await ada.ask(authorizeUrl(app, { state }))
      expect(location.match(/[?&#;]code=/g)).toHaveLength(1)
      expect(location.match(/[?&#;]iss=/g)).toHaveLength(1)
      expect(new URL(location).searchParams.getAll('state')).toEqual([state])
    }
  })

  test('A21 omitted: at the token step a missing redirect_uri is fine, another one is invalid_grant', async () => {
    const [first, second] = [await code(), await code()]
    const fine = await tokenRequest(server, app, {
      grant_type: 'authorization_code',
      code: first,
      code_verifier: verifier,
    })
    expect(fine.status).toBe(200)
    const other = await attack(
      house,
      () =>
        tokenRequest(server, app, {
          grant_type: 'authorization_code',
          code: second,
          code_verifier: verifier,
          redirect_uri: 'https://app.example/other',
        }),
      { writes: ['grant', 'event'], secrets: [second] },
    )
    expectTokenError(other, 'invalid_grant')

    async function code(): Promise<string> {
      return new URL((await ada.ask(authorizeUrl(app))).location ?? '').searchParams.get('code') ?? ''
    }
  })
})

describe('A20 header-split: no byte of a request becomes a line of the answer', () => {
  const injected = /^(?:set-cookie|x-evil|location):.*(?:x=1|evil)/im

  test.each([
    ['CRLF', '%0d%0aSet-Cookie:x=1'],
    ['LF', '%0aSet-Cookie:x=1'],
    ['CR', '%0dSet-Cookie:x=1'],
    ['NUL', '%00'],
    ['a tab', '%09'],
    ['a space', '%20'],
    ['a space as +', '+'],
    ['U+560A U+560D, whose low bytes are LF and CR', '%E5%98%8A%E5%98%8DSet-Cookie:x=1'],
    ['U+2028', '%E2%80%A8Set-Cookie:x=1'],
    ['U+0085', '%C2%85Set-Cookie:x=1'],
    ['double-encoded CRLF', '%250d%250aSet-Cookie:x=1'],
  ])('in the redirect URI: %s', async (_name, tail) => {
    const path = `/oauth/authorize?client_id=app&response_type=code&redirect_uri=https://app.example/cb${tail}`
    const answer = await attack(house, () => raw(`GET ${path} HTTP/1.1`))
    expect(statusOf(answer)).toBe(400)
    expect(head(answer.text)).not.toMatch(injected)
    expect(head(answer.text)).not.toMatch(/^location:/im)
  })

  // What is echoed, or stands in a Location of ours, for an honest client: the refusal carries `state`, the parking an id.
  test.each([
    ['state, CRLF', 'state=%0d%0aSet-Cookie:x=1'],
    ['state, low bytes', 'state=%E5%98%8A%E5%98%8DSet-Cookie:x=1'],
    ['state, latin1', 'state=%C4%8A%C4%8DSet-Cookie:x=1'],
    ['ui_locales', 'ui_locales=%0d%0aSet-Cookie:x=1'],
    ['login_hint', 'login_hint=%E5%98%8A%E5%98%8DSet-Cookie:x=1'],
    ['a name', '%0d%0aSet-Cookie:x=1'],
  ])('in %s', async (_name, parameter) => {
    const path = `/oauth/authorize?client_id=app&response_type=foo&redirect_uri=${encodeURIComponent(good)}&${parameter}`
    const answer = await attack(house, () => raw(`GET ${path} HTTP/1.1`))
    expect([303, 400]).toContain(statusOf(answer))
    expect(head(answer.text)).not.toMatch(injected)
    expect(answer.text.split('\r\n\r\n')[0]).not.toMatch(/[^\x20-\x7e\r\n]/)
  })

  test('in an interaction id, a return of sign-out and its state', async () => {
    const paths = [
      '/oauth/authorize/resume?interaction=a%0d%0aSet-Cookie:x=1',
      '/signin?interaction=%E5%98%8A%E5%98%8DSet-Cookie:x=1',
      `/oauth/logout?id_token_hint=${idToken}&post_logout_redirect_uri=${encodeURIComponent(back)}&state=%E5%98%8A%E5%98%8DSet-Cookie:x=1`,
    ]
    for (const path of paths) {
      const answer = await attack(house, () => raw(`GET ${path} HTTP/1.1`))
      expect(head(answer.text)).not.toMatch(injected)
      expect(head(answer.text)).not.toMatch(/[^\x20-\x7e\r\n]/)
    }
  })

  function raw(line: string) {
    return sendRaw(server.port, `${line}\r\nHost: localhost:${server.port}\r\nConnection: close\r\n\r\n`)
  }

  function head(text: string): string {
    return text.split('\r\n\r\n', 1)[0] ?? ''
  }
})

describe('A25 return-link: nobody outside names where sign-in ends', () => {
  const targets = [
    '//evil.example',
    '/\\evil.example',
    'https:evil.example',
    '\t//evil.example',
    'https://evil.example',
    'javascript:alert(1)',
    '/%09/evil.example',
    String.raw`\\evil.example`,
  ]
  const names = [
    'return_to',
    'returnTo',
    'return_url',
    'redirect',
    'redirect_uri',
    'next',
    'continue',
    'url',
    'goto',
    'rd',
    'post_login_redirect',
    'RelayState',
  ]

  test('in the query of the page, and in its form', async () => {
    for (const target of targets) {
      const query = formBody(Object.fromEntries(names.map((name) => [name, target])))
      const page = await attack(house, () => createBrowser(server.url).ask(`/signin?${query}`))
      // A control character ends it before anybody asks what the parameter is for.
      expect(page.status).toBe(target.includes('\t') ? 400 : 200)
      expect(page.text).not.toContain('evil')
    }
    // A right password is needed to see where it ends; each costs a hash.
    for (const target of targets.slice(0, 3)) {
      const browser = createBrowser(server.url)
      const query = formBody(Object.fromEntries(names.map((name) => [name, target])))
      const page = await browser.ask(`/signin?${query}`)
      const extra = Object.fromEntries(names.map((name) => [name, target]))
      const answer = await submit(browser, page, 'sign-in', { username: 'ada', password, ...extra })
      expect({ status: answer.status, location: answer.location }).toEqual({ status: 303, location: '/account' })
    }
  })
})

describe('A26 post-logout: the browser leaves only for a registered address, and only when an ID token vouches', () => {
  test.each(evilRedirects.map((row) => [row.id, row.name, row] as const))(
    '%s %s',
    async (_id, _name, { client, uris }) => {
      const asking = client === 'cli' ? 'cli' : 'app'
      const hint = client === 'cli' ? {} : { id_token_hint: idToken }
      const asked = uris.map((post_logout_redirect_uri) => ({
        ...hint,
        client_id: asking,
        post_logout_redirect_uri,
        state: 's',
      }))
      const answers = await attack(house, async () => [
        ...(await inTurn(asked, (form) => createBrowser(server.url).ask(`/oauth/logout?${formBody(form)}`))),
        ...(await inTurn(asked, (form) => createBrowser(server.url).ask('/oauth/logout', { form }))),
      ])
      for (const answer of answers) {
        expect(answer.location).toBeUndefined()
        // A control character isn't even read; everything else is simply not followed.
        expect([200, 400]).toContain(answer.status)
        expect(answer.text).not.toContain('href="http')
      }
    },
  )

  test('the honest one is followed with a hint, and is a link without', async () => {
    const honest = { post_logout_redirect_uri: back, client_id: 'app', state: 's' }
    const hinted = await createBrowser(server.url).ask(
      `/oauth/logout?${formBody({ ...honest, id_token_hint: idToken })}`,
    )
    expect(hinted.location).toBe(`${back}?state=s`)
    const unhinted = await createBrowser(server.url).ask(`/oauth/logout?${formBody(honest)}`)
    expect(unhinted.location).toBeUndefined()
    expect(unhinted.text).toContain(`href="${back}"`)
  })

  test('a hint of another client, a forged one, and one whose client_id disagrees open nothing', async () => {
    const forged = `${idToken.slice(0, -4)}AAAA`
    for (const form of [
      { id_token_hint: idToken, client_id: 'cli' },
      { id_token_hint: forged, client_id: 'app' },
      { id_token_hint: 'x' },
      { id_token_hint: idToken.replace(/\.[^.]*$/, '.') },
    ]) {
      const answer = await attack(house, () =>
        createBrowser(server.url).ask('/oauth/logout', { form: { ...form, post_logout_redirect_uri: back } }),
      )
      expect({ status: answer.status, location: answer.location }).toEqual({ status: 200, location: undefined })
    }
  })

  test('A15 here: two of anything', async () => {
    const once = formBody({ id_token_hint: idToken, post_logout_redirect_uri: back, state: 's' })
    for (const twice of [
      `post_logout_redirect_uri=https%3A%2F%2Fevil.example`,
      'state=t',
      'client_id=app&client_id=cli',
      `id_token_hint=${idToken}`,
    ]) {
      expectPage(await attack(house, () => createBrowser(server.url).ask(`/oauth/logout?${once}&${twice}`)))
    }
  })
})

test('A28 status-307: every redirect after a POST is a 303 that carries no credentials', async () => {
  const browser = createBrowser(server.url)
  const posts: Answer[] = []
  const [, parameters = ''] = authorizeUrl(app, { prompt: 'login select_account consent' }).split('?')
  posts.push(await askRaw('POST', parameters, browser))
  let page = await follow(server, browser, posts[0] as Answer)
  for (const [id, fields] of [
    ['sign-in', { username: 'ada', password }],
    ['consent', { decision: 'allow' }],
  ] as const) {
    posts.push(await submit(browser, page, id, fields))
    page = await follow(server, browser, posts.at(-1) as Answer)
  }
  const chooser = await follow(server, browser, await browser.ask(authorizeUrl(app, { prompt: 'select_account' })))
  posts.push(await submit(browser, chooser, 'continue', { decision: 'switch' }))
  const again = await follow(server, browser, await browser.ask(authorizeUrl(app, { prompt: 'consent' })))
  posts.push(await submit(browser, again, 'consent', { decision: 'deny' }))
  const plain = await browser.ask('/signin')
  posts.push(await submit(browser, plain, 'sign-in', { username: 'ada', password }))
  posts.push(
    await createBrowser(server.url).ask('/oauth/logout', {
      form: { id_token_hint: idToken, post_logout_redirect_uri: back },
    }),
  )
  expect(posts.map(({ status }) => status)).toEqual(posts.map(() => 303))
  for (const { location = '' } of posts) {
    expect(location).not.toMatch(/password|username|csrf/)
    expect(location).not.toContain(encodeURIComponent(password))
  }
})

describe('A30 outside parameters: a parked request is what it was', () => {
  test('resume, sign-in and consent with another redirect_uri, client and scope beside the id', async () => {
    const evil = formBody({
      redirect_uri: 'https://evil.example/cb',
      client_id: 'cli',
      scope: 'openid admin',
      response_mode: 'fragment',
      state: 'evil',
      code_challenge: 'x'.repeat(43),
    })
    const parked = await ask('POST', app, { prompt: 'consent', scope: 'openid' })
    const bound = await ada.ask(`${parked.location}&${evil}`)
    const page = await follow(server, ada, await ada.ask(`${bound.location}&${evil}`))
    const [, id] = /name="interaction" value="([^"]+)"/.exec(page.text) ?? []
    const consent = await ada.ask(`/consent?interaction=${id}&${evil}`)
    expect(consent.text).not.toContain('evil')
    const answer = await submit(ada, consent, 'consent', {
      decision: 'allow',
      redirect_uri: 'https://evil.example/cb',
      client_id: 'cli',
      state: 'evil',
    })
    const to = new URL(answer.location ?? '')
    expect(`${to.origin}${to.pathname}`).toBe(good)
    expect(to.searchParams.get('state')).toBe('a state')
    const tokens = await tokenRequest(server, app, {
      grant_type: 'authorization_code',
      code: to.searchParams.get('code') ?? '',
      code_verifier: verifier,
    })
    expect(tokens.json()['scope']).toBe('openid')
  })

  test('request and request_uri are refused, whatever stands beside them', async () => {
    for (const [name, error] of [
      ['request', 'request_not_supported'],
      ['request_uri', 'request_uri_not_supported'],
    ] as const) {
      const answer = await attack(house, () => ask('GET', app, { [name]: 'urn:ietf:params:oauth:request_uri:x' }, ada))
      expect(answer.location).toMatch(new RegExp(`^https://app\\.example/cb\\?error=${error}&`))
    }
  })
})

test('A29 fragment-reattach: to a client that redirects on, an answer in the query ends with a fragment of its own', async () => {
  const onward = await server.makeClient({ client_id: 'onward', legacy: ['open_redirector'] })
  const browser = createBrowser(server.url)
  // RFC 9700 §4.1.3: a browser carries a fragment along over redirects that have none themselves.
  const answers = [
    await authorize(server, browser, authorizeUrl(onward), 'ada'),
    new URL((await browser.ask(authorizeUrl(onward, { prompt: 'none', scope: 'unknown' }))).location ?? ''),
  ]
  expect(answers.map(({ searchParams }) => [...searchParams.keys()].includes('iss'))).toEqual([true, true])
  expect(answers.map(({ hash }) => hash)).toEqual(['#_', '#_'])
  expect((await authorize(server, browser, authorizeUrl(app), 'ada')).href).not.toContain('#')
})

describe('A31 dead-client: what changed after the request was parked counts', () => {
  const actor = { kind: 'cli' } as const
  const changes: readonly (readonly [string, (clientId: string) => Promise<unknown>, string])[] = [
    ['deleted', (clientId) => deleteClient(server.core, { actor, clientId }), 'unauthorized_client'],
    [
      'given another redirect URI',
      (clientId) =>
        changeClient(server.core, { actor, clientId, fields: { redirect_uris: ['https://app.example/new'] } }),
      'invalid_request',
    ],
  ]

  test.each(changes)('%s between parking and sign-in, and between sign-in and consent', async (name, change, error) => {
    for (const [index, steps] of [0, 1].entries()) {
      const client = await server.makeClient({ client_id: `dead-${index}-${name.length}` })
      const browser = createBrowser(server.url)
      let page = await follow(server, browser, await browser.ask(authorizeUrl(client)))
      if (steps === 1)
        page = await follow(server, browser, await submit(browser, page, 'sign-in', { username: 'ada', password }))
      await change(client.clientId)
      const last =
        steps === 0
          ? await submit(browser, page, 'sign-in', { username: 'ada', password })
          : await attack(house, () => submit(browser, page, 'consent', { decision: 'allow' }))
      expectPage(last, error)
    }
  })

  test('switched off by its file', async () => {
    const metadata = parseClientMetadata({
      client_id: 'filed',
      redirect_uris: [good],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      scope: 'openid',
    })
    if (isRefusal(metadata)) throw new Error('refused')
    await applyFileEntries(server.core, { clients: [{ metadata: { ...metadata, clientId: 'filed' } }], resources: [] })
    const page = await follow(server, ada, await ada.ask(authorizeUrl({ clientId: 'filed' }, { scope: 'openid' })))
    await applyFileEntries(server.core, { clients: [], resources: [] })
    expectPage(await attack(house, () => submit(ada, page, 'consent', { decision: 'allow' })), 'unauthorized_client')
    expectPage(
      await attack(house, () => ada.ask(authorizeUrl({ clientId: 'filed' }, { scope: 'openid' }))),
      'unauthorized_client',
    )
  })
})

describe('A32 matrix-path: each route has one spelling', () => {
  test('every other spelling of every path is 404 or 400, whatever the method', async () => {
    const routes = routesOf(server.core).filter(({ path }) => path !== '/')
    const wrong: string[] = []
    const requests: string[] = []
    for (const { method, path } of routes) {
      const concrete = path.replaceAll(/:[^/]+/g, 'x')
      const endsOpen = /:[^/]+$/.test(path)
      for (const other of spellings(concrete)) {
        // Behind an id these are other ids, not other spellings.
        if (other === concrete || (endsOpen && /(?:%20|\.\.|\.json)$/.test(other))) continue
        requests.push(
          `${method} ${other} HTTP/1.1\r\nHost: localhost:${server.port}\r\n${method === 'GET' ? '' : 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n'}Connection: close\r\n\r\n`,
        )
      }
    }
    await attack(house, async () => {
      for (let at = 0; at < requests.length; at += 20) {
        const batch = requests.slice(at, at + 20)
        const answers = await Promise.all(batch.map((bytes) => sendRaw(server.port, bytes, 5_000)))
        for (const [index, answer] of answers.entries()) {
          if (![400, 404].includes(statusOf(answer)))
            wrong.push(`${batch[index]?.split('\r\n', 1)[0]} → ${statusOf(answer)}`)
        }
      }
      return []
    })
    expect(wrong).toEqual([])
    expect(requests.length).toBeGreaterThan(routes.length * 10)
  })

  function spellings(path: string): readonly string[] {
    const last = path.lastIndexOf('/')
    const letter = path.search(/[a-z]/)
    const escaped = `${path.slice(0, letter)}%${path.charCodeAt(letter).toString(16)}${path.slice(letter + 1)}`
    return [
      `${path};a=b`,
      `${path.slice(0, last)};x${path.slice(last)}`,
      `/${path}`,
      `${path.slice(0, last)}/${path.slice(last)}`,
      `${path}/`,
      `${path}/.`,
      `/.${path}`,
      `/x/..${path}`,
      `/x/%2e%2e${path}`,
      `${path.slice(0, last)}/./${path.slice(last + 1)}`,
      escaped,
      path.toUpperCase(),
      `${path}%20`,
      `${path}%00`,
      `${path}%2f`,
      path.replaceAll('/', '%2f').replace('%2f', '/'),
      path.replaceAll('/', '\\'),
      `${path}..`,
      `${path}.json`,
    ]
  }
})
