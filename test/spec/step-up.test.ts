import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endSession } from '../../src/accounts/end-session.ts'
import { findFactors } from '../../src/accounts/find-factors.ts'
import { identitiesOf } from '../../src/accounts/find-identity.ts'
import { linkIdentity } from '../../src/accounts/link-identity.ts'
import { mintToken } from '../../src/accounts/mint-token.ts'
import { revokeTokens } from '../../src/accounts/revoke-tokens.ts'
import { createResourceServer } from '../../src/resource/index.ts'
import { lifetimes } from '../../src/domain/lifetimes.ts'
import type { Session } from '../../src/domain/session.ts'
import { withDischarges } from '../../src/tokens/discharge-token.ts'
import { parseMacaroonText } from '../../src/tokens/macaroon-text.ts'
import { createBrowser, type Answer, type Browser } from '../kit/browser.ts'
import { authorizeUrl, claimsOf, codeFlow, follow, submit, tokenRequest, verifier, type Tokens } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { introspectCall, macaroonApi, makeMacaroonApi } from '../kit/macaroons.ts'
import { enrol, recoveryCodesOf, secretOf, sendCode, sendPassword, signedInBrowser } from '../kit/second-factor.ts'
import { plainPasswords } from '../kit/plain-passwords.ts'
import { totp } from '../../src/crypto/one-time-code.ts'

let server: TestGatehouse
let client: MadeClient
const cli = { kind: 'cli' } as const

beforeAll(async () => {
  server = await startGatehouse({
    passwords: plainPasswords,
    config: { users: { registration: 'closed', secondFactor: ['superuser'] } },
  })
  client = await server.makeClient()
})
afterAll(() => server.close())

let count = 0
/** Signed in by the password alone, from before an authenticator was set up in another browser. */
async function early() {
  const { username, userId } = await server.makeUser(`early${(count += 1)}`)
  const browser = await signedInBrowser(server, username)
  const app = await enrol(server, await signedInBrowser(server, username))
  server.clock.advance(30)
  return { username, userId, browser, app }
}

/** From wherever a request stands to its tokens, agreeing on the way. */
async function finish(browser: Browser, from: Answer, by = client): Promise<Tokens> {
  let answer = await follow(server, browser, from)
  if (answer.text.includes('<form id="consent"'))
    answer = await follow(server, browser, await submit(browser, answer, 'consent', { decision: 'allow' }))
  const code = new URL(answer.location ?? '').searchParams.get('code') ?? ''
  const got = await tokenRequest(server, by, { grant_type: 'authorization_code', code, code_verifier: verifier })
  expect(got.status, got.text).toBe(200)
  return got.json() as Tokens
}

const asksForCode = (answer: Answer) => answer.text.includes('<form id="one-time-code"')
const asksForPassword = (answer: Answer) => answer.text.includes('<form id="sign-in"')

