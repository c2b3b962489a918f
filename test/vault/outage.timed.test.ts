import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { secretValue } from '../../src/config/secret-value.ts'
import { connectionOwners, type HeldConnection } from '../../src/domain/connection.ts'
import { create, ref } from '../../src/domain/record.ts'
import { commitNew } from '../../src/store/transition.ts'
import type { FreshToken } from '../../src/vault/fresh-token.ts'
import { sealedAs } from '../../src/vault/renew.ts'
import { freePort } from '../kit/free-port.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { startFaultyProvider, type FaultyProvider, type Mode } from './faulty-provider.ts'
import { etsyProvider, keptTokens } from './house.ts'

const outages = ['hang', '500', '429', 'half', 'drip', 'refuse', 'tls'] as const
type Outage = (typeof outages)[number]

const all = Number(process.env['GATEHOUSE_CONNECTIONS'] ?? 10_000)
const each = Math.ceil(all / outages.length)

const upstreams = new Map<string, FaultyProvider>()
let server: TestGatehouse
const nowhere = await freePort()

/** Where the provider's token endpoint stands while it is out. */
function endpointOf(outage: string): string {
  const { url } = upstreams.get(outage)!
  if (outage === 'refuse') return `http://127.0.0.1:${nowhere}/token`
  return outage === 'tls' ? `${url.replace('http:', 'https:')}/token` : `${url}/token`
}

const providerOf = (name: string) =>
  etsyProvider(
    { url: upstreams.get(name)!.url, keystring: 'key', sharedSecret: 'shared' },
    { name: `p-${name}`, token_endpoint: endpointOf(name), callback_path: `/back-${name}` },
  )

beforeAll(async () => {
  for (const name of [...outages, 'well']) upstreams.set(name, await startFaultyProvider())
  server = await startGatehouse({ config: { providers: [...upstreams.keys()].map(providerOf) } })
})
afterAll(async () => {
  await server.close()
  for (const upstream of upstreams.values()) await upstream.close()
})

/** Connections whose tokens end in `left` seconds. */
async function connections(provider: string, count: number, left: number): Promise<readonly string[]> {
  const { core } = server
  const { instanceId } = await core.directory.instance()
  const now = core.clock.seconds()
  const ids: string[] = []
  for (let index = 0; index < count; index += 1) {
    const id = core.random.id(core.clock.millis())
    const tokens = {
      accessToken: secretValue(`1.first-${id}`),
      refreshToken: secretValue(`1.first-${id}`),
      tokenType: 'Bearer',
      scope: ['shops_r'],
      expiresAt: now + left,
    } as const
    const connection: HeldConnection = {
      v: 1,
      provider: `p-${provider}`,
      owner: { kind: 'handle' },
      state: 'active',
      account: '1',
      ...sealedAs(core, { instanceId, id, edition: 1, tokens, now: now + left - 3600 }),
      createdAt: now,
      updatedAt: now,
      lastUsedAt: now,
    }
    await commitNew(core.transition, [
      create(ref('connection', id), connection, { owners: connectionOwners(connection), expiresAt: null }),
    ])
    ids.push(id)
  }
  return ids
}

/** Asked for in lanes, so that this process has time for the providers too, which live in it. */
async function fetchAll(ids: readonly string[], lanes = 200): Promise<readonly FreshToken[]> {
  const tokens: FreshToken[] = []
  for (let at = 0; at < ids.length; at += lanes) {
    const some = ids.slice(at, at + lanes)
    tokens.push(...(await Promise.all(some.map((connection) => server.core.vault.freshToken({ connection })))))
  }
  return tokens
}

