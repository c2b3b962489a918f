import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createRandom } from '../../src/crypto/random.ts'
import { append, put, ref } from '../../src/domain/record.ts'
import { chainRef } from '../../src/domain/seal.ts'
import { createForwardClock } from '../../src/server/forward-clock.ts'
import { createHighWater } from '../../src/server/high-water.ts'
import { startUpkeep } from '../../src/server/upkeep.ts'
import { ensureInstance } from '../../src/store/ensure-instance.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import { start } from '../../src/store/suite/samples.ts'
import { commitNew, transition } from '../../src/store/transition.ts'
import { createBrowser } from '../kit/browser.ts'
import { authorize, authorizeUrl, codeFlow, introspect, tokenRequest, verifier } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { createSettableClock } from '../kit/settable-clock.ts'

const hour = 3_600
const tenYears = 10 * 365 * 24 * hour

describe('the clock that a server goes by', () => {
  let wall = 1_000_000
  let passed = 0
  const clock = createForwardClock({ wall: () => wall, monotonic: () => passed })
  const pass = (millis: number) => {
    wall += millis
    passed += millis
  }

  test('is the wall’s, slewed or set forward', () => {
    pass(400)
    expect(clock.millis()).toBe(1_000_400)
    wall += 5_000
    expect([clock.millis(), clock.aheadOfWall?.()]).toEqual([1_005_400, 0])
  })

  test('goes on from where it was when the wall is set back, until that has caught up', () => {
    wall -= 3_000_000
    expect(clock.millis()).toBe(1_005_400)
    pass(1_000)
    expect([clock.millis(), clock.seconds(), clock.aheadOfWall?.()]).toEqual([1_006_400, 1_006, 3_000])
    wall += 3_000_000
    expect([clock.millis(), clock.aheadOfWall?.()]).toEqual([1_006_400, 0])
  })

  test('begins no earlier than somebody else saw, and believes nobody who is a day ahead', () => {
    clock.notBefore?.(1_006)
    expect(clock.millis()).toBe(1_006_400)
    clock.notBefore?.(1_600)
    expect(clock.millis()).toBe(1_600_000)
    clock.notBefore?.(1_600 + 25 * hour)
    expect(clock.millis()).toBe(1_600_000)
  })
})

describe('FLT-18: a clock that jumps under a server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-clock-'))
  const store = { adapter: 'sqlite', path: join(folder, 'gatehouse.db') } as const
  const clock = createSettableClock()
  let server: TestGatehouse
  let app: MadeClient
  let expired: { readonly code: string; readonly accessToken: string }

  beforeAll(async () => {
    server = await startGatehouse({ clock, store })
    await server.makeUser('ada')
    app = await server.makeClient()
  })
  afterAll(async () => {
    await server.close()
    rmSync(folder, { recursive: true })
  })

  const redeem = (code: string) =>
    tokenRequest(server, app, { grant_type: 'authorization_code', code, code_verifier: verifier })
  const active = async (token: string) => (await introspect(server, app, token))['active']

  test('set back by an hour revives nothing that has expired or was used', async () => {
    const { browser, tokens } = await codeFlow(server, app, 'ada')
    const codeOf = async () =>
      (await authorize(server, browser, authorizeUrl(app), 'ada')).searchParams.get('code') ?? ''
    const used = await codeOf()
    expect((await redeem(used)).status).toBe(200)
    const code = await codeOf()
    clock.advance(hour)
    expired = { code, accessToken: tokens.access_token }
    expect(await active(tokens.access_token)).toBe(false)
    clock.set(-hour)
    expect(await active(tokens.access_token)).toBe(false)
    for (const one of [used, code]) expect((await redeem(one)).json()['error']).toBe('invalid_grant')
  })

  test('is told, and nothing is swept meanwhile', async () => {
    const told: string[] = []
    const gatehouse = { ...server, config: {} as never }
    const upkeep = startUpkeep(gatehouse, { onError: () => undefined, onPaused: (reason) => void told.push(reason) })
    await upkeep.stop()
    expect(told).toEqual([expect.stringContaining('was set back by 3600 s')])
  })

  test('nor does a restart, on a store that has seen later', async () => {
    const seen = clock.seconds()
    await transition(server.core.transition, { instance: ref('instance', 'self') }, ({ instance }) => ({
      writes:
        instance.value === undefined
          ? []
          : [put(instance, { ...instance.value, highWaterAt: seen }, { expiresAt: null })],
      result: undefined,
    }))
    await server.close()
    const behind = createSettableClock()
    behind.set(-60)
    server = await startGatehouse({ clock: behind, store })
    expect(behind.seconds()).toBeGreaterThanOrEqual(seen)
    expect(await active(expired.accessToken)).toBe(false)
    expect((await redeem(expired.code)).json()['error']).toBe('invalid_grant')
  })

  test.each([hour, tenYears])('set forward by %i s: what was given before is dead, and all goes on', async (step) => {
    const jumping = createSettableClock()
    const other = await startGatehouse({ clock: jumping })
    try {
      await other.makeUser('ada')
      const client = await other.makeClient()
      const { tokens } = await codeFlow(other, client, 'ada')
      jumping.set(step)
      expect((await introspect(other, client, tokens.access_token))['active']).toBe(false)
      const form = { grant_type: 'client_credentials', scope: 'read' }
      expect((await tokenRequest(other, client, form)).status).toBe(200)
      expect((await createBrowser(other.url).ask('/readyz')).status).toBeLessThan(500)
      expect((await codeFlow(other, client, 'ada')).tokens.access_token).toBeDefined()
    } finally {
      await other.close()
    }
  })
})

