import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mintToken } from '../../src/accounts/mint-token.ts'
import type { User } from '../../src/domain/user.ts'
import { parseJwtClaims } from '../../src/tokens/access-claims.ts'
import { addCaveats, parseMacaroon, parsePredicate, printMacaroons } from '../../src/tokens/macaroon/index.ts'
import { withDischarges } from '../../src/tokens/discharge-token.ts'
import { parseMacaroonText } from '../../src/tokens/macaroon-text.ts'
import { mint } from '../../src/tokens/mint.ts'
import { parsePromise } from '../../src/tokens/sealed-promise.ts'
import { createBrowser, type Answer, type Browser } from '../kit/browser.ts'
import { claimsOf, codeFlow, follow, submit, tokenRequest, type Tokens } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { introspectCall, macaroonApi, makeMacaroonApi, narrow } from '../kit/macaroons.ts'

let server: TestGatehouse
let api: MadeClient
let app: MadeClient
let ada: User
const cli = { kind: 'cli' } as const

beforeAll(async () => {
  server = await startGatehouse()
  ada = await server.makeUser('ada')
  await server.makeUser('bob')
  api = await makeMacaroonApi(server)
  app = await server.makeClient({
    client_id: 'desk',
    scope: 'openid me offline_access',
    grant_types: ['authorization_code', 'refresh_token', 'password'],
    legacy: ['password'],
  })
})
afterAll(() => server.close())

const caveatOf = (token: string): string => {
  const caveat = parseMacaroonText(token)![0].caveats.find(({ thirdParty }) => thirdParty !== undefined)!
  expect(caveat.thirdParty!.location).toBe(`${server.url}/oauth/discharge`)
  return Buffer.from(caveat.identifier).toString()
}
async function guarded(caveat = 'discharge = max_age:300'): Promise<{ token: string; caveatId: string }> {
  const made = await mintToken(
    server.core,
    { actor: cli, userId: ada.userId },
    { format: 'macaroon', resource: macaroonApi, caveats: ['method = GET', caveat] },
  )
  if ('refused' in made) throw new Error(made.refused.detail)
  return { token: made.done.token, caveatId: caveatOf(made.done.token) }
}
const say = async (token: string | undefined) =>
  (await introspectCall(server, api, token ?? '', { method: 'GET' }))['active']
const signedIn = async (username = 'ada', scope = 'openid me offline_access'): Promise<Tokens> =>
  (await codeFlow(server, app, username, { extra: { scope } })).tokens
const ask = (bearer: string, caveatId: string): Promise<Answer> =>
  createBrowser(server.url).ask('/oauth/discharge', {
    form: { caveat_id: caveatId },
    headers: { authorization: `Bearer ${bearer}` },
  })

