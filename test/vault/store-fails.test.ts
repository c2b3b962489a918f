import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { OAuthProvider } from '../../src/config/provider.ts'
import type { Store } from '../../src/store/port.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'
import { createVault } from '../../src/vault/create-vault.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, etsyProvider, eventsOf, fetchAsTimeGoesOn, keptTokens, storedConnection } from './house.ts'

let etsy: Etsy
let server: TestGatehouse
let provider: OAuthProvider
beforeAll(async () => {
  etsy = await startEtsy()
  provider = etsyProvider(etsy)
  server = await startGatehouse({ config: { providers: [provider] } })
})
afterAll(async () => {
  await server.close()
  await etsy.close()
})

let mend = (): void => undefined
afterEach(() => {
  mend()
  etsy.onRotated = () => undefined
})

/** From the moment on in which the provider has used the refresh token up, commits go like this; reads go on. */
function breakAfterRotation(commit: (whole: Store['commit']) => Store['commit']): void {
  const { store } = server.core.transition
  const whole = store.commit
  etsy.onRotated = () => {
    Object.assign(store, { commit: commit(whole) })
    mend = () => void Object.assign(store, { commit: whole })
  }
}

const down = (outcome: 'none' | 'unknown') => new StoreUnavailable('down', outcome)
const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 1000))

/** Who ask for an expired token at once, on two nodes, and what they got so far. */
async function callers(count: number) {
  const id = await connectDirectly(server, provider)
  const before = { refreshes: etsy.refreshes(), ...(await keptTokens(server, id)) }
  server.clock.advance(3700)
  const other = createVault({ ...server.core, onError: () => undefined })
  const told: string[] = []
  const all = Array.from({ length: count }, async (_, index) => {
    const vault = index % 2 === 0 ? server.core.vault : other
    const token = await vault.freshToken({ connection: id })
    told.push(token.outcome === 'token' ? token.accessToken.reveal() : token.outcome)
  })
  return { id, before, told, all: Promise.all(all) }
}

describe('INV6, as those see it who wait for a renewal whose commit fails', () => {
  it('nobody gets a token that isn’t stored; once it is, all get it, and it is the newest there is', async () => {
    breakAfterRotation(() => () => Promise.reject(down('none')))
    const { id, before, told, all } = await callers(40)
    await expect.poll(() => etsy.refreshes()).toBe(before.refreshes + 1)
    await seconds(0.3)
    expect(told).toEqual([])
    expect((await keptTokens(server, id)).access).toBe(before.access)
    mend()
    await all
    const kept = await keptTokens(server, id)
    expect(new Set(told)).toEqual(new Set([kept.access]))
    expect(kept.access).not.toBe(before.access)
    expect([etsy.isNewest(kept.refresh ?? ''), etsy.refreshes() - before.refreshes]).toEqual([true, 1])
    expect(await eventsOf(server, id)).toEqual(['connection.refreshed'])
  })

  it('a commit whose answer was lost, though it happened, gives the same, and asks nobody twice', async () => {
    let lost = 0
    breakAfterRotation((whole) => async (writes) => {
      const outcome = await whole(writes)
      if (lost++ > 0) return outcome
      throw down('unknown')
    })
    const { id, before, told, all } = await callers(40)
    await all
    const kept = await keptTokens(server, id)
    expect(lost).toBeGreaterThan(0)
    expect(new Set(told)).toEqual(new Set([kept.access]))
    expect([etsy.isNewest(kept.refresh ?? ''), etsy.refreshes() - before.refreshes]).toEqual([true, 1])
    expect(await eventsOf(server, id)).toEqual(['connection.refreshed'])
  })

  it('a store that breaks otherwise never makes the connection silently dead: the intent stays, and the person is asked in the end', async () => {
    breakAfterRotation(() => () => Promise.reject(new TypeError('writing is broken')))
    const id = await connectDirectly(server, provider)
    server.clock.advance(3700)
    await expect(server.core.vault.freshToken({ connection: id })).rejects.toThrow('writing is broken')
    mend()
    expect((await storedConnection(server, id)).intent).toBeDefined()
    expect(await fetchAsTimeGoesOn(server, id)).toEqual({ outcome: 'needs_reauth', reason: 'invalid_grant' })
    expect(await eventsOf(server, id)).toEqual(['connection.broken'])
  })
})
