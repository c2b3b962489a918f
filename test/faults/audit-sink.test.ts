import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeFlow } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'

let collector: Server
let gatehouse: TestGatehouse
let client: MadeClient
let admin: string
const collected: { readonly id: string; readonly type: string }[] = []
const state: { answer: 'yes' | 'no' | 'never' } = { answer: 'yes' }

beforeAll(async () => {
  collector = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      if (state.answer === 'never') return
      if (state.answer === 'yes')
        for (const line of body.split('\n').filter(Boolean)) collected.push(JSON.parse(line) as never)
      response.writeHead(state.answer === 'yes' ? 204 : 507).end()
    })
  })
  await new Promise<void>((resolve) => void collector.listen(0, '127.0.0.1', resolve))
  const { port } = collector.address() as AddressInfo
  gatehouse = await startGatehouse({
    config: { audit: { to: 'http', url: `http://127.0.0.1:${port}/events`, allowInsecure: true } },
  })
  client = await gatehouse.makeClient({ grant_types: ['client_credentials'], scope: 'read introspect' })
  await gatehouse.makeUser('root', { role: 'superuser' })
  const console = await gatehouse.makeClient({ client_id: 'console', scope: 'openid admin' })
  admin = (await codeFlow(gatehouse, console, 'root', { extra: { scope: 'openid admin' } })).tokens.access_token
}, 30_000)
afterAll(async () => {
  state.answer = 'yes'
  await gatehouse.close()
  collector.closeAllConnections()
  collector.close()
})

const post = (path: string, form: Readonly<Record<string, string>>): Promise<Response> =>
  fetch(`${gatehouse.url}${path}`, {
    method: 'POST',
    headers: { authorization: client.basic },
    body: new URLSearchParams(form),
  })
const mint = (): Promise<Response> => post('/oauth/token', { grant_type: 'client_credentials', scope: 'read' })

test.each(['no', 'never'] as const)(
  'FLT-31, M09: while the sink answers %s nothing is issued or revoked, within two seconds, and what is out is verified',
  async (answer) => {
    const { access_token: token } = (await (await mint()).json()) as { access_token: string }
    state.answer = answer
    gatehouse.clock.advance(2)
    for (const ask of [mint, mint, () => post('/oauth/revoke', { token })]) {
      const began = performance.now()
      const refused = await ask()
      expect(performance.now() - began).toBeLessThan(2000)
      expect(refused.status).toBe(503)
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(await refused.json()).toMatchObject({
        error: 'temporarily_unavailable',
        error_description: expect.stringContaining('audit sink'),
      })
    }
    const changed = await fetch(`${gatehouse.url}/api/v1/clients/${client.clientId}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
      body: '{"client_name":"Another"}',
    })
    expect(changed.status).toBe(503)
    expect(changed.headers.get('retry-after')).not.toBeNull()
    expect(await changed.json()).toMatchObject({ detail: expect.stringContaining('audit sink') })
    const live = await post('/oauth/introspect', { token })
    expect(await live.json()).toMatchObject({ active: true })
    expect((await fetch(`${gatehouse.url}/.well-known/jwks.json`)).status).toBe(200)
    state.answer = 'yes'
    gatehouse.clock.advance(1)
    await expect.poll(async () => (await mint()).status).toBe(200)
  },
)

test('nothing was lost: every event of the store is at the collector, by its id', async () => {
  const ids: string[] = []
  for await (const { id } of gatehouse.core.admin.scan('event')) ids.push(id)
  await expect.poll(() => ids.filter((id) => !collected.some((event) => event.id === id))).toEqual([])
  expect(ids.length).toBeGreaterThan(5)
})
