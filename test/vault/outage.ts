import { deepEqual, ok } from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { quantile } from '../../bench/report/statistics.ts'
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

/** FLT-28, for the test and for `npm run bench -- vault-outage`. What must hold whatever the machine does is asserted here. */
export type OutagePlay = {
  /** So many connections of providers that are out serve what holds, ask little and lose nothing. */
  readonly ask: (connections: number) => Promise<Asked>
  /** 99 of a hundred refreshes of a provider that is well, while others are well and while they are out, in milliseconds. */
  readonly wait: () => Promise<Waited>
  readonly close: () => Promise<void>
}

export type Asked = {
  /** Until everybody had an answer. */
  readonly tookMillis: number
  /** Requests that arrived, by what the provider does. */
  readonly asked: Readonly<Record<Outage, number>>
  readonly renewed: number
}

export type Waited = { readonly refreshes: number; readonly without: number; readonly with: number }

export async function openOutage(): Promise<OutagePlay> {
  const upstreams = new Map<string, FaultyProvider>()
  const nowhere = await freePort()
  for (const name of [...outages, 'well']) upstreams.set(name, await startFaultyProvider())
  const upstreamOf = (name: string): FaultyProvider => {
    const upstream = upstreams.get(name)
    if (upstream === undefined) throw new Error(`no provider ${name}`)
    return upstream
  }
  /** Where the provider's token endpoint stands while it is out. */
  function endpointOf(outage: string): string {
    const { url } = upstreamOf(outage)
    if (outage === 'refuse') return `http://127.0.0.1:${nowhere}/token`
    return outage === 'tls' ? `${url.replace('http:', 'https:')}/token` : `${url}/token`
  }
  const providerOf = (name: string) =>
    etsyProvider(
      { url: upstreamOf(name).url, keystring: 'key', sharedSecret: 'shared' },
      { name: `p-${name}`, token_endpoint: endpointOf(name), callback_path: `/back-${name}` },
    )
  const server = await startGatehouse({ config: { providers: [...upstreams.keys()].map(providerOf) } })
  const place = { server, upstreamOf }
  return {
    ask: (connections) => ask(place, connections),
    wait: () => wait(place),
    close: async () => {
      await server.close()
      for (const upstream of upstreams.values()) await upstream.close()
    },
  }
}

type Place = { readonly server: TestGatehouse; readonly upstreamOf: (name: string) => FaultyProvider }