describe('a caveat that asks for a recent sign-in', () => {
  test('is discharged for a program by a token of that sign-in, and works beside this token alone', async () => {
    const { token, caveatId } = await guarded()
    expect(await say(token)).toBe(false)
    const answer = await ask((await signedIn()).access_token, caveatId)
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const { discharge, expires_in: expiresIn } = answer.json()
    expect(expiresIn).toBe(300)
    expect(await say(withDischarges(token, [String(discharge)]))).toBe(true)
    // K06
    const child = narrow(token, 'scope = read')
    expect(await say(withDischarges(child, [String(discharge)]))).toBe(true)
    const [, bound] = parseMacaroonText(withDischarges(token, [String(discharge)])!)!
    const [root] = parseMacaroonText(child)!
    expect(await say(printMacaroons([root, bound!]))).toBe(false)
    const other = await guarded()
    expect(await say(withDischarges(other.token, [String(discharge)]))).toBe(false)
  })

  test('a discharge lives five minutes', async () => {
    const { token, caveatId } = await guarded()
    const { discharge } = (await ask((await signedIn()).access_token, caveatId)).json()
    const [caveat] = parseMacaroon(String(discharge))!.caveats
    const { key, operator } = parsePredicate(Buffer.from(caveat!.identifier).toString())!
    expect([key, operator]).toEqual(['time', '<'])
    server.clock.advance(290)
    expect(await say(withDischarges(token, [String(discharge)]))).toBe(true)
    server.clock.advance(15)
    expect(await say(withDischarges(token, [String(discharge)]))).toBe(false)
    expect(await say(token)).toBe(false)
  })

  test('what somebody adds to a discharge counts as what he adds to the token, and what nobody knows refuses it', async () => {
    const { token, caveatId } = await guarded()
    const { discharge } = (await ask((await signedIn()).access_token, caveatId)).json()
    const sayWith = (...predicates: readonly string[]) =>
      say(withDischarges(token, [printMacaroons([addCaveats(parseMacaroon(String(discharge))!, predicates)])]))
    expect(await sayWith('method = GET', 'scope = read')).toBe(true)
    for (const unmet of ['method = POST', 'path = /notes', 'aud = https://other.example', 'mood = good'])
      expect([unmet, await sayWith(unmet)]).toEqual([unmet, false])
  })

  test('an old sign-in gets none, though it was refreshed', async () => {
    const { caveatId } = await guarded()
    const tokens = await signedIn()
    server.clock.advance(301)
    const refreshed = await tokenRequest(server, app, {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
    })
    for (const token of [tokens.access_token, String(refreshed.json()['access_token'])]) {
      const answer = await ask(token, caveatId)
      expect([answer.status, answer.json()['error']]).toEqual([401, 'insufficient_user_authentication'])
    }
  })

  test('a method that wasn’t used is missing', async () => {
    const { caveatId } = await guarded('discharge = max_age:300 amr:otp')
    const answer = await ask((await signedIn()).access_token, caveatId)
    expect([answer.status, answer.json()['error']]).toEqual([401, 'insufficient_user_authentication'])
    const met = await guarded('discharge = max_age:300 amr:pwd')
    expect((await ask((await signedIn()).access_token, met.caveatId)).status).toBe(200)
  })

  test('nobody else discharges it; nothing that is no sign-in in a browser does', async () => {
    const { token, caveatId } = await guarded()
    expect((await ask((await signedIn('bob')).access_token, caveatId)).status).toBe(403)
    expect((await ask((await signedIn('ada', 'openid')).access_token, caveatId)).status).toBe(403)
    const byPassword = await tokenRequest(server, app, {
      grant_type: 'password',
      username: 'ada',
      password,
      scope: 'me openid',
    })
    expect(byPassword.status).toBe(200)
    expect((await ask(String(byPassword.json()['access_token']), caveatId)).json()['error']).toBe('access_denied')
    for (const format of ['jwt', 'opaque', 'macaroon'] as const) {
      const made = await mintToken(server.core, { actor: cli, userId: ada.userId }, { format, scope: ['me'] })
      const answer = await ask('done' in made ? made.done.token : '', caveatId)
      expect([answer.status, answer.json()['error']], format).toEqual([403, 'access_denied'])
    }
    expect((await ask(token, caveatId)).status).toBe(401)
  })

  test('a macaroon of the very sign-in doesn’t: anybody may have been handed it', async () => {
    const { caveatId } = await guarded()
    const { access_token: own } = await signedIn()
    expect((await ask(own, caveatId)).status).toBe(200)
    const { core } = server
    const { gid, epoch } = parseJwtClaims(claimsOf(own))!
    const { accessToken: handed } = mint(core.keys, {
      issuer: core.issuer,
      client: app.record,
      subject: ada.userId,
      scope: ['openid', 'me'],
      audience: [core.issuer],
      format: 'macaroon',
      ttl: 600,
      now: core.clock.seconds(),
      jti: core.random.id(core.clock.millis()),
      grantId: gid,
      epoch,
    })
    const answer = await ask(handed, caveatId)
    expect([answer.status, answer.json()['error']]).toEqual([403, 'access_denied'])
  })

  test('a token of that sign-in for an API doesn’t, whatever that API calls its scopes', async () => {
    const { caveatId } = await guarded()
    const { gid, epoch } = parseJwtClaims(claimsOf((await signedIn()).access_token))!
    const { core } = server
    const { accessToken } = mint(core.keys, {
      issuer: core.issuer,
      client: app.record,
      subject: ada.userId,
      scope: ['me'],
      audience: [macaroonApi],
      format: 'jwt',
      ttl: 600,
      now: core.clock.seconds(),
      jti: core.random.id(core.clock.millis()),
      grantId: gid,
      epoch,
    })
    const answer = await ask(accessToken, caveatId)
    expect([answer.status, answer.json()['error']]).toEqual([401, 'invalid_token'])
  })

  test('only ids that we sealed', async () => {
    const { caveatId } = await guarded()
    const bearer = (await signedIn()).access_token
    for (const wrong of ['', 'x', `${caveatId.slice(0, -2)}AA`, caveatId.replace('gthd1', 'gthd2'), 'gthd1.k.AAAA']) {
      const answer = await ask(bearer, wrong)
      expect([answer.status, answer.json()['error']], wrong).toEqual([400, 'invalid_request'])
    }
  })
})

