import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { signOut } from '../../src/accounts/end-session.ts'
import { withdrawConsent } from '../../src/accounts/withdraw-consent.ts'
import { ref, remove } from '../../src/domain/record.ts'
import { beginEnd } from '../../src/domain/session-state.ts'
import type { User } from '../../src/domain/user.ts'
import { transition } from '../../src/store/transition.ts'
import { errorOf, type Answer, type Browser } from '../kit/browser.ts'
import { authorizeUrl, claimsOf, codeFlow, follow, introspect, submit, tokenRequest, userinfo } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'

let server: TestGatehouse
let app: MadeClient
let ada: User
let browser: Browser
let sessionId: string

beforeAll(async () => {
  server = await startGatehouse()
  ada = await server.makeUser('ada')
  app = await server.makeClient()
})
afterAll(() => server.close())

beforeEach(async () => {
  const flow = await codeFlow(server, app, 'ada')
  browser = flow.browser
  sessionId = String(claimsOf(flow.tokens.id_token)['sid'])
})

/** Lets something happen in the moment in which a change of such a record has been decided on and isn't stored yet. */
function before(kind: 'grant' | 'interaction', deed: () => Promise<unknown>): void {
  const { store } = server.core.transition
  const whole = { ...store }
  Object.assign(store, {
    commit: async (writes: Parameters<typeof store.commit>[0]) => {
      if (!writes.some((write) => write.op !== 'append' && write.op !== 'check' && write.kind === kind))
        return whole.commit(writes)
      Object.assign(store, whole)
      await deed()
      return whole.commit(writes)
    },
  })
}

const about = () => ({ actor: { kind: 'user', user: ada, scopes: ['me'] } as const, user: ada, address: '192.0.2.1' })
const leaves = () => signOut(server.core, about(), sessionId)
/** The first half of it, after which the process died. */
const beginsToLeave = () =>
  transition(server.core.transition, { session: ref('session', sessionId) }, ({ session }, at) => {
    const end = { at, actor: ada.userId, address: '192.0.2.1' }
    const eventId = server.core.random.id(server.core.clock.millis())
    return { writes: beginEnd(session, { end, eventId }), result: undefined }
  })

describe('L4: what ends while a code is being made', () => {
  test.each([
    ['ended', leaves],
    ['began to end', beginsToLeave],
  ])('the session %s: nobody gets the code, and the person is asked to sign in', async (_, deed) => {
    before('grant', deed)
    const page = await follow(server, browser, await browser.ask(authorizeUrl(app)))
    expect([page.location, page.text.includes('<form id="sign-in"')]).toEqual([undefined, true])
  })

  test('the session, while its person agrees: the same', async () => {
    const asked = authorizeUrl(app, { prompt: 'consent' })
    const consent = await follow(server, browser, await browser.ask(asked))
    before('grant', leaves)
    const page = await follow(server, browser, await submit(browser, consent, 'consent', { decision: 'allow' }))
    expect([page.location, page.text.includes('<form id="sign-in"')]).toEqual([undefined, true])
  })

  test('the consent: he is asked again', async () => {
    before('grant', () => withdrawConsent(server.core, about(), 'app'))
    const page = await follow(server, browser, await browser.ask(authorizeUrl(app)))
    expect([page.location, page.text.includes('<form id="consent"')]).toEqual([undefined, true])
  })
})

test('a request that was denied is used up: the second answer to its page says so', async () => {
  const page = await follow(server, browser, await browser.ask(authorizeUrl(app, { prompt: 'consent' })))
  let first: Answer | undefined
  before('interaction', async () => {
    first = await submit(browser, page, 'consent', { decision: 'deny' })
  })
  const second = await submit(browser, page, 'consent', { decision: 'deny' })
  expect([first?.location, errorOf(second.text)]).toEqual([
    expect.stringContaining('error=access_denied'),
    'interaction_expired',
  ])
})

test('whoever fills the store with requests that nobody answers is turned away', async () => {
  const [, body = ''] = authorizeUrl(app).split('?')
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const statuses = new Set<number>()
  for (let round = 0; round < 21; round += 1) {
    const sent = Array.from({ length: 50 }, () => browser.ask('/oauth/authorize', { method: 'POST', body, headers }))
    for (const { status } of await Promise.all(sent)) statuses.add(status)
  }
  expect([...statuses]).toEqual([303, 429])
  server.clock.advance(3_600)
})

test('a token of a person whose grant is nowhere is none: what came of it is forgotten, or was never there', async () => {
  const { tokens } = await codeFlow(server, app, 'ada')
  const grant = ref('grant', String(claimsOf(tokens.access_token)['gid']))
  await transition(server.core.transition, { grant }, (slots) => ({ writes: remove(slots.grant), result: undefined }))
  expect((await userinfo(server, tokens.access_token)).status).toBe(401)
  expect(await introspect(server, app, tokens.access_token)).toEqual({ active: false })
})

test('OIDC Core §5.3: without openid there is no userinfo; without profile no user name at introspection', async () => {
  const form = { grant_type: 'password', username: 'ada', password: 'a kingfisher over 7 canals' }
  const old = await server.makeClient({ client_id: 'old', legacy: ['password'], grant_types: ['password'] })
  const token = async (scope: string) =>
    String((await tokenRequest(server, old, { ...form, scope })).json()['access_token'])
  const bare = await userinfo(server, await token('email'))
  expect([bare.status, bare.json()['error']]).toEqual([403, 'insufficient_scope'])
  expect((await userinfo(server, await token('openid'))).status).toBe(200)
  expect(await introspect(server, old, await token('openid profile'))).toMatchObject({ username: 'ada' })
  expect(await introspect(server, old, await token('openid'))).not.toHaveProperty('username')
})
