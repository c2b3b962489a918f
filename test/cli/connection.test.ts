import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { put, ref } from '../../src/domain/record.ts'
import { transition } from '../../src/store/transition.ts'
import { consent } from '../emulators/emulator.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { createBrowser } from '../kit/browser.ts'
import { codeFlow, submit } from '../kit/flow.ts'
import { startGatehouse, testSecret, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, etsyProvider } from '../vault/house.ts'
import { cli } from './bench.ts'

let folder: string
let etsy: Etsy
let server: TestGatehouse
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-connection-'))
  mkdirSync(join(folder, 'data'))
  etsy = await startEtsy()
  server = await startGatehouse({
    store: { adapter: 'sqlite', path: join(folder, 'data', 'gatehouse.db') },
    config: { providers: [etsyProvider(etsy)] },
  })
})
afterAll(async () => {
  await server.close()
  await etsy.close()
  rmSync(folder, { recursive: true })
})

const gatehouse = (...args: readonly string[]) => cli(folder, ['connection', ...args])

it('starts, fetches, lists, shows and ends a connection, and prints no token but where one is asked for', async () => {
  const started = JSON.parse((await gatehouse('start', 'etsy', '--server', server.url, '--json')).out) as {
    readonly handle: string
    readonly connect_url: string
    readonly user_code: string
    readonly connection: string
  }
  const early = await gatehouse('token', started.handle, '--server', server.url)
  expect([early.code, early.err]).toEqual([1, expect.stringContaining('authorization_pending')])
  const browser = createBrowser(server.url)
  const page = await browser.ask(started.connect_url)
  const left = await submit(browser, page, 'connect', { user_code: started.user_code, confirm_mine: 'yes' })
  await browser.ask(await consent(left.location ?? ''))

  const [token, list, show] = await Promise.all([
    gatehouse('token', started.handle, '--server', server.url),
    gatehouse('list'),
    gatehouse('show', started.connection),
  ])
  expect(token.out).toMatch(/^123456789\.[\w-]+\n$/)
  expect(list.out).toContain(started.connection)
  expect(show.out).toMatch(/unsure +false/)
  expect(show.out).toContain('whoever holds the handle')
  expect(list.out + show.out).not.toContain('123456789.')
  const ended = await gatehouse('revoke', started.handle)
  expect([ended.code, ended.out]).toEqual([0, `${started.connection} is disconnected\n`])
  const after = await gatehouse('token', started.handle, '--server', server.url)
  expect([after.code, after.err]).toEqual([1, expect.stringContaining('expired_token')])
  expect((await gatehouse('show', 'nothing')).code).toBe(1)
})

it('lists, shows and ends them through a running server too, in the same words', async () => {
  const web = await server.makeClient({ client_id: 'web', scope: 'openid admin vault' })
  const { userId } = await server.makeUser('root', { role: 'superuser' })
  const { tokens } = await codeFlow(server, web, 'root', { extra: { scope: 'openid admin' } })
  const remote = (...args: readonly string[]) =>
    gatehouse(...args, '--server', server.url, '--token', tokens.access_token, '--json')
  const [hers, nobodys] = [
    await connectDirectly(server, etsyProvider(etsy), { kind: 'user', userId }),
    await connectDirectly(server, etsyProvider(etsy)),
  ]
  const read = async (answer: ReturnType<typeof remote>) => JSON.parse((await answer).out) as Record<string, unknown>
  const idsOf = async (answer: ReturnType<typeof remote>) =>
    ((await read(answer))['items'] as readonly { connection_id: string }[]).map((one) => one.connection_id).toSorted()
  expect(await idsOf(remote('list'))).toEqual(await idsOf(gatehouse('list', '--json')))
  expect(await idsOf(remote('list', '--user', 'root'))).toEqual([hers])
  expect(await read(remote('show', hers))).toEqual(await read(gatehouse('show', hers, '--json')))
  expect(await read(remote('show', nobodys))).toMatchObject({ owner: null, state: 'active', account: '123456789' })

  expect(await read(remote('revoke', nobodys))).toEqual({ connection_id: nobodys, revoked: true })
  expect((await server.core.vault.freshToken({ connection: nobodys })).outcome).toBe('revoked')
  const again = await remote('revoke', nobodys)
  expect([again.code, again.err]).toEqual([1, expect.stringContaining('no such connection')])
  // By handle: an id in a made-up one ends nothing.
  expect((await remote('revoke', `gth_vh_00000000_a.${hers}.x`)).code).toBe(1)
  expect(await read(remote('revoke', '--provider', 'etsy'))).toMatchObject({ provider: 'etsy' })
  expect((await server.core.vault.freshToken({ connection: hers })).outcome).toBe('revoked')
  const nobody = await gatehouse('list', '--server', server.url, '--token', 'nonsense')
  expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining('401')])
})

