import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { claimsOf, tokenRequest, type Tokens } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'

let server: TestGatehouse
let anyApi: MadeClient
let oneApi: MadeClient

beforeAll(async () => {
  server = await startGatehouse()
  for (const resource of ['https://one.example', 'https://two.example']) {
    await server.makeResource({ resource, scope: 'read' })
  }
  anyApi = await server.makeClient()
  oneApi = await server.makeClient({ client_id: 'one', resources: ['https://one.example'] })
})
afterAll(() => server.close())

async function audience(client: MadeClient, form: Readonly<Record<string, string>>): Promise<unknown> {
  const answer = await tokenRequest(server, client, { grant_type: 'client_credentials', ...form })
  if (answer.status !== 200) return answer.json()['error']
  return claimsOf((answer.json() as Tokens).access_token)['aud']
}

describe('RFC 8707 §2: the resource of a client that acts for itself', () => {
  test('named: any that is known, for a client that is not limited', async () => {
    expect(await audience(anyApi, { resource: 'https://two.example' })).toBe('https://two.example')
    expect(await audience(anyApi, { resource: 'https://unknown.example' })).toBe('invalid_target')
  })

  test('named: only its own, for a client that is limited', async () => {
    expect(await audience(oneApi, { resource: 'https://one.example' })).toBe('https://one.example')
    expect(await audience(oneApi, { resource: 'https://two.example' })).toBe('invalid_target')
  })

  test('not named: this server, limited or not', async () => {
    expect(await audience(anyApi, {})).toBe(server.url)
    expect(await audience(oneApi, {})).toBe(server.url)
  })
})
