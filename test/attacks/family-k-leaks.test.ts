import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { mintToken } from '../../src/accounts/mint-token.ts'
import { revokeTokens } from '../../src/accounts/revoke-tokens.ts'
import { put, ref } from '../../src/domain/record.ts'
import { transition } from '../../src/store/transition.ts'
import { createBrowser, type Answer } from '../kit/browser.ts'
import { codeFlow, tokenRequest } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { eventsOf } from './support.ts'

let server: TestGatehouse
let app: MadeClient
let reporter: string
beforeAll(async () => {
  server = await startGatehouse({ config: { mail: { by: 'log' } } })
  app = await server.makeClient()
  const grant_types = ['client_credentials']
  const scanner = await server.makeClient({
    client_id: 'scanner',
    grant_types,
    redirect_uris: [],
    scope: 'leaks:report',
  })
  const asked = await tokenRequest(server, scanner, { grant_type: 'client_credentials', scope: 'leaks:report' })
  reporter = String(asked.json()['access_token'])
})
afterAll(() => server.close())

function report(tokens: readonly string[], bearer = reporter): Promise<Answer> {
  return createBrowser(server.url).ask('/api/v1/leaked-tokens', {
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body: JSON.stringify({ tokens, source: 'https://git.example/ada/backup.sh' }),
  })
}
const alive = async (token: string) =>
  (await createBrowser(server.url).ask('/api/v1/me/session', { headers: { authorization: `Bearer ${token}` } }))
    .status === 200
const refreshed = async (token: string) =>
  (await tokenRequest(server, app, { grant_type: 'refresh_token', refresh_token: token })).json()
const leaks = async () => (await eventsOf(server)).filter(({ type }) => type === 'token.leaked')

/** An account whose address is proved. */
async function withAddress(username: string): Promise<string> {
  const { userId } = await server.makeUser(username, { email: `${username}@mail.example` })
  await transition(server.core.transition, { user: ref('user', userId) }, ({ user }) => ({
    writes: [put(user, { ...user.value!, emailVerified: true }, { expiresAt: null })],
    result: undefined,
  }))
  return userId
}
const lettersTo = (username: string) => server.letters.filter(({ to }) => to === `${username}@mail.example`)

describe('K17 leaked-token', () => {
  test.each(['jwt', 'opaque', 'macaroon'] as const)(
    'a %s for a script ends at once, and its owner hears of it',
    async (format) => {
      const userId = await withAddress(`owner-${format}`)
      const made = await mintToken(server.core, { actor: { kind: 'cli' }, userId }, { format, name: 'backup' })
      const token = 'done' in made ? made.done.token : ''
      expect(await alive(token)).toBe(true)
      const answer = await report([token, token])
      expect([answer.status, answer.json()]).toEqual([200, { received: 2 }])
      expect(await alive(token)).toBe(false)
      // Its whole grant, so that it stands in no list of tokens any more.
      const [grant] = await server.core.transition.store.read([ref('grant', 'done' in made ? made.done.grantId : '')])
      expect(grant?.value).toHaveProperty('revokedAt')
      await vi.waitFor(() => expect(lettersTo(`owner-${format}`)).toHaveLength(1), 5_000)
      const [letter] = lettersTo(`owner-${format}`)
      expect(letter?.text).not.toContain(token)
      const [event] = (await leaks()).filter((one) => one['userId'] === userId)
      expect(event).toMatchObject({ actor: 'scanner', target: 'https://git.example/ada/backup.sh' })
      expect(JSON.stringify(event)).not.toContain(token)
    },
  )

  test('a refresh token ends with all that came of it; an access token of a sign-in alone', async () => {
    await server.makeUser('bob')
    const { tokens } = await codeFlow(server, app, 'bob')
    await report([tokens.access_token])
    expect(await alive(tokens.access_token)).toBe(false)
    const next = await refreshed(tokens.refresh_token)
    expect(next['access_token']).toBeDefined()
    await report([String(next['refresh_token'])])
    expect((await refreshed(String(next['refresh_token'])))['error']).toBe('invalid_grant')
    expect(await alive(String(next['access_token']))).toBe(false)
  })
})

describe('K18 leak-report-abuse', () => {
  test('what is no token, or holds no more, changes nothing; the answer is the same', async () => {
    await withAddress('eve')
    const { tokens } = await codeFlow(server, app, 'eve')
    const used = tokens.refresh_token
    const { refresh_token: newest } = await refreshed(used)
    await report([String(newest).slice(0, -2)])
    const before = (await leaks()).length
    const texts = ['gth_at_x', 'hello', `${tokens.access_token.slice(0, -4)}AAAA`, used, '\u0000', 'gth_rt_']
    const answer = await report(texts)
    expect([answer.status, answer.json()]).toEqual([200, { received: texts.length }])
    expect((await leaks()).length).toBe(before)
    expect(await alive(tokens.access_token)).toBe(true)
    expect((await refreshed(String(newest)))['access_token']).toBeDefined()
    expect(lettersTo('eve')).toEqual([])
  })

  test('what ended with everything else is nobody’s news', async () => {
    const userId = await withAddress('hans')
    const { tokens } = await codeFlow(server, app, 'hans')
    const script = await mintToken(server.core, { actor: { kind: 'cli' }, userId }, { format: 'opaque' })
    await revokeTokens(server.core, { actor: { kind: 'cli' }, userId })
    const before = (await leaks()).length
    await report([tokens.access_token, tokens.refresh_token, 'done' in script ? script.done.token : ''])
    expect((await leaks()).length).toBe(before)
  })

  test('reported again, nothing happens again', async () => {
    await withAddress('finn')
    const { tokens } = await codeFlow(server, app, 'finn')
    await report([tokens.access_token])
    await vi.waitFor(() => expect(lettersTo('finn')).toHaveLength(1), 5_000)
    const before = (await leaks()).length
    await report([tokens.access_token])
    expect((await leaks()).length).toBe(before)
    // Letters leave in their order: one of a second would be there before the next.
    await withAddress('gus')
    await report([(await codeFlow(server, app, 'gus')).tokens.access_token])
    await vi.waitFor(() => expect(lettersTo('gus')).toHaveLength(1), 5_000)
    expect(lettersTo('finn')).toHaveLength(1)
  })

  test('nobody reports without that power, and a reporter can do nothing else', async () => {
    await server.makeUser('gil', { role: 'admin' })
    const { tokens } = await codeFlow(server, app, 'gil')
    expect((await report(['x'], tokens.access_token)).status).toBe(403)
    expect((await report(['x'], 'x')).status).toBe(401)
    const users = await createBrowser(server.url).ask('/api/v1/users', {
      headers: { authorization: `Bearer ${reporter}` },
    })
    expect(users.status).toBe(403)
  })

  test('somebody who floods is told to wait', async () => {
    const statuses = await Promise.all(Array.from({ length: 80 }, async () => (await report(['x'])).status))
    expect(new Set(statuses)).toEqual(new Set([200, 429]))
  })
})
