import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBrowser } from '../kit/browser.ts'
import { authorize, authorizeUrl, tokenRequest } from '../kit/flow.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'

let server: TestGatehouse

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada')
  await server.makeClient()
})
afterAll(() => server.close())

describe('the scope of a client that acts for itself', () => {
  test('RFC 6749 §3.3: without a scope it gets its ordinary ones; powers over this server must be asked for by name', async () => {
    const job = await server.makeClient({
      client_id: 'job',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      scope: 'read admin admin:read vault introspect accounts:provision',
    })
    const scopeOf = async (form: Readonly<Record<string, string>>) => {
      const answer = await tokenRequest(server, job, { grant_type: 'client_credentials', ...form })
      expect(answer.status, answer.text).toBe(200)
      return answer.json()['scope']
    }
    expect(await scopeOf({})).toBe('read')
    expect(await scopeOf({ scope: 'admin:read vault' })).toBe('admin:read vault')
  })
})

describe('a failed client authentication names a way that fits', () => {
  const form = { grant_type: 'client_credentials', client_id: 'app' }
  const challenged = async (ask: Parameters<ReturnType<typeof createBrowser>['ask']>[1]) => {
    const answer = await createBrowser(server.url).ask('/oauth/token', ask)
    expect({ status: answer.status, error: answer.json()['error'] }).toEqual({ status: 401, error: 'invalid_client' })
    return answer.headers.get('www-authenticate')
  }

  test('RFC 6749 §5.2: Basic, where the request used the Authorization header', async () => {
    const wrong = `Basic ${btoa('app:wrong')}`
    const answered = await challenged({ form: { grant_type: 'client_credentials' }, headers: { authorization: wrong } })
    expect(answered).toMatch(/^Basic realm="gatehouse"/)
  })

  test('RFC 9110 §11.6.1: elsewhere a challenge for which no browser asks its user for a password', async () => {
    expect(await challenged({ form })).toBe('Client realm="gatehouse"')
    expect(await challenged({ form: { ...form, client_secret: 'wrong' } })).toBe('Client realm="gatehouse"')
  })
})

test('an implicit answer whose token would be too long is invalid_scope, as at the token endpoint', async () => {
  const scope = Array.from({ length: 40 }, (_, index) => `${'x'.repeat(45)}${index}`).join(' ')
  await server.makeResource({ resource: 'https://api.example', scope, access_token: { format: 'opaque' } })
  const old = await server.makeClient({ client_id: 'old', legacy: ['implicit'], scope })
  const url = authorizeUrl(old, {
    response_type: 'token',
    code_challenge: '',
    code_challenge_method: '',
    scope,
    resource: 'https://api.example',
  })
  const back = await authorize(server, createBrowser(server.url), url, 'ada')
  const answered = new URLSearchParams(back.hash.slice(1))
  expect(answered.get('error')).toBe('invalid_scope')
  expect(answered.get('access_token')).toBeNull()
})
