import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OAuthProvider } from '../../src/config/provider.ts'
import type { HeldConnection } from '../../src/domain/connection.ts'
import { put, ref, remove } from '../../src/domain/record.ts'
import { ProtectionFailed } from '../../src/keys/protection-failed.ts'
import { transition } from '../../src/store/transition.ts'
import { createVault } from '../../src/vault/create-vault.ts'
import { disconnect } from '../../src/vault/end-connection.ts'
import type { FreshToken } from '../../src/vault/fresh-token.ts'
import { createSightings } from '../../src/vault/sightings.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, etsyProvider, storedConnection } from './house.ts'

// docs/decisions/0018, sentence by sentence, beside what fresh-token, reconnect, restored and site-login try of it.

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

const fetchToken = (connection: string, rejected?: number): Promise<FreshToken> =>
  server.core.vault.freshToken({ connection, ...(rejected !== undefined && { rejected }) })

/** A vault with a memory of its own, as another node on the same store has it, or one that has just started. */
const otherNode = () => createVault({ ...server.core, onError: () => undefined })

const putBack = (id: string, row: HeldConnection): Promise<void> =>
  transition(server.core.transition, { slot: ref('connection', id) }, ({ slot }) => ({
    writes: [put(slot, row, { expiresAt: null })],
    result: undefined,
  }))

const accessOf = (token: FreshToken): string =>
  token.outcome === 'token' ? token.accessToken.reveal() : JSON.stringify(token)

const unreadable = { outcome: 'needs_reauth', reason: 'unreadable' }

describe('a row that is put back alone', () => {
  it('does not open where another node renewed or ended it, and this one saw no more than that row', async () => {
    const other = otherNode()
    for (const later of ['renewed', 'ended']) {
      const id = await connectDirectly(server, provider)
      const old = await storedConnection(server, id)
      expect((await fetchToken(id)).outcome).toBe('token')
      if (later === 'renewed') await other.freshToken({ connection: id, rejected: 1 })
      else await other.disconnect(id, { connection: old, by: {} })
      await putBack(id, old)
      expect([later, await fetchToken(id)]).toEqual([later, unreadable])
      expect(await storedConnection(server, id)).toMatchObject({ state: 'needs_reauth', edition: 2 })
    }
  })

  it('is none where an engine read the connection before a renewal, and what stands apart from it after', async () => {
    const id = await connectDirectly(server, provider)
    const { store } = server.core.transition
    const whole = store.read
    let torn = 0
    const tearing: typeof store.read = async (refs) => {
      const before = await whole(refs)
      if (refs.length < 2 || refs[0]?.id !== id || refs[0].kind !== 'connection' || torn > 0) return before
      torn += 1
      await otherNode().freshToken({ connection: id, rejected: 1 })
      const after = await whole(refs)
      return before.map((record, index) => (refs[index]?.kind === 'edition' ? after[index] : record))
    }
    Object.assign(store, { read: tearing })
    const token = await fetchToken(id).finally(() => Object.assign(store, { read: whole }))
    expect([torn, token.outcome, (await storedConnection(server, id)).edition]).toEqual([1, 'token', 2])
    expect((await storedConnection(server, id)).state).toBe('active')
  })

  it('and is ended: that end is later than all that there was, so the row after it does not open either', async () => {
    const id = await connectDirectly(server, provider)
    const first = await storedConnection(server, id)
    await fetchToken(id, 1)
    const second = await storedConnection(server, id)
    await putBack(id, first)
    await otherNode().disconnect(id, { connection: first, by: {} })
    expect(await storedConnection(server, id)).toMatchObject({ state: 'revoked', edition: 3 })
    await putBack(id, second)
    expect(await otherNode().freshToken({ connection: id })).toEqual(unreadable)
  })
})

describe('where it opens once more', () => {
  it('a row of before the provider’s no, put back as active: to the end of its access token, and the no comes again', async () => {
    const id = await connectDirectly(server, provider)
    const before = await storedConnection(server, id)
    const access = accessOf(await fetchToken(id))
    etsy.revokeAll()
    expect(await fetchToken(id, 1)).toEqual({ outcome: 'needs_reauth', reason: 'invalid_grant' })
    const { sealed, edition } = await storedConnection(server, id)
    expect([sealed, edition]).toEqual([before.sealed, before.edition])
    await putBack(id, before)
    expect(accessOf(await otherNode().freshToken({ connection: id }))).toBe(access)
    server.clock.advance(3600)
    expect(await fetchToken(id)).toEqual({ outcome: 'needs_reauth', reason: 'invalid_grant' })
  })

  it('both records, put back while no node runs: the same, since the refresh token of before was used', async () => {
    const id = await connectDirectly(server, provider)
    const before = await storedConnection(server, id)
    const access = accessOf(await fetchToken(id))
    await fetchToken(id, 1)
    await putBack(id, before)
    await transition(server.core.transition, { slot: ref('edition', id) }, ({ slot }) => ({
      writes: remove(slot),
      result: undefined,
    }))
    const started = otherNode()
    expect(accessOf(await started.freshToken({ connection: id }))).toBe(access)
    server.clock.advance(3600)
    expect(await started.freshToken({ connection: id })).toEqual({ outcome: 'needs_reauth', reason: 'invalid_grant' })
  })
})

it('an errand of a command without the key carries the inner seal alone, which opens in no row after that end', async () => {
  const id = await connectDirectly(server, provider)
  const held = await storedConnection(server, id)
  const keyless = { ...server.core, protection: () => Promise.reject(new ProtectionFailed('no key here')) }
  await disconnect(keyless, id, { connection: held, by: {} })
  const errands: unknown[] = []
  for await (const { value } of server.core.admin.scan('revocation'))
    if ('connectionId' in value && value.connectionId === id) errands.push(value)
  expect(errands).toMatchObject([{ sealed: held.sealed, edition: 1 }])
  expect(errands[0]).not.toHaveProperty('wrapped')
  for (const edition of [1, 2]) {
    await putBack(id, { ...held, edition })
    expect([edition, await otherNode().freshToken({ connection: id })]).toEqual([edition, unreadable])
  }
})

it('what stands apart is kept for 400 days after the last renewal or end', async () => {
  const id = await connectDirectly(server, provider)
  const { store } = server.core.transition
  expect(await store.read([ref('edition', id)])).toEqual([undefined])
  for (const rejected of [1, 2]) {
    server.clock.advance(60)
    await fetchToken(id, rejected)
    const now = server.clock.seconds()
    const [kept] = await store.read([ref('edition', id)])
    expect(kept?.value).toEqual({ v: 1, edition: rejected + 1 })
    expect(Math.abs((kept?.expiresAt ?? 0) - now - 400 * 24 * 60 * 60)).toBeLessThan(5)
  }
})

it('a node remembers the last 20,000 connections, and forgets the ones before', () => {
  const sightings = createSightings({ seconds: () => 0, monotonic: () => 0 })
  for (let count = 0; count <= 20_000; count += 1) sightings.saw(`c${count}`, 7)
  expect(['c0', 'c1', 'c20000'].map((id) => sightings.newest(id))).toEqual([0, 7, 7])
})