describe('the page of confirmation', () => {
  const open = (browser: Browser, caveatId: string) =>
    browser.ask(`/oauth/discharge?caveat_id=${encodeURIComponent(caveatId)}`)
  const confirmation = (page: Answer) => /<input id="confirmation"[^>]* value="([^"]+)"/.exec(page.text)?.[1] ?? ''

  test('signs in, asks, and shows a confirmation that makes the token work', async () => {
    const { token, caveatId } = await guarded()
    const browser = createBrowser(server.url)
    const signIn = await follow(server, browser, await open(browser, caveatId))
    expect(signIn.text).toContain('<form id="sign-in"')
    const page = await follow(server, browser, await submit(browser, signIn, 'sign-in', { username: 'ada', password }))
    expect(page.text).toContain('<form id="discharge"')
    const done = await submit(browser, page, 'discharge', { decision: 'allow' })
    expect(await say(withDischarges(token, [confirmation(done)]))).toBe(true)
    const denied = await submit(browser, page, 'discharge', { decision: 'deny' })
    expect([denied.status, confirmation(denied)]).toEqual([200, ''])

    // An old session signs in anew first.
    server.clock.advance(301)
    expect((await open(browser, caveatId)).location).toMatch(/^\/signin\?next=/)
    const late = await submit(browser, page, 'discharge', { decision: 'allow' })
    expect(late.location).toMatch(/^\/signin\?next=/)
  })

  test('a form from elsewhere, of another caveat, or of another person confirms nothing', async () => {
    const [one, other] = [await guarded(), await guarded()]
    const { browser } = await codeFlow(server, app, 'ada', { extra: { scope: 'openid' } })
    const page = await open(browser, one.caveatId)
    const swapped = await submit(browser, page, 'discharge', { decision: 'allow', caveat_id: other.caveatId })
    expect([swapped.status, confirmation(swapped)]).toEqual([403, ''])
    const crossSite = await browser.ask('/oauth/discharge', { form: { caveat_id: one.caveatId, decision: 'allow' } })
    expect([crossSite.status, confirmation(crossSite)]).toEqual([403, ''])
    const { browser: bobs } = await codeFlow(server, app, 'bob', { extra: { scope: 'openid' } })
    const refused = await open(bobs, one.caveatId)
    expect([refused.status, refused.text.includes('<form id="discharge"')]).toEqual([400, false])
    expect((await open(browser, 'gthd1.x.y')).status).toBe(400)
  })

  test('the sign-in page goes on to nothing but this', async () => {
    for (const next of [
      'https://evil.example',
      '//evil.example',
      '/oauth/discharge?caveat_id=x&y=z',
      '/oauth/discharge?caveat_id=a%0d',
    ]) {
      const page = await createBrowser(server.url).ask(`/signin?next=${encodeURIComponent(next)}`)
      expect(page.text).not.toContain('name="next"')
    }
  })
})

test.each([
  ['discharge = max_age:300', { maxAge: 300, amr: [] }],
  ['discharge = max_age:1 amr:pwd amr:otp', { maxAge: 1, amr: ['pwd', 'otp'] }],
  ['discharge = max_age:0', undefined],
  ['discharge = max_age:86401', undefined],
  ['discharge = amr:otp', undefined],
  ['discharge = max_age:300 max_age:3', undefined],
  ['discharge < max_age:300', undefined],
])('%s', (text, promise) => expect(parsePromise(text)).toEqual(promise))
