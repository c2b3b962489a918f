import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { codeFlow } from '../kit/flow.ts'
import { startGatehouse, testSecret, type TestGatehouse } from '../kit/gatehouse.ts'
import { readOAuthProvider } from '../upstream/house.ts'
import { cli, type Said } from './bench.ts'

// Verbs that once worked on the store alone: through a running server, in the same words.

let folder: string
let server: TestGatehouse
/** Access tokens, by role. */
const tokens: Record<string, string> = {}
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-remote-'))
  mkdirSync(join(folder, 'data'))
  const hub = { name: 'hub', preset: 'github', client_id: 'x', client_secret: { env: 'S' } }
  server = await startGatehouse({
    store: { adapter: 'sqlite', path: join(folder, 'data', 'gatehouse.db') },
    config: { providers: [readOAuthProvider(hub, { S: 's'.repeat(40) })] },
  })
  const web = await server.makeClient({ client_id: 'web', scope: 'openid admin' })
  await server.makeUser('ada')
  for (const role of ['admin', 'superuser'] as const) {
    await server.makeUser(role, { role })
    const flow = await codeFlow(server, web, role, { extra: { scope: 'openid admin' } })
    tokens[role] = flow.tokens.access_token
  }
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})

const remote = (role: 'admin' | 'superuser', ...args: readonly string[]): Promise<Said> =>
  cli(folder, [...args, '--server', server.url, '--token', tokens[role] ?? '', '--json'])
const local = (...args: readonly string[]): Promise<Said> =>
  cli(folder, [...args, '--json'], { environment: { GATEHOUSE_SECRET: testSecret } })

it('provider list and show: those that the server has, without a secret', async () => {
  const [list, show, none] = await Promise.all([
    remote('admin', 'provider', 'list'),
    remote('admin', 'provider', 'show', 'hub'),
    remote('admin', 'provider', 'show', 'nobody'),
  ])
  expect(list.json()['items']).toEqual([show.json()])
  expect(show.json()).toMatchObject({ name: 'hub', callback_uri: `${server.url}/vault/callback/hub`, client_id: 'x' })
  expect(list.out + show.out).not.toContain('ssss')
  expect([none.code, none.err]).toEqual([1, expect.stringContaining('known are hub')])
  const nobody = await cli(folder, ['provider', 'list', '--server', server.url])
  expect([nobody.code, nobody.err]).toEqual([2, expect.stringContaining('--server needs --token')])
})

it('key rotate: a superuser’s, one key that waits however often it is asked for', async () => {
  const refused = await remote('admin', 'key', 'rotate', 'cursor')
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('answered 403')])
  const first = await remote('superuser', 'key', 'rotate', 'cursor')
  const again = await remote('superuser', 'key', 'rotate', 'cursor')
  expect(first.json()['items']).toEqual([expect.objectContaining({ ring: 'cursor', state: 'announced' })])
  expect(again.json()).toEqual(first.json())
  const listed = (await local('key', 'list')).json()['items'] as readonly Record<string, unknown>[]
  expect(listed.filter(({ ring, state }) => ring === 'cursor' && state === 'announced')).toHaveLength(1)
  expect((await remote('superuser', 'key', 'rotate', 'nothing')).code).toBe(2)
})

it('user link and unlink: the identity is there, is nobody else’s, and nobody links one to somebody above him', async () => {
  const link = (role: 'admin' | 'superuser', name: string, ...more: readonly string[]) =>
    remote(role, 'user', 'link', name, 'hub', '--subject', '42', ...more)
  const linked = await link('admin', 'ada', '--label', 'ada there')
  expect(linked.json()).toMatchObject({
    provider: 'hub',
    issuer: 'https://github.com',
    subject: '42',
    label: 'ada there',
  })
  const taken = await link('superuser', 'admin')
  expect([taken.code, taken.err]).toEqual([1, expect.stringContaining('belongs to another account')])
  const above = await remote('admin', 'user', 'link', 'superuser', 'hub', '--subject', '43')
  expect([above.code, above.err]).toEqual([1, expect.stringContaining('answered 403')])
  const unknown = await remote('admin', 'user', 'link', 'ada', 'nothing', '--subject', '1')
  expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('no such provider')])
  expect((await remote('admin', 'user', 'unlink', 'ada', 'hub')).json()).toMatchObject({ provider: 'hub' })
  expect((await link('superuser', 'admin')).code).toBe(0)
})

it('user link needs the sign-in of a moment ago: what it gives is an account', async () => {
  server.clock.advance(700)
  const late = await remote('superuser', 'user', 'link', 'ada', 'hub', '--subject', '7')
  expect([late.code, late.err]).toEqual([1, expect.stringMatching(/answered 40[13]/)])
})
