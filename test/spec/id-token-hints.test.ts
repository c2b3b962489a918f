import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { User } from '../../src/domain/user.ts'
import { createBrowser, type Browser } from '../kit/browser.ts'
import { authorizeUrl, codeFlow } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { expectRedirect } from '../attacks/support.ts'

let server: TestGatehouse
let app: MadeClient
let ada: User
/** Signed in as ada. */
let browser: Browser
/** ada's ID token for `app`. */
let hint: string

beforeAll(async () => {
  server = await startGatehouse()
  ada = await server.makeUser('ada')
  await server.makeUser('bob')
  app = await server.makeClient()
  const flow = await codeFlow(server, app, 'ada')
  browser = flow.browser
  hint = flow.tokens.id_token
})
afterAll(() => server.close())

const ask = (extra: Readonly<Record<string, string>>, of: Browser = browser) => of.ask(authorizeUrl(app, extra))
const subject = (value: string) => JSON.stringify({ id_token: { sub: { value } } })

describe('OIDC Core §3.1.2.1: id_token_hint', () => {
  test('of the person who is signed in: no page, also long after it expired', async () => {
    expect((await ask({ id_token_hint: hint, prompt: 'none' })).location).toContain('code=')
    expect((await ask({ id_token_hint: hint, claims: subject(ada.userId), prompt: 'none' })).location).toContain(
      'code=',
    )
    server.clock.advance(7_200 - 60)
    expect((await ask({ id_token_hint: hint, prompt: 'none' })).location).toContain('code=')
  })

  test('of somebody else: nothing in silence, and else he signs in', async () => {
    const bob = (await codeFlow(server, app, 'bob')).tokens.id_token
    expectRedirect(await ask({ id_token_hint: bob, prompt: 'none' }), server, 'login_required')
    expect((await ask({ id_token_hint: bob })).text).toContain('<form id="sign-in"')
  })

  test('of another application is none', async () => {
    const other = await server.makeClient({ client_id: 'other' })
    const foreign = (await codeFlow(server, other, 'ada', { browser: createBrowser(server.url) })).tokens.id_token
    expectRedirect(await ask({ id_token_hint: foreign }), server, 'invalid_request')
  })

  test('and claims that ask for another person contradict each other', async () => {
    expectRedirect(await ask({ id_token_hint: hint, claims: subject('usr_somebody') }), server, 'invalid_request')
  })
})