describe('RFC 9470: acr_values', () => {
  test('a session that lacks the second factor is asked for it alone', async () => {
    const { username, userId, browser, app } = await early()
    const { tokens } = await codeFlow(server, client, username, { browser })
    const before = claimsOf(tokens.id_token)
    expect(before).toMatchObject({ acr: 'pwd', amr: ['pwd'] })
    server.clock.advance(60)
    const page = await follow(server, browser, await browser.ask(authorizeUrl(client, { acr_values: 'mfa' })))
    expect([asksForCode(page), asksForPassword(page)]).toEqual([true, false])
    const after = claimsOf((await finish(browser, await sendCode(browser, page, app.code()))).id_token)
    expect(after).toMatchObject({ acr: 'mfa', amr: ['pwd', 'otp', 'mfa'] })
    // As old as its oldest part, and another session than before (G03).
    expect(after['auth_time']).toBe(before['auth_time'])
    expect(after['sid']).not.toBe(before['sid'])
    // It doesn't live longer for it either.
    const ends = (await server.core.transition.store.list('session', userId, { limit: 10 })).records.map(
      ({ value }) => (value as Session).absoluteExpiresAt - (value as Session).authTime,
    )
    expect(Math.max(...ends)).toBeLessThanOrEqual(lifetimes.sessionAbsolute)
    // Who asks for less is told of less.
    const less = await browser.ask(authorizeUrl(client, { acr_values: 'pwd' }))
    expect(claimsOf((await finish(browser, less)).id_token)['acr']).toBe('pwd')
    // From now on nothing is asked.
    const again = await browser.ask(authorizeUrl(client, { acr_values: 'mfa', prompt: 'none' }))
    expect(new URL(again.location ?? '').searchParams.get('code')).not.toBeNull()
  })

  test('a session that is too old is asked for both', async () => {
    const { username, browser, app } = await early()
    server.clock.advance(120)
    const url = authorizeUrl(client, { acr_values: 'mfa', max_age: '60' })
    const page = await follow(server, browser, await browser.ask(url))
    expect(asksForPassword(page)).toBe(true)
    const code = await follow(server, browser, await submit(browser, page, 'sign-in', { username, password }))
    expect(asksForCode(code)).toBe(true)
    const claims = claimsOf((await finish(browser, await sendCode(browser, code, app.code()))).id_token)
    expect(claims['acr']).toBe('mfa')
    expect(server.clock.seconds() - Number(claims['auth_time'])).toBeLessThan(5)
  })

  test('who has none sets one up on the way, and goes on', async () => {
    await server.makeUser('newbie')
    const browser = await signedInBrowser(server, 'newbie')
    server.clock.advance(301)
    // Setting one up takes a recent sign-in first.
    const signIn = await follow(server, browser, await browser.ask(authorizeUrl(client, { acr_values: 'mfa' })))
    expect(asksForPassword(signIn)).toBe(true)
    const page = await follow(
      server,
      browser,
      await submit(browser, signIn, 'sign-in', { username: 'newbie', password }),
    )
    const path = /id="enrol" href="([^"]+)"/.exec(page.text)?.[1] ?? ''
    const form = await browser.ask(path)
    const shown = await submit(browser, form, 'authenticator', {
      code: totp({ secret: secretOf(form.text), now: server.clock.seconds() }),
    })
    expect(recoveryCodesOf(shown.text)).toHaveLength(10)
    const onwards = /id="onwards" href="([^"]+)"/.exec(shown.text)?.[1] ?? ''
    const claims = claimsOf((await finish(browser, await browser.ask(onwards))).id_token)
    expect(claims).toMatchObject({ acr: 'mfa', amr: ['pwd', 'otp', 'mfa'] })
  })

  test('who would rather not: the client hears unmet_authentication_requirements', async () => {
    for (const person of [await early(), { browser: await none(), app: undefined }]) {
      const { browser } = person
      const page = await follow(server, browser, await browser.ask(authorizeUrl(client, { acr_values: 'mfa' })))
      const form = person.app === undefined ? 'second-factor' : 'one-time-code'
      const back = new URL((await submit(browser, page, form, { decision: 'cancel' })).location ?? '')
      expect(back.searchParams.get('error')).toBe('unmet_authentication_requirements')
    }
    async function none() {
      const { username } = await server.makeUser(`none${(count += 1)}`)
      return signedInBrowser(server, username)
    }
  })

  test('OIDC Core §3.1.2.1: values that nobody here knows are no hindrance; discovery says which are known', async () => {
    await server.makeUser('plain')
    const { tokens } = await codeFlow(server, client, 'plain', { extra: { acr_values: 'urn:mace:silver 1 2' } })
    expect(claimsOf(tokens.id_token)['acr']).toBe('pwd')
    const metadata = (await createBrowser(server.url).ask('/.well-known/openid-configuration')).json()
    expect(metadata['acr_values_supported']).toEqual(expect.arrayContaining(['pwd', 'mfa']))
  })
})

