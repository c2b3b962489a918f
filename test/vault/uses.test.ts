import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { StoreUnavailable } from '../../src/store/unavailable.ts'
import { createVault } from '../../src/vault/create-vault.ts'
import { createUses, type Use } from '../../src/vault/record-uses.ts'
import { consent } from '../emulators/emulator.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { eventsOf } from '../attacks/support.ts'
import { createBrowser, type Answer } from '../kit/browser.ts'
import { submit } from '../kit/flow.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, etsyProvider } from './house.ts'
import { policies } from '../../src/limits/policies.ts'

// L12 in spirit: whoever holds the handle of a connection of nobody's uses it as often as he likes, and fills no disk by it.

const [, { burst }] = policies['handle-use'].budgets
const nobodys = { owner: { kind: 'handle' } } as const

let etsy: Etsy
let server: TestGatehouse
beforeAll(async () => {
  etsy = await startEtsy()
  server = await startGatehouse({ config: { providers: [etsyProvider(etsy)] } })
})
afterAll(() => Promise.all([server.close(), etsy.close()]))

let use: Use
beforeEach(async () => {
  use = { address: '192.0.2.1', type: 'connection.fetched', target: await connectDirectly(server, etsyProvider(etsy)) }
})

const told = async (target = use.target) =>
  (await eventsOf(server)).filter((event) => event['target'] === target && event['type'] !== 'token.issued')
const total = async () => (await told()).reduce((sum, { count }) => sum + Number(count ?? 1), 0)

async function useUp(more: Partial<Use> = {}, times: number = burst): Promise<void> {
  for (let at = 0; at < times; at += 1) await server.core.vault.recordUse(nobodys, { ...use, ...more })
}

describe('the uses of a connection of nobody', () => {
  it('are events one by one, and beyond a budget counted; the next event says how many', async () => {
    await useUp({}, burst + 100)
    expect(await told()).toHaveLength(burst)
    server.clock.advance(3601)
    await useUp({}, 1)
    expect((await told()).at(-1)).toMatchObject({ type: 'connection.fetched', address: use.address, count: 101 })
    expect([(await told()).length, await total()]).toEqual([burst + 1, burst + 101])
  })

  it('are told by upkeep where nothing else tells them, once there is room, and by a server that stops', async () => {
    await useUp({}, burst + 3)
    await server.core.vault.tellUses()
    expect(await total()).toBe(burst)
    server.clock.advance(3601)
    await server.core.vault.tellUses()
    expect((await told()).at(-1)).toMatchObject({ address: use.address, count: 3 })
    await useUp({}, 2)
    const stopping = createVault({ ...server.core, onError: () => undefined })
    await stopping.recordUse(nobodys, use)
    await stopping.recordUse(nobodys, use)
    const before = await total()
    await stopping.close()
    expect((await total()) - before).toBe(2)
  })

  it('from elsewhere, or by another token, are told by themselves: who took a handle hides behind nobody', async () => {
    await useUp({}, burst + 5)
    await useUp({ address: '198.51.100.9' }, 1)
    await useUp({ type: 'connection.called', jti: 'another' }, 1)
    const others = (await told()).filter(({ address, jti }) => address !== use.address || jti !== undefined)
    expect(new Set(others.map(({ address, jti }) => `${String(jti)} ${String(address)}`))).toEqual(
      new Set(['undefined 198.51.100.9', `another ${use.address}`]),
    )
    expect(await told()).toHaveLength(burst + 2)
  })

  it('are bounded from however many sources', async () => {
    const [{ burst: all }] = policies['handle-use'].budgets
    for (let at = 0; at < all + 60; at += 1) await useUp({ address: `198.51.${at >> 8}.${at & 255}` }, 1)
    expect(await told()).toHaveLength(all)
  })

  it('are counted still where the store does not take their event', async () => {
    const { core } = server
    let isDown = true
    const store = {
      ...core.transition.store,
      commit: (writes: Parameters<typeof core.transition.store.commit>[0]) =>
        isDown ? Promise.reject(new StoreUnavailable('down', 'none')) : core.transition.store.commit(writes),
    }
    const room = { left: 0 }
    const limits = { reserve: () => (room.left-- > 0 ? {} : { retryAfterSeconds: 1 }) }
    const uses = createUses({ ...core, limits, transition: { ...core.transition, store } })
    await uses.record(nobodys, use)
    room.left = 1
    await expect(uses.record(nobodys, use)).rejects.toThrow(StoreUnavailable)
    await expect(uses.tell('at the end')).rejects.toThrow(StoreUnavailable)
    isDown = false
    await uses.tell('at the end')
    // The one that was refused is none.
    expect(await total()).toBe(1)
  })
})

it('each use of a connection that belongs to somebody is an event', async () => {
  for (let at = 0; at < burst + 10; at += 1)
    await server.core.vault.recordUse({ owner: { kind: 'client', clientId: 'robot' } }, use)
  expect(await told()).toHaveLength(burst + 10)
})

/** Connected as the README says. */
async function byHandle(): Promise<{ readonly connection: string; readonly handle: string }> {
  const browser = createBrowser(server.url)
  const started = (await browser.ask('/vault/connect', { form: { provider: 'etsy' } })).json() as Record<string, string>
  const { connect_url: url = '', user_code = '', connection = '', handle = '' } = started
  const left = await submit(browser, await browser.ask(url), 'connect', { user_code, confirm_mine: 'yes' })
  await browser.ask(await consent(left.location ?? ''))
  return { connection, handle }
}

it('over HTTP: a handle in a loop, at the vault and through the proxy, and it is answered each time', async () => {
  const fetched = async (target: string, ask: () => Promise<Answer>) => {
    for (let at = 0; at < burst + 6; at += 1) expect((await ask()).status).toBe(200)
    return (await told(target)).map(({ type }) => type)
  }
  const { connection, handle } = await byHandle()
  const browser = createBrowser(server.url)
  const tokens = await fetched(connection, () => browser.ask('/vault/token', { form: { handle } }))
  expect(tokens.filter((type) => type === 'connection.fetched')).toHaveLength(burst)
  const headers = { authorization: `Bearer ${handle}` }
  const path = `/vault/proxy/${connection}/v3/application/openapi-ping`
  const calls = await fetched(connection, () => browser.ask(path, { headers }))
  expect(calls.filter((type) => type === 'connection.called')).toHaveLength(burst)
})
