import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseStoreAddress, type StoreAddress } from '../../src/config/store-address.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'
import type { FreshToken } from '../../src/vault/fresh-token.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, etsyProvider, eventsOf, expire, keptTokens } from './house.ts'

const askers = 500

/** A store that is served by its own engine, and the address at which nodes share it. */
export type Running = { readonly address: string; readonly stop: () => Promise<void> }

function addressOf(text: string): StoreAddress {
  const parsed = parseStoreAddress(text, (path) => path)
  if ('problem' in parsed) throw new Error(parsed.problem)
  return parsed.address
}

/** L20: three nodes share a store and nothing else; every rotation is one request to the provider, whichever node makes it. */
export function threeNodes(start: () => Promise<Running>): void {
  let etsy: Etsy
  let running: Running | undefined
  const nodes: TestGatehouse[] = []

  beforeAll(async () => {
    etsy = await startEtsy()
    running = await start()
    const store = addressOf(running.address)
    // One after the other: the first makes the store and its keys.
    for (let made = 0; made < 3; made += 1)
      nodes.push(await startGatehouse({ store, config: { providers: [etsyProvider(etsy)] } }))
  }, 120_000)
  afterAll(async () => {
    for (const node of nodes) await node.close()
    await running?.stop()
    await etsy.close()
  })

  /** A store that can't keep up with five hundred readers makes some of them a 503, and those ask again. */
  async function untilAnswered({ core }: TestGatehouse, connection: string): Promise<FreshToken> {
    for (;;) {
      try {
        return await core.vault.freshToken({ connection })
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
        await pause(100)
      }
    }
  }

  async function fetchEverywhere(connection: string, among: readonly TestGatehouse[]): Promise<readonly string[]> {
    const asked = Array.from({ length: askers }, (_, index) => untilAnswered(among[index % among.length]!, connection))
    const tokens = await Promise.all(asked)
    return [...new Set(tokens.map((token) => (token.outcome === 'token' ? token.accessToken.reveal() : token.outcome)))]
  }

  test.each([1, 3])(
    `L20: ${askers} who ask for one expired connection on %i node(s) cause one refresh, and all get what it gave`,
    async (count) => {
      const [first] = nodes
      const id = await connectDirectly(first!, etsyProvider(etsy))
      for (let rotation = 1; rotation <= 3; rotation += 1) {
        await expire(first!, id)
        const before = etsy.refreshes()
        etsy.faults.push('slow')
        const given = await fetchEverywhere(id, nodes.slice(0, count))
        expect(etsy.refreshes() - before).toBe(1)
        const kept = await keptTokens(first!, id)
        expect(given).toEqual([kept.access])
        expect(etsy.isNewest(kept.refresh ?? '')).toBe(true)
      }
      expect((await eventsOf(first!, id)).filter((type) => type === 'connection.refreshed')).toHaveLength(3)
    },
    60_000,
  )

  test('what one node ended, another neither gives nor renews', async () => {
    const [first, second, third] = nodes as [TestGatehouse, TestGatehouse, TestGatehouse]
    const id = await connectDirectly(first, etsyProvider(etsy))
    expect((await second.core.vault.freshToken({ connection: id })).outcome).toBe('token')
    const [record] = await first.core.transition.store.read([{ kind: 'connection', id }])
    await third.core.vault.disconnect(id, { connection: record!.value as never, by: { actor: 'a test' } })
    const before = etsy.refreshes()
    for (const node of nodes) expect((await node.core.vault.freshToken({ connection: id })).outcome).toBe('revoked')
    expect(etsy.refreshes()).toBe(before)
  })
}