/** Connections whose tokens end in `left` seconds. */
async function connections(
  { core }: TestGatehouse,
  { provider, count, left }: { readonly provider: string; readonly count: number; readonly left: number },
): Promise<readonly string[]> {
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
async function fetchAll({ core }: TestGatehouse, ids: readonly string[], lanes = 200): Promise<readonly FreshToken[]> {
  const tokens: FreshToken[] = []
  for (let at = 0; at < ids.length; at += lanes) {
    const some = ids.slice(at, at + lanes)
    tokens.push(...(await Promise.all(some.map((connection) => core.vault.freshToken({ connection })))))
  }
  return tokens
}

const outcomes = (tokens: readonly FreshToken[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const { outcome } of tokens) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

type Group = { readonly outage: Outage; readonly holding: readonly string[]; readonly expired: readonly string[] }

/** What no listening provider of ours can be told to do: there the endpoint's address is the fault. */
const isTold = (outage: Outage): outage is Outage & Mode => outage !== 'refuse' && outage !== 'tls'

async function ask({ server, upstreamOf }: Place, all: number): Promise<Asked> {
  const each = Math.ceil(all / outages.length)
  const half = Math.ceil(each / 2)
  const groups: Group[] = []
  for (const outage of outages) {
    const holding = await connections(server, { provider: outage, count: half, left: 20 })
    const expired = await connections(server, { provider: outage, count: each - half, left: -100 })
    groups.push({ outage, holding, expired })
    if (isTold(outage)) upstreamOf(outage).mode = outage
  }
  const healthy = await connections(server, { provider: 'well', count: 200, left: -100 })

  const began = performance.now()
  const [, ...during] = await Promise.all([
    // Few at once: two hundred refreshes take a machine that is busy with something else longer than anybody waits for one.
    fetchAll(server, healthy, 20).then((tokens) => deepEqual(outcomes(tokens), { token: 200 })),
    ...groups.map(async ({ outage, holding, expired }) => ({
      outage,
      // Valid tokens are served, whatever their provider does; who has none is told when to come back.
      holding: outcomes(await fetchAll(server, holding)),
      expired: await fetchAll(server, expired),
    })),
  ])
  const tookMillis = performance.now() - began
  const asked = Object.fromEntries(outages.map((outage) => [outage, upstreamOf(outage).asked()])) as Asked['asked']
  for (const { outage, holding, expired } of during) {
    deepEqual([outage, holding], [outage, { token: half }])
    deepEqual([outage, outcomes(expired)], [outage, { unavailable: each - half }])
    ok(upstreamOf(outage).mostAtOnce() <= 1, `${outage}: several refreshes of one connection at once`)
  }
  // The provider's own word, passed on.
  const told = during.find(({ outage }) => outage === '429')?.expired ?? []
  const longest = Math.max(...told.map((token) => (token.outcome === 'unavailable' ? token.retryAfter : 0)))
  ok(longest > 15, `who asked a provider that said 17 seconds was told ${longest}`)
  const renewed = await comeBack({ server, upstreamOf }, groups)
  return { tookMillis, asked, renewed }
}

/** They come back, and nothing was lost: each is renewed with the refresh token that it had. How many were. */
async function comeBack({ server, upstreamOf }: Place, groups: readonly Group[]): Promise<number> {
  let renewed = 0
  for (const { outage, expired } of groups) {
    if (!isTold(outage)) continue
    const upstream = upstreamOf(outage)
    upstream.mode = 'well'
    let left = expired
    for (let round = 0; round < 200 && left.length > 0; round += 1) {
      server.clock.advance(70)
      const tokens = await fetchAll(server, left)
      left = left.filter((_, index) => tokens[index]?.outcome !== 'token')
    }
    deepEqual([outage, left.length], [outage, 0])
    for (const id of expired) {
      const { refresh = '' } = await keptTokens(server, id)
      ok(upstream.isNewest(refresh), `${outage}: a connection lost its refresh token`)
    }
    renewed += expired.length
  }
  return renewed
}

/**
 * In turns, and by all refreshes of all rounds together: a round's own p99 is its second slowest, which on a busy machine is three
 * times the next one's, in either direction.
 */
async function wait(place: Place): Promise<Waited> {
  await waitRound(place, false)
  const waits: Record<'without' | 'with', number[]> = { without: [], with: [] }
  for (let turn = 0; turn < 9; turn += 1) {
    waits.without.push(...(await waitRound(place, false)))
    waits.with.push(...(await waitRound(place, true)))
  }
  return { refreshes: waits.with.length, without: quantile(waits.without, 0.99), with: quantile(waits.with, 0.99) }
}

/** Refreshes of the provider that is well, one after the other, while all others are asked for tokens without end. */
async function waitRound({ server, upstreamOf }: Place, isOut: boolean): Promise<readonly number[]> {
  const down = outages.filter(isTold)
  const others: string[] = []
  for (const provider of down) {
    upstreamOf(provider).mode = isOut ? provider : 'well'
    others.push(...(await connections(server, { provider, count: 4, left: isOut ? -100 : 3000 })))
  }
  const well = await connections(server, { provider: 'well', count: 200, left: -100 })
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
    deepEqual((await server.core.vault.freshToken({ connection })).outcome, 'token')
    waits.push(performance.now() - began)
  }
  done.abort()
  await Promise.all(lanes)
  return waits
}
