import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { printResource } from '../../src/accounts/find-resource.ts'
import { parseResourceDocument } from '../../src/config/check-resource.ts'
import type { Resource } from '../../src/domain/resource.ts'
import { createBrowser } from '../kit/browser.ts'
import { authorizeUrl, claimsOf, signInFor, tokenRequest, type Tokens } from '../kit/flow.ts'
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

describe('the words of an API for its scopes', () => {
  const described = {
    resource: 'https://words.example',
    resource_name: 'The notes',
    scope: 'notes:read notes:write',
    scope_descriptions: { 'notes:write': 'Write & delete your notes' },
  }

  test('stand on the consent page, and in every answer about it', async () => {
    await server.makeResource(described)
    await server.makeUser('ada')
    const app = await server.makeClient({ client_id: 'notes', scope: 'openid notes:read notes:write' })
    const browser = createBrowser(server.url)
    const url = authorizeUrl(app, { scope: 'openid notes:read notes:write', resource: described.resource })
    const page = await signInFor(server, browser, url, 'ada')
    expect(page.text).toContain('Write &amp; delete your notes')
    expect(page.text).toContain('notes:read')
    expect(page.text).not.toMatch(/<strong[^>]*>[^<]*notes:write/)
    const kept = await server.core.directory.resource(described.resource)
    expect(printResource(kept as Resource)).toMatchObject({ scope_descriptions: described.scope_descriptions })
  })

  test.each([
    ['of a scope that it does not have', { other: 'Something else' }],
    ['that are empty', { 'notes:read': '' }],
    ['with a line break', { 'notes:read': 'Read\nnotes' }],
  ])('are refused: those %s', (_name, scope_descriptions) => {
    const parsed = parseResourceDocument({ ...described, scope_descriptions }, server.url)
    expect(parsed).toMatchObject({ field: expect.stringMatching(/^scope_descriptions/) as string })
  })
})