describe('required by client or role', () => {
  test('a client that requires it gets no token without', async () => {
    const strict = await server.makeClient({ client_id: 'strict', require_second_factor: true })
    const { browser, app } = await early()
    const page = await follow(server, browser, await browser.ask(authorizeUrl(strict)))
    expect(asksForCode(page)).toBe(true)
    // Leaving the page and coming back to the request doesn't get around it.
    const interaction = /name="interaction" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
    for (const path of ['/consent', '/oauth/authorize/resume'])
      expect(asksForCode(await follow(server, browser, await browser.ask(`${path}?interaction=${interaction}`)))).toBe(
        true,
      )
    const tokens = await finish(browser, await sendCode(browser, page, app.code()), strict)
    expect(claimsOf(tokens.access_token)['acr']).toBe('mfa')
  })

  test('a role that has to have it', async () => {
    await server.makeUser('root', { role: 'superuser' })
    const browser = await signedInBrowser(server, 'root')
    const page = await follow(server, browser, await browser.ask(authorizeUrl(client)))
    expect(page.text).toContain('<form id="second-factor"')
    const desk = await server.makeClient({
      client_id: 'desk',
      grant_types: ['password'],
      legacy: ['password'],
      redirect_uris: [],
    })
    const form = { grant_type: 'password', username: 'root', password, scope: 'openid' }
    expect((await tokenRequest(server, desk, form)).json()['error']).toBe('invalid_grant')
  })

  test('the account page hands out no token either', async () => {
    const { userId } = await server.makeUser('chief', { role: 'superuser' })
    const browser = await signedInBrowser(server, 'chief')
    const shown = await browser.ask('/account/tokens')
    expect([shown.status, shown.location]).toEqual([303, '/second-factor?next=/account/tokens'])
    const made = await browser.ask('/account/tokens', { form: { make: '', scope: 'openid me admin', name: 'x' } })
    expect([made.status, made.location]).toEqual([303, '/second-factor?next=/account/tokens'])
    expect((await server.core.transition.store.list('grant', userId, { limit: 9 })).records).toEqual([])
    // What he lacks he gets there, and then it goes on.
    const page = await browser.ask('/second-factor?next=/account/tokens')
    expect(page.text).toContain('id="enrol"')
    await enrol(server, browser)
    const form = await browser.ask('/account/tokens')
    expect([form.status, form.text.includes('name="make"')]).toEqual([200, true])
  })

  test('C25: the password grant can’t show one', async () => {
    const both = await server.makeClient({
      client_id: 'both',
      legacy: ['password'],
      grant_types: ['password'],
      redirect_uris: [],
      require_second_factor: true,
    })
    await server.makeUser('gus')
    const form = { grant_type: 'password', username: 'gus', password, scope: 'openid' }
    expect((await tokenRequest(server, both, form)).json()['error']).toBe('invalid_grant')
  })
})

/** Do something right before the first commit that changes second factors. */
function beforeFactorsChange(deed: () => Promise<unknown>): void {
  const { store } = server.core.transition
  const { commit } = store
  Object.assign(store, {
    commit: async (writes: Parameters<typeof commit>[0]) => {
      if (writes.some((write) => write.op !== 'append' && write.kind === 'factors')) {
        Object.assign(store, { commit })
        await deed()
      }
      return commit(writes)
    },
  })
}

describe('L4: what ends sessions in the very moment ends what they are about to do', () => {
  test('a new second factor doesn’t come to be after the account’s sessions were ended', async () => {
    const { username, userId } = await server.makeUser('overtaken')
    const browser = await signedInBrowser(server, username)
    beforeFactorsChange(() => revokeTokens(server.core, { actor: cli, userId }))
    await enrol(server, browser)
    expect(await findFactors(server.core, userId)).toBeUndefined()
    expect((await signedInBrowser(server, username)).cookies.size).toBeGreaterThan(0)
  })

  test('a session that was signed out from afar isn’t made stronger', async () => {
    const { browser, app, userId } = await early()
    const page = await browser.ask('/second-factor?next=/account/profile')
    const user = (await server.core.directory.user(userId))!
    const ending = { actor: cli, user, address: '' }
    beforeFactorsChange(async () => {
      for (const { id } of (await server.core.transition.store.list('session', userId, { limit: 9 })).records)
        await endSession(server.core, ending, id)
    })
    await sendCode(browser, page, app.code())
    expect((await browser.ask('/account')).location).toBe('/signin')
    expect((await server.core.transition.store.list('session', userId, { limit: 9 })).records).toEqual([])
  })
})

describe('a session from before there was a second factor', () => {
  test('neither shows nor changes how somebody may sign in elsewhere (docs/decisions/0013)', async () => {
    const { username, userId } = await server.makeUser('linked')
    const identity = { provider: 'orcid', issuer: 'https://orcid.org', subject: '0000-0002-1825-0097', label: 'Ada' }
    await linkIdentity(server.core, { actor: cli, userId, identity })
    const browser = await signedInBrowser(server, username)
    const page = await browser.ask('/account/identities')
    const app = await enrol(server, await signedInBrowser(server, username))
    server.clock.advance(30)
    const asked = '/second-factor?next=/account/identities'
    expect((await submit(browser, page, 'unlink-orcid', {})).location).toBe(asked)
    expect(await identitiesOf(server.core, userId)).toHaveLength(1)
    expect((await browser.ask('/account/identities')).location).toBe(asked)
    const back = await sendCode(browser, await browser.ask(asked), app.code())
    expect(back.location).toBe('/account/identities')
    expect((await browser.ask('/account/identities')).text).toContain('unlink-orcid')
  })
})

