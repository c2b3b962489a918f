import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { put, ref } from '../../src/domain/record.ts'
import { transition } from '../../src/store/transition.ts'
import { createBreaker, type Entry } from '../../src/vault/breaker.ts'
import { createVault } from '../../src/vault/create-vault.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, etsyProvider, expire, storedConnection } from './house.ts'

// How long a provider that fails is left alone: twice as long each time, of which chance takes up to a half away.

describe('all of a provider’s connections in one process', () => {
  /** Failures one after another, each as soon as somebody may ask again; how long it is closed after each. */
  async function pauses(chance: number, failures: number, asked?: number): Promise<readonly number[]> {
    let now = 0
    const breaker = createBreaker({ monotonic: () => now }, () => chance)
    const seen: number[] = []
    for (let failed = 1; failed <= failures; failed += 1) {
      const entry = await breaker.enter('etsy')
      if ('retryAfter' in entry) throw new Error(`closed for ${entry.retryAfter} s before failure ${failed}`)
      entry.failed(asked)
      const closed = await breaker.enter('etsy')
      seen.push('retryAfter' in closed ? closed.retryAfter : 0)
      if (!('retryAfter' in closed)) closed.left()
      now += (seen.at(-1) ?? 0) * 1000
    }
    return seen
  }

  it.each([
    ['the least', 0, [0, 0, 0, 0, 1, 6, 6, 6, 8, 16, 32, 60]],
    ['the most', 1, [0, 0, 0, 0, 1, 6, 6, 8, 16, 32, 60, 60]],
  ])('%s that chance leaves of it', async (_name, chance, expected) => {
    expect(await pauses(chance, 12)).toEqual(expected)
  })

  it('FLT-28: as long as the provider asks for, from its first word on', async () => {
    expect(await pauses(0, 7, 300)).toEqual([300, 300, 300, 300, 300, 300, 300])
  })

  it('FLT-28: longer than it asks for, where it goes on failing', async () => {
    expect(await pauses(1, 12, 2)).toEqual([2, 2, 2, 2, 2, 6, 6, 8, 16, 32, 60, 60])
  })

  it('is asked for 64 of them at once and no more; the next one has his turn when one of those is done', async () => {
    const breaker = createBreaker({ monotonic: () => 0 }, () => 0)
    const entered: Entry[] = []
    const enter = async (provider = 'etsy'): Promise<void> => {
      const entry = await breaker.enter(provider)
      if ('retryAfter' in entry) throw new Error('closed')
      entered.push(entry)
    }
    const all = Array.from({ length: 66 }, () => enter())
    await setImmediate()
    expect(entered).toHaveLength(64)
    // Another provider has its own line.
    await enter('elsewhere')
    expect(entered).toHaveLength(65)
    for (const end of ['succeeded', 'left'] as const) {
      const before = entered.length
      entered[0]?.[end]()
      await setImmediate()
      expect(entered).toHaveLength(before + 1)
    }
    await Promise.all(all)
  })
})

describe('one connection', () => {
  let etsy: Etsy
  let server: TestGatehouse
  const provider = () => etsyProvider(etsy)
  beforeAll(async () => {
    etsy = await startEtsy()
    server = await startGatehouse({ config: { providers: [provider()] } })
  })
  afterAll(() => Promise.all([server.close(), etsy.close()]))

  it.each([
    ['the least', 0, 16],
    ['the most', 255, 32],
  ])('FLT-28: after the sixth failure, %s that chance leaves', async (_name, byte, seconds) => {
    const { core } = server
    const random = {
      ...core.random,
      bytes: (size: number) => core.random.bytes(size).fill(byte, 0, size === 1 ? 1 : 0),
    }
    const vault = createVault({ ...core, random, onError: () => undefined })
    const id = await connectDirectly(server, provider())
    await expire(server, id)
    const failed = { ...(await storedConnection(server, id)), failures: 5 }
    await transition(core.transition, { slot: ref('connection', id) }, ({ slot }) => ({
      writes: [put(slot, failed, { expiresAt: null })],
      result: undefined,
    }))
    etsy.faults.push('500')
    const before = core.clock.seconds()
    const fetched = await vault.freshToken({ connection: id })
    const elapsed = core.clock.seconds() - before
    const { retryAt = 0, failures } = await storedConnection(server, id)
    expect([fetched.outcome, failures]).toEqual(['unavailable', 6])
    expect(retryAt - before).toBeGreaterThanOrEqual(seconds)
    expect(retryAt - before).toBeLessThanOrEqual(seconds + elapsed)
    await vault.close()
  })
})
