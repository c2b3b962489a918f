import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { changeClient } from '../../src/accounts/change-client.ts'
import { mintToken } from '../../src/accounts/mint-token.ts'
import { revokeTokens } from '../../src/accounts/revoke-tokens.ts'
import { put, ref } from '../../src/domain/record.ts'
import { transition } from '../../src/store/transition.ts'
import { createBrowser, formBody, type Answer } from '../kit/browser.ts'
import { codeFlow, tokenRequest } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { lengthen } from '../kit/macaroons.ts'
import { reportLeaks, signed, type Signer } from '../kit/sign.ts'
import { eventsOf } from './support.ts'

let server: TestGatehouse
let app: MadeClient
let scanner: Signer
beforeAll(async () => {
  server = await startGatehouse({ config: { mail: { by: 'log' } } })
  app = await server.makeClient()
  scanner = await signingClient('scanner', 'leaks:report')
})
afterAll(() => server.close())

/** With a key of its own (ES256), whose public half is registered. */
async function signingClient(clientId: string, scope: string): Promise<Signer> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  await server.makeClient({
    client_id: clientId,
    token_endpoint_auth_method: 'http_message_signature',
    grant_types: ['client_credentials'],
    redirect_uris: [],
    scope,
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }) }] },
  })
  return { clientId, key: { privateKey: String(privateKey.export({ format: 'pem', type: 'pkcs8' })) } }
}

const report = (tokens: readonly string[], by = scanner): Promise<Answer> => reportLeaks(server, by, tokens)
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
      await vi.waitFor(() => expect(lettersTo(`owner-${format}`)).toHaveLength(1), 20_000)
      const [letter] = lettersTo(`owner-${format}`)
      expect(letter?.text).not.toContain(token)
      const [event] = (await leaks()).filter((one) => one['userId'] === userId)
      expect(event).toMatchObject({ actor: 'scanner', target: 'https://git.example/ada/backup.sh' })
      expect(JSON.stringify(event)).not.toContain(token)
    },
  )

  test('a macaroon ends also as the longest text that its holder made of it', async () => {
    const { userId } = await server.makeUser('long')
    const made = await mintToken(server.core, { actor: { kind: 'cli' }, userId }, { format: 'macaroon' })
    const token = 'done' in made ? made.done.token : ''
    expect(lengthen(token).length).toBeGreaterThan(15_000)
    expect((await report([lengthen(token)])).status).toBe(200)
    expect(await alive(token)).toBe(false)
  })

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
    await vi.waitFor(() => expect(lettersTo('finn')).toHaveLength(1), 20_000)
    const before = (await leaks()).length
    await report([tokens.access_token])
    expect((await leaks()).length).toBe(before)
    // Letters leave in their order: one of a second would be there before the next.
    await withAddress('gus')
    await report([(await codeFlow(server, app, 'gus')).tokens.access_token])
    await vi.waitFor(() => expect(lettersTo('gus')).toHaveLength(1), 20_000)
    expect(lettersTo('finn')).toHaveLength(1)
  })

  test('unsigned, signed by nobody, by another key, over another report or an hour ago: nothing happens', async () => {
    await server.makeUser('gil', { role: 'superuser' })
    const wide = await server.makeClient({ client_id: 'wide', scope: 'openid me admin leaks:report offline_access' })
    const { tokens } = await codeFlow(server, wide, 'gil', { extra: { scope: 'openid me admin leaks:report' } })
    const other = await signingClient('other', 'leaks:report')
    const path = '/api/v1/leaked-tokens'
    const body = JSON.stringify({ tokens: [tokens.access_token] })
    const request = { method: 'POST', url: `${server.url}${path}`, body }
    const now = server.clock.seconds()
    const right = signed(request, scanner, { now })
    const bearer = { authorization: `Bearer ${tokens.access_token}` }
    const without = (...names: readonly string[]) =>
      Object.fromEntries(Object.entries(right).filter(([name]) => !names.includes(name)))
    const wrong: readonly Readonly<Record<string, string>>[] = [
      {},
      bearer,
      { authorization: wide.basic },
      { ...bearer, ...right },
      without('signature'),
      without('signature-input'),
      without('content-digest'),
      signed(request, { clientId: 'nobody', key: scanner.key }, { now }),
      signed(request, { clientId: 'scanner', key: other.key }, { now }),
      signed({ ...request, body: JSON.stringify({ tokens: ['gth_at_x'] }) }, scanner, { now }),
      signed({ ...request, url: `${server.url}/oauth/token` }, scanner, { now }),
      signed(request, scanner, { now: now - 3_600 }),
    ]
    const before = (await leaks()).length
    for (const headers of wrong) {
      const answer = await createBrowser(server.url).ask(path, {
        headers: { 'content-type': 'application/json', ...headers },
        body,
      })
      expect([answer.status, answer.json()['code']]).toEqual([401, 'invalid_signature'])
      expect(answer.headers.get('www-authenticate')).toBe('Signature realm="gatehouse"')
    }
    expect((await leaks()).length).toBe(before)
    expect(await alive(tokens.access_token)).toBe(true)
    server.core.limits.forgive('client-secret', ['scanner', '127.0.0.1'])
  })

  test('replayed: each report works once, whatever it says', async () => {
    await server.makeUser('hal')
    const { tokens } = await codeFlow(server, app, 'hal')
    const path = '/api/v1/leaked-tokens'
    const body = JSON.stringify({ tokens: [tokens.access_token] })
    const headers = {
      'content-type': 'application/json',
      ...signed({ method: 'POST', url: `${server.url}${path}`, body }, scanner, { now: server.clock.seconds() }),
    }
    const statuses = await Promise.all(
      Array.from({ length: 5 }, async () => (await createBrowser(server.url).ask(path, { headers, body })).status),
    )
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 401, 401, 401, 401])
  })

  test('nobody reports without that power, and a reporter can do nothing else', async () => {
    const idle = await signingClient('idle', 'read')
    expect((await report(['x'], idle)).status).toBe(403)
    const asked = { grant_type: 'client_credentials', scope: 'leaks:report' }
    const url = `${server.url}/oauth/token`
    const headers = signed({ method: 'POST', url, body: formBody(asked) }, scanner, { now: server.clock.seconds() })
    const token = (await createBrowser(server.url).ask('/oauth/token', { form: asked, headers })).json()['access_token']
    expect(token).toBeTypeOf('string')
    const authorization = `Bearer ${String(token)}`
    expect((await createBrowser(server.url).ask('/api/v1/users', { headers: { authorization } })).status).toBe(403)
  })

  test('one that was switched off reports no more', async () => {
    const off = await signingClient('off', 'leaks:report')
    expect((await report(['x'], off)).status).toBe(200)
    await changeClient(server.core, { actor: { kind: 'cli' }, clientId: 'off', fields: { disabled: true } })
    expect((await report(['x'], off)).status).toBe(401)
  })

  test('somebody who floods is told to wait', async () => {
    onTestFinished(server.clock.stand())
    const statuses = await Promise.all(Array.from({ length: 80 }, async () => (await report(['x'])).status))
    expect(new Set(statuses)).toEqual(new Set([200, 429]))
  })
})