describe('the whole loop: an API that wants more', () => {
  let api: Server
  let resource: string
  beforeAll(async () => {
    const guardOf = (): ReturnType<typeof createResourceServer> =>
      createResourceServer({ issuer: server.url, resource, now: server.clock.seconds })
    async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const { authorization } = request.headers
      const call = {
        method: 'GET',
        target: request.url ?? '/',
        headers: { authorization },
        body: () => new Uint8Array(),
      }
      const verdict = await guardOf().check(call, { scope: 'read', acr: ['mfa'], maxAge: 100 })
      if (!('refused' in verdict)) {
        response.end('the vault is open')
        return
      }
      for (const [name, value] of verdict.refused.headers) response.setHeader(name, value)
      response.statusCode = verdict.refused.status
      response.end(verdict.refused.body)
    }
    api = createServer((request, response) => void answer(request, response))
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
    resource = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
    await server.makeResource({ resource, scope: 'read', access_token: { format: 'jwt', ttl: 300 } })
  })
  afterAll(() => {
    api.closeAllConnections()
    api.close()
  })

  test('401 with what is wanted → authorize with it → token → 200', async () => {
    const { username, browser, app } = await early()
    const call = (token: string) => fetch(resource, { headers: { authorization: `Bearer ${token}` } })
    const extra = { resource, scope: 'openid read' }
    const { tokens } = await codeFlow(server, client, username, { browser, extra })
    const refused = await call(tokens.access_token)
    const challenge = refused.headers.get('www-authenticate') ?? ''
    expect([refused.status, challenge]).toEqual([401, expect.stringContaining('insufficient_user_authentication')])
    const wanted = (name: string) => new RegExp(`${name}="([^"]+)"`).exec(challenge)?.[1] ?? ''
    const stepUp = { ...extra, acr_values: wanted('acr_values'), max_age: wanted('max_age') }
    const page = await follow(server, browser, await browser.ask(authorizeUrl(client, stepUp)))
    expect([asksForCode(page), asksForPassword(page)]).toEqual([true, false])
    const stronger = await finish(browser, await sendCode(browser, page, app.code()))
    const served = await call(stronger.access_token)
    expect([served.status, await served.text()]).toEqual([200, 'the vault is open'])
    // Too old, it is refused again; refreshing makes no sign-in younger.
    server.clock.advance(101)
    expect((await call(stronger.access_token)).status).toBe(401)
  })
})

describe('a macaroon that works only with a fresh second factor of its user', () => {
  test('end to end: the page asks for the code, and its confirmation makes the token work', async () => {
    const { userId, username, browser, app } = await early()
    const api = await makeMacaroonApi(server)
    const made = await mintToken(
      server.core,
      { actor: cli, userId },
      { format: 'macaroon', resource: macaroonApi, caveats: ['discharge = max_age:300 amr:otp'] },
    )
    const token = 'done' in made ? made.done.token : ''
    const say = async (text: string | undefined) =>
      (await introspectCall(server, api, text ?? '', { method: 'GET' }))['active']
    expect(await say(token)).toBe(false)
    const caveat = parseMacaroonText(token)![0].caveats.find(({ thirdParty }) => thirdParty !== undefined)!
    const caveatId = Buffer.from(caveat.identifier).toString()
    const path = `/oauth/discharge?caveat_id=${encodeURIComponent(caveatId)}`
    // The password was a moment ago, so only the code is missing.
    const page = await follow(server, browser, await browser.ask(path))
    expect(asksForCode(page)).toBe(true)
    const confirm = await follow(server, browser, await sendCode(browser, page, app.code()))
    const done = await submit(browser, confirm, 'discharge', { decision: 'allow' })
    const confirmation = /<input id="confirmation"[^>]* value="([^"]+)"/.exec(done.text)?.[1] ?? ''
    expect(await say(withDischarges(token, [confirmation]))).toBe(true)

    // A sign-in with the second factor that is too old starts from the password.
    server.clock.advance(301)
    const late = await follow(server, browser, await browser.ask(path))
    expect(asksForPassword(late)).toBe(true)
    // A recovery code is no one-time code: the promise speaks of `otp`.
    const other = createBrowser(server.url)
    const half = await sendPassword(other, username)
    await sendCode(other, await other.ask(half.location ?? ''), app.recoveryCodes[0] ?? '')
    expect((await other.ask(path)).status).toBe(400)
  })
})