const outcomes = (tokens: readonly FreshToken[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const { outcome } of tokens) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

it(`FLT-28: ${all} connections of providers that are out serve what holds, ask little, and lose nothing`, async () => {
  const half = Math.ceil(each / 2)
  const holding = new Map<Outage, readonly string[]>()
  const expired = new Map<Outage, readonly string[]>()
  for (const outage of outages) {
    holding.set(outage, await connections(outage, half, 20))
    expired.set(outage, await connections(outage, each - half, -100))
    if (outage !== 'refuse' && outage !== 'tls') upstreams.get(outage)!.mode = outage as Mode
  }
  const healthy = await connections('well', 200, -100)

  const began = performance.now()
  const [, ...during] = await Promise.all([
    fetchAll(healthy).then((tokens) => expect(outcomes(tokens)).toEqual({ token: 200 })),
    ...outages.map(async (outage) => ({
      outage,
      // Valid tokens are served, whatever their provider does; who has none is told when to come back.
      holding: outcomes(await fetchAll(holding.get(outage)!)),
      expired: await fetchAll(expired.get(outage)!),
    })),
  ])
  const took = performance.now() - began
  for (const one of during) {
    expect([one.outage, one.holding]).toEqual([one.outage, { token: half }])
    expect([one.outage, outcomes(one.expired)]).toEqual([one.outage, { unavailable: each - half }])
    const upstream = upstreams.get(one.outage)!
    expect(upstream.mostAtOnce()).toBeLessThanOrEqual(1)
    // The breaker: a thousand connections don't each wait for it.
    expect(upstream.asked()).toBeLessThan(150)
  }
  // The provider's own word, passed on.
  const told = during.find(({ outage }) => outage === '429')?.expired ?? []
  expect(Math.max(...told.map((token) => (token.outcome === 'unavailable' ? token.retryAfter : 0)))).toBeGreaterThan(15)
  expect(took).toBeLessThan(60_000)
  const asked = outages.map((outage) => `${outage} ${upstreams.get(outage)!.asked()}`).join(', ')
  console.log(`FLT-28: ${all} connections in ${Math.round(took)} ms; asked: ${asked}`)

  // They come back, and nothing was lost: each is renewed with the refresh token that it had.
  const back = outages.filter((outage) => outage !== 'refuse' && outage !== 'tls')
  for (const outage of back) {
    const upstream = upstreams.get(outage)!
    upstream.mode = 'well'
    const ids = expired.get(outage)!
    let left = ids
    for (let round = 0; round < 200 && left.length > 0; round += 1) {
      server.clock.advance(70)
      const tokens = await fetchAll(left)
      left = left.filter((_, index) => tokens[index]?.outcome !== 'token')
    }
    expect([outage, left.length]).toEqual([outage, 0])
    for (const id of ids) {
      const { refresh = '' } = await keptTokens(server, id)
      expect(upstream.isNewest(refresh)).toBe(true)
    }
  }
})

const p99 = (waits: readonly number[]): number => waits.toSorted((a, b) => a - b)[Math.floor(waits.length * 0.99)] ?? 0

// Measured up to three times: a collection or a neighbour makes one of them twice the next, and who waits for somebody else's
// provider, whose least outage here takes longer than a hundred refreshes, does so in each.
it(
  'FLT-28: whose provider is well waits no longer for its refreshes while others are out: p99 < 1.2x',
  { retry: 2 },
  async () => {
    const down = outages.filter((outage) => outage !== 'refuse' && outage !== 'tls')
    const set = (isOut: boolean): void => {
      for (const outage of down) upstreams.get(outage)!.mode = isOut ? outage : 'well'
    }
    /** Refreshes of the provider that is well, one after the other, while all others are asked for tokens without end. */
    async function round(isOut: boolean): Promise<readonly number[]> {
      set(isOut)
      const others: string[] = []
      for (const outage of down) others.push(...(await connections(outage, 4, isOut ? -100 : 3000)))
      const well = await connections('well', 200, -100)
      const done = new AbortController()
      const lanes = others.map(async (connection) => {
        while (!done.signal.aborted) {
          await server.core.vault.freshToken({ connection })
          await pause(50)
        }
      })
      const waits: number[] = []
      for (const connection of well) {
        const began = performance.now()
        expect((await server.core.vault.freshToken({ connection })).outcome).toBe('token')
        waits.push(performance.now() - began)
      }
      done.abort()
      await Promise.all(lanes)
      return waits
    }
    await round(false)
    // In turns, and by all refreshes of all rounds together: a round's own p99 is its second slowest, which on a busy machine is three
    // times the next one's, in either direction.
    const waits: Record<'without' | 'with', number[]> = { without: [], with: [] }
    for (let turn = 0; turn < 9; turn += 1) {
      waits.without.push(...(await round(false)))
      waits.with.push(...(await round(true)))
    }
    const ratio = p99(waits.with) / p99(waits.without)
    console.log(
      `FLT-28: p99 of ${waits.with.length} refreshes of a healthy provider while others are out ${p99(waits.with).toFixed(1)} ms, ` +
        `${ratio.toFixed(2)} of what it is without`,
    )
    expect(ratio).toBeLessThan(1.2)
  },
)