it('mints a capability to a connection of nobody’s account, which the server takes', async () => {
  const id = await connectDirectly(server, etsyProvider(etsy))
  const mint = (...args: readonly string[]) =>
    cli(folder, ['token', 'mint', '--issuer', server.url, ...args], { environment: { GATEHOUSE_SECRET: testSecret } })
  const made = await mint('--connection', id, '--caveat', 'method = GET')
  expect([made.code, made.err]).toEqual([0, ''])
  const call = (method: string) =>
    createBrowser(server.url).ask(`/vault/proxy/${id}/v3/application/openapi-ping`, {
      method,
      headers: { authorization: `Bearer ${made.out.trim()}` },
    })
  expect([(await call('GET')).status, (await call('DELETE')).status]).toEqual([200, 401])
  const [nobody, wrong] = await Promise.all([mint(), mint('--connection', 'nothing')])
  expect([nobody.code, wrong.code]).toEqual([2, 1])
})

it('L25: ends all of a provider, also while a server runs on the store', async () => {
  const ids = await Promise.all([1, 2].map(() => connectDirectly(server, etsyProvider(etsy))))
  // CONTRACT, commands: 2 is wrong usage, 1 what was refused.
  const [none, both] = [await gatehouse('revoke'), await gatehouse('revoke', ids[0] ?? '', '--provider', 'etsy')]
  expect([none.code, both.code, none.err]).toEqual([2, 2, expect.stringContaining('name a connection, or --provider')])
  expect((await gatehouse('revoke', '--provider', 'nope')).code).toBe(1)
  const ended = await gatehouse('revoke', '--provider', 'etsy')
  expect([ended.code, ended.out]).toEqual([0, expect.stringContaining('every connection of etsy is over')])
  for (const connection of ids) expect((await server.core.vault.freshToken({ connection })).outcome).toBe('revoked')
})

it('sends a secret to the server of this store where that is on this machine, and elsewhere only to one that was named', async () => {
  const { transition: context } = server.core
  const serve = (servedAs: string) =>
    transition(context, { instance: ref('instance', 'self') }, ({ instance }) => ({
      writes: instance.value === undefined ? [] : [put(instance, { ...instance.value, servedAs }, { expiresAt: null })],
      result: undefined,
    }))
  await serve(server.url)
  const here = await gatehouse('token', 'gth_vh_of_nobody')
  expect([here.code, here.err]).toEqual([1, expect.stringContaining('there is no such handle')])
  await serve('https://elsewhere.invalid')
  const away = await gatehouse('token', 'gth_vh_of_nobody')
  expect([away.code, away.err]).toEqual([1, expect.stringContaining('--server https://elsewhere.invalid')])
  // A database server isn't even asked: who else writes to it may have somebody listen on this machine.
  const shared = await gatehouse('token', 'gth_vh_of_nobody', '--store', 'postgres://gatehouse@db.invalid/gatehouse')
  expect([shared.code, shared.err]).toEqual([1, expect.stringContaining('name the server: --server')])
})
