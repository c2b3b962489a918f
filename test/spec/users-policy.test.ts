import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { inviteUser } from '../../src/accounts/invite-user.ts'
import { createBrowser } from '../kit/browser.ts'
import { authorizeUrl, codeFlow, follow, tokenRequest } from '../kit/flow.ts'
import { password, startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { plainPasswords } from '../kit/plain-passwords.ts'

/** The policy that a reload brings counts from the next request on, in pages, API and grants alike. */
let server: TestGatehouse

beforeAll(async () => {
  server = await startGatehouse({ passwords: plainPasswords })
  await server.makeUser('ada')
})
beforeEach(() => server.follow({ registration: 'closed' }))
afterAll(() => server.close())

const registerPage = async (): Promise<string> =>
  (await createBrowser(server.url, { accept: 'text/html' }).ask('/register')).text
const register = (username: string): Promise<Response> =>
  fetch(`${server.url}/api/v1/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  })

test('registration opens and closes', async () => {
  expect(await registerPage()).not.toContain('<form id="register"')
  expect((await register('early')).status).toBe(403)
  server.follow({ registration: 'open' })
  expect(await registerPage()).toContain('<form id="register"')
  const signIn = await createBrowser(server.url, { accept: 'text/html' }).ask('/signin')
  expect(signIn.text).toContain('register-link')
  expect((await register('newcomer')).status).toBe(201)
  server.follow({ registration: 'invite' })
  expect(await registerPage()).not.toContain('<form id="register"')
  expect((await register('late')).status).toBe(403)
})

test('invitations begin to be links, and end', async () => {
  const invite = () => inviteUser(server.core, { actor: { kind: 'cli' } }, { language: 'en' })
  expect(await invite()).toMatchObject({ refused: { detail: expect.stringContaining('closed') as string } })
  server.follow({ registration: 'invite' })
  const made = await invite()
  const url = 'done' in made ? (made.done.url ?? '') : ''
  expect((await createBrowser(server.url).ask(url)).text).toContain('<form id="letter"')
  server.follow({ registration: 'closed' })
  expect((await createBrowser(server.url).ask(url)).text).not.toContain('<form id="letter"')
})

test('a role that has to have a second factor by now is asked for it, also by who signed in before', async () => {
  const client = await server.makeClient()
  const loopback = await server.makeClient({ client_id: 'legacy', grant_types: ['password'], legacy: ['password'] })
  const { browser } = await codeFlow(server, client, 'ada')
  const byPassword = () => tokenRequest(server, loopback, { grant_type: 'password', username: 'ada', password })
  expect((await byPassword()).status).toBe(200)
  server.follow({ registration: 'closed', secondFactor: ['editor'] })
  const page = await follow(server, browser, await browser.ask(authorizeUrl(client)))
  expect(page.text).toContain('<form id="second-factor"')
  expect((await byPassword()).json()).toMatchObject({ error: 'invalid_grant' })
  server.follow({ registration: 'closed', secondFactor: ['admin'] })
  expect((await byPassword()).status).toBe(200)
})
