import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectionOwners } from '../src/domain/connection.ts'
import { put, ref } from '../src/domain/record.ts'
import { transition } from '../src/store/transition.ts'
import { printVaultHandle, vaultHandleHash } from '../src/tokens/vault-handle.ts'
import { startEtsy } from '../test/emulators/etsy.ts'
import { startGatehouse, type TestGatehouse } from '../test/kit/gatehouse.ts'
import { connectDirectly, etsyProvider } from '../test/vault/house.ts'
import type { Figure } from './report/result.ts'

const askers = 500
const rounds = 5
const fetchesPerRound = 10_000
const lanes = 64
/** Whoever waits for another's refresh has the fresh token within five seconds. */
const longestWaitMillis = 5_000

/**
 * `npm run bench -- vault`: 500 who ask for one expired connection at once, and how many requests that is for its provider; then
 * tokens per second on SQLite, from the row to the token, beside reading the plain row, with the event that every fetch over HTTP writes, and over HTTP itself, asked by this very process.
 */
export async function benchVault(): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-vault-'))
  const etsy = await startEtsy()
  const provider = etsyProvider(etsy)
  const server = await startGatehouse({
    store: { adapter: 'sqlite', path: join(folder, 'store.db') },
    config: { providers: [provider] },
  })
  try {
    const connection = await connectDirectly(server, provider)
    server.clock.advance(4_000)
    const began = performance.now()
    const tokens = await Promise.all(Array.from({ length: askers }, () => server.core.vault.freshToken({ connection })))
    const waited = performance.now() - began
    if (tokens.some((token) => token.outcome !== 'token')) throw new Error('somebody got no token')
    const at = `${askers} at once for one expired connection`
    return [
      { what: `${at}: refreshes`, ours: etsy.refreshes(), unit: '', most: 1 },
      { what: `${at}: until the last had his token`, ours: waited, unit: 'ms', most: longestWaitMillis },
      ...(await measure(server, connection)),
    ]
  } finally {
    await server.close()
    await etsy.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure(server: TestGatehouse, connection: string): Promise<readonly Figure[]> {
  const { core } = server
  const { store } = core.transition
  const row = async (): Promise<void> => void (await store.read([ref('connection', connection)]))
  const token = async (): Promise<void> => {
    const fresh = await core.vault.freshToken({ connection })
    if (fresh.outcome !== 'token') throw new Error('the benchmark fetches nothing')
  }
  const recorded = async (): Promise<void> => {
    const fresh = await core.vault.freshToken({ connection })
    if (fresh.outcome !== 'token') throw new Error('the benchmark fetches nothing')
    // As somebody's, each of whose fetches is an event.
    await core.vault.recordUse(
      { owner: { kind: 'client', clientId: 'bench' } },
      { type: 'connection.fetched', target: connection, address: '192.0.2.17' },
    )
  }
  const handle = await giveHandle(server, connection)
  const overHttp = async (): Promise<void> => {
    const answer = await fetch(`${server.url}/vault/token`, { method: 'POST', body: new URLSearchParams({ handle }) })
    if ((await answer.text()).length === 0 || answer.status !== 200) throw new Error('the benchmark fetches nothing')
  }
  const best = { row: 0, token: 0, recorded: 0, overHttp: 0 }
  for (let round = 0; round < rounds; round += 1) {
    best.row = Math.max(best.row, await perSecond(row))
    best.token = Math.max(best.token, await perSecond(token))
    best.recorded = Math.max(best.recorded, await perSecond(recorded))
    best.overHttp = Math.max(best.overHttp, await perSecond(overHttp))
  }
  const beside = { what: 'plain row read', value: best.row }
  return [
    { what: 'token that holds', ours: best.token, unit: '/s', beside },
    { what: 'token that holds, event durable', ours: best.recorded, unit: '/s', beside },
    { what: 'POST /vault/token over HTTP', ours: best.overHttp, unit: '/s', beside },
  ]
}

async function giveHandle({ core }: TestGatehouse, connection: string): Promise<string> {
  const handle = printVaultHandle(core.keys, core.random, connection)
  await transition(core.transition, { slot: ref('connection', connection) }, ({ slot }) => {
    if (slot.value === undefined) throw new Error('the connection is gone')
    const held = { ...slot.value, handleHash: vaultHandleHash(handle) }
    return { writes: [put(slot, held, { expiresAt: null, owners: connectionOwners(held) })], result: undefined }
  })
  return handle
}

async function perSecond(work: () => Promise<void>): Promise<number> {
  let left = fetchesPerRound
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      await work()
    }
  }
  const began = performance.now()
  await Promise.all(Array.from({ length: lanes }, lane))
  return fetchesPerRound / ((performance.now() - began) / 1000)
}
