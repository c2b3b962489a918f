import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ref, put } from '../../src/domain/record.ts'
import { createForwardClock } from '../../src/server/forward-clock.ts'
import { startUpkeep } from '../../src/server/upkeep.ts'
import { transition } from '../../src/store/transition.ts'
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
