import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { changeClient } from '../../src/accounts/change-client.ts'
import { createBrowser, formBody, type Browser } from '../kit/browser.ts'
import { codeFlow, submit } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'

let server: TestGatehouse
let app: MadeClient
const back = 'https://app.example/bye'

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada')
  app = await server.makeClient({ post_logout_redirect_uris: [back] })
  await server.makeClient({ client_id: 'other', post_logout_redirect_uris: [back] })
})
afterAll(() => server.close())

const leave = (browser: Browser, asked: Readonly<Record<string, string>>) =>
  browser.ask(`/oauth/logout?${formBody(asked)}`)
const isIn = async (browser: Browser) => (await browser.ask('/account')).status === 200

describe('OIDC RP-Initiated Logout §2', () => {
  test('an ID token of this session signs out at once and leads back, with the state', async () => {
    const { browser, tokens } = await codeFlow(server, app, 'ada')
    const asked = { id_token_hint: tokens.id_token, client_id: 'app', post_logout_redirect_uri: back, state: 'a b' }
    expect((await leave(browser, asked)).location).toBe(`${back}?state=a%20b`)
    expect(await isIn(browser)).toBe(false)
  })

  test('§4: beside the client_id of another it counts for nothing: there is a question, and nowhere to go', async () => {
    const { browser, tokens } = await codeFlow(server, app, 'ada')
    const asked = { id_token_hint: tokens.id_token, client_id: 'other', post_logout_redirect_uri: back }
    const page = await leave(browser, asked)
    expect([page.status, page.text.includes('<form id="sign-out"')]).toEqual([200, true])
    expect(await isIn(browser)).toBe(true)
    const gone = await submit(browser, page, 'sign-out', {})
    expect([gone.location, gone.text.includes(back)]).toEqual([undefined, false])
    expect(await isIn(browser)).toBe(false)
  })

  test('without a hint there is a link back for the person alone, and none to a client that was switched off', async () => {
    const asked = { client_id: 'app', post_logout_redirect_uri: back }
    expect((await leave(createBrowser(server.url), asked)).text).toContain(`href="${back}"`)
    const { tokens } = await codeFlow(server, app, 'ada')
    await changeClient(server.core, { actor: { kind: 'cli' }, clientId: 'app', fields: { disabled: true } })
    expect((await leave(createBrowser(server.url), asked)).text).not.toContain(back)
    const hinted = await leave(createBrowser(server.url), { ...asked, id_token_hint: tokens.id_token })
    expect([hinted.location, hinted.text.includes(back)]).toEqual([undefined, false])
  })
})
