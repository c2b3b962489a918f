import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { consent } from '../emulators/emulator.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { createBrowser } from '../kit/browser.ts'
import { submit } from '../kit/flow.ts'
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
  const wrong = await Promise.all([gatehouse('revoke'), gatehouse('revoke', '--provider', 'nope')])
  expect(wrong.map(({ code }) => code)).toEqual([1, 1])
  const ended = await gatehouse('revoke', '--provider', 'etsy')
  expect([ended.code, ended.out]).toEqual([0, expect.stringContaining('every connection of etsy is over')])
  for (const connection of ids) expect((await server.core.vault.freshToken({ connection })).outcome).toBe('revoked')
})