describe('FLT-18: a node whose clock is ahead of the others', () => {
  const { store, admin } = openMemoryStore()
  const random = createRandom()
  let passed = 0
  const node = (ahead: number) => {
    const seconds = () => start + ahead + passed
    const clock = { seconds, millis: () => seconds() * 1000, monotonic: () => passed * 1000 }
    return { clock, context: { store, clock, random }, look: createHighWater({ store, clock, random }, clock) }
  }
  const [right, wrong] = [node(0), node(hour)]
  const mark = async () => (await store.read([ref('instance', 'self')]))[0]?.value
  beforeAll(() => ensureInstance(right.context, { clock: right.clock, random }))
  afterAll(() => admin.close())

  test('believes them, says by how much it is ahead, and moves the mark for nobody', async () => {
    const said: unknown[] = []
    for (; passed < 300; passed += 15) {
      expect(await right.look()).toMatchObject({ is: 'kept' })
      said.push((await wrong.look())?.is)
    }
    expect(new Set(said)).toEqual(new Set(['watching', 'ahead']))
    expect(said.slice(3)).not.toContain('watching')
    // Another one that was slow, and is there in the last moment.
    passed += 30
    for (const step of [0, 15, 30, 45, 60]) {
      if (step > 0) passed += 15
      if (step % 60 === 0) await right.look()
      expect((await wrong.look())?.is).toBe('ahead')
    }
    passed += 90
    await right.look()
    expect(await wrong.look()).toMatchObject({ is: 'ahead', by: expect.closeTo(hour, -2) })
    expect(await mark()).toMatchObject({ highWaterAt: start + passed })
  })

  test('learns nothing from an outage in which it saw nobody', async () => {
    passed += 100
    expect(await wrong.look()).toMatchObject({ is: 'ahead' })
    expect(await right.look()).toMatchObject({ is: 'kept', mark: start + passed })
  })

  test('goes by its own when nobody else serves any more: so does every start after a day', async () => {
    const stopped = passed
    expect(await wrong.look()).toMatchObject({ is: 'ahead' })
    for (; passed < stopped + 60; passed += 15) await wrong.look()
    expect(await wrong.look()).toMatchObject({ is: 'kept', mark: start + hour + passed })
    passed += 86_400
    const [begun, restarted] = [passed, node(0)]
    for (; passed < begun + 60; passed += 15) expect(await restarted.look()).toEqual({ is: 'watching' })
    expect(await restarted.look()).toMatchObject({ is: 'kept', mark: start + passed })
  })

  test('takes no key over, seals and sweeps nothing until it knows', async () => {
    const late = createSettableClock()
    const server = await startGatehouse({ clock: late })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    try {
      const done = { swept: 0, ticked: 0, paused: new Set<string>() }
      const { core } = server
      const store = { ...core.transition.store, sweep: async () => (done.swept += 1) }
      const watched: typeof core = {
        ...core,
        transition: { ...core.transition, store },
        keys: { ...core.keys, tick: async () => void (done.ticked += 1) },
      }
      const sealed = async () => (await store.read([chainRef]))[0]?.value
      late.advance(2 * hour)
      const upkeep = startUpkeep(
        { ...server, core: watched, config: {} as never },
        {
          onError: (_job, error) => expect(error).toBeUndefined(),
          onPaused: (reason) => done.paused.add(reason.replaceAll(/\d+/g, 'n')),
        },
      )
      await vi.advanceTimersByTimeAsync(50_000)
      expect([done, await sealed()]).toEqual([{ swept: 0, ticked: 0, paused: new Set() }, undefined])

      const raise = (by: number) =>
        transition(core.transition, { self: ref('instance', 'self') }, ({ self }) => ({
          writes:
            self.value === undefined
              ? []
              : [put(self, { ...self.value, highWaterAt: self.value.highWaterAt + by }, { expiresAt: null })],
          result: undefined,
        }))
      await raise(20)
      await vi.advanceTimersByTimeAsync(50_000)
      expect([done.swept, done.ticked, await sealed()]).toEqual([0, 0, undefined])
      expect(done.paused).toContain('the clock is n seconds ahead of the other servers on this store')

      for (let waited = 0; waited < 120; waited += 15) {
        late.advance(15)
        await vi.advanceTimersByTimeAsync(15_000)
      }
      expect(done.swept).toBeGreaterThan(0)
      expect(done.ticked).toBeGreaterThan(0)
      expect(await sealed()).toBeDefined()

      // A clock that jumps, or stands before what the store has seen, is believed no more.
      for (const [wrong, says] of [
        [() => raise(300), 'the clock is n seconds behind the latest time that this store has seen'],
        [() => late.set(1_000), 'the clock jumped by n s since the start'],
      ] as const) {
        await wrong()
        await vi.advanceTimersByTimeAsync(16_000)
        // From here on all know of it, and there is something to seal.
        const event = { v: 1, type: 'token.issued', at: late.seconds() } as const
        await commitNew(core.transition, [append(core.random.id(late.millis() - 100_000), event)])
        Object.assign(done, { swept: 0, ticked: 0, paused: new Set() })
        const chain = await sealed()
        await vi.advanceTimersByTimeAsync(90_000)
        expect([done.swept, done.ticked, await sealed()]).toEqual([0, 0, chain])
        expect(done.paused).toContain(says)
      }
      await upkeep.stop()
    } finally {
      vi.useRealTimers()
      await server.close()
    }
  })
})
