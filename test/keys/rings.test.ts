import { describe, expect, test } from 'vitest'
import { mac } from '../../src/crypto/mac.ts'
import { rings, secretRings } from '../../src/domain/key-lifecycle.ts'
import { put, type StoredRecord } from '../../src/domain/record.ts'
import { transition } from '../../src/store/transition.ts'
import type { Store } from '../../src/store/port.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'
import { auditEvents, fakeClock, memory, protectedBy, random, startNode } from './fixtures.ts'
import { quickest } from '../kit/quickest.ts'

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

function jwksOf(keys: { jwks: () => { body: string } }): Record<string, string>[] {
  return (JSON.parse(keys.jwks().body) as { keys: Record<string, string>[] }).keys
}

describe('the first start', () => {
  test('makes one key for every ring, in use at once, each with its audit event and its change record', async () => {
    const store = memory()
    const { keys, events } = await startNode(store.store, fakeClock())
    expect(keys.list().map(({ ring }) => ring)).toEqual(rings)
    expect(keys.list().every(({ state }) => state === 'active')).toBe(true)
    expect(events.map(({ type }) => type)).toEqual(rings.map(() => 'created'))
    const audit = await auditEvents(store)
    expect(audit.map(({ type }) => type)).toEqual(rings.map(() => 'key.created'))
    expect(new Set(audit.map(({ target }) => target)).size).toBe(rings.length)
    const changes: StoredRecord[] = []
    for await (const record of store.admin.scan('change')) changes.push(record)
    expect(changes).toHaveLength(rings.length)
  })

  test('when five processes start together each ring is still made once, and all have the same keys', async () => {
    const { store } = memory()
    const clock = fakeClock()
    const nodes = await Promise.all(Array.from({ length: 5 }, () => startNode(store, clock)))
    expect(new Set(nodes.map(({ keys }) => keys.jwks().body)).size).toBe(1)
    for (const ring of secretRings) {
      const proofs = nodes.map(({ keys }) => `${keys.secret(ring).keyId} ${mac(keys.secret(ring).key, 'x')}`)
      expect(new Set(proofs).size).toBe(1)
    }
    expect(nodes.flatMap(({ events }) => events)).toHaveLength(rings.length)
  })

  test('is fast, and the second start makes nothing', async () => {
    const { store } = memory()
    const started = performance.now()
    const first = await startNode(store, fakeClock())
    const firstMillis = performance.now() - started
    const second = await startNode(store, fakeClock())
    const againMillis = await quickest(() => startNode(store, fakeClock()), { enough: 200 })
    expect(second.keys.list()).toEqual(first.keys.list())
    expect(second.keys.jwks()).toEqual(first.keys.jwks())
    expect(second.events).toEqual([])
    // An RSA prime hunt has a long tail; these bounds only catch a change of kind.
    expect(firstMillis).toBeLessThan(5000)
    expect(againMillis).toBeLessThan(200)
  })
})

describe('the JWKS', () => {
  test('E12: shows public members alone, with kid, use and alg', async () => {
    const { keys } = await startNode(memory().store, fakeClock())
    const shown = jwksOf(keys)
    expect(shown.map(({ alg }) => alg)).toEqual(['ES256', 'RS256', 'EdDSA'])
    for (const jwk of shown) {
      expect(jwk['use']).toBe('sig')
      expect(jwk['kid']).toMatch(/^[A-Za-z0-9_-]{43}$/)
      expect(Object.keys(jwk).filter((name) => privateMembers.includes(name))).toEqual([])
      expect(Object.keys(jwk).toSorted()).toEqual(
        jwk['kty'] === 'RSA'
          ? ['alg', 'e', 'kid', 'kty', 'n', 'use']
          : jwk['kty'] === 'EC'
            ? ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']
            : ['alg', 'crv', 'kid', 'kty', 'use', 'x'],
      )
    }
  })

  test('is the same bytes until a key changes, and its strong ETag follows them', async () => {
    const clock = fakeClock()
    const { keys } = await startNode(memory().store, clock)
    const before = keys.jwks()
    expect(before.etag).toMatch(/^"[A-Za-z0-9_-]{22}"$/)
    await keys.refresh()
    expect(keys.jwks()).toEqual(before)
    expect(before.maxAgeSeconds).toBe(300)
    await keys.rotate('signing-ES256')
    expect(keys.jwks().etag).not.toBe(before.etag)
    await keys.rotate('mac')
    const after = keys.jwks()
    expect(jwksOf(keys)).toHaveLength(4)
    await keys.rotate('cookie')
    expect(keys.jwks()).toEqual(after)
  })

  test('a public key that somebody wrote into the store is not shown and verifies nothing', async () => {
    const { store } = memory()
    const clock = fakeClock()
    const { keys } = await startNode(store, clock)
    const before = keys.jwks().body
    const other = await startNode(memory().store, clock)
    const foreign = jwksOf(other.keys)[0]!
    await transition({ store, clock, random }, { key: { kind: 'key', id: 'signing-ES256:000001' } }, ({ key }) => ({
      writes: [put(key, { ...key.value!, publicJwk: foreign }, { expiresAt: null })],
      result: undefined,
    }))
    await keys.refresh()
    const reopened = await startNode(store, clock)
    expect(keys.jwks().body).toBe(before)
    expect(reopened.keys.jwks().body).toBe(before)
  })
})

describe('keys at rest', () => {
  test('nothing in the store opens without what protects it, and the error says which', async () => {
    const { store } = memory()
    await startNode(store, fakeClock())
    const opening = startNode(store, fakeClock(), { protection: protectedBy('another secret') })
    await expect(opening).rejects.toThrow(
      /the test secret doesn't open the key signing-ES256:000001.*bring the right one back/,
    )
  })

  test('a sealed key moved to another ring, number or instance does not open', async () => {
    const { store } = memory()
    const clock = fakeClock()
    await startNode(store, clock)
    await expect(startNode(store, clock, { protection: protectedBy('secret', 'other') })).rejects.toThrow(
      /doesn't open/,
    )
    const [cookie] = await store.read([{ kind: 'key', id: 'cookie:000001' }])
    await transition({ store, clock, random }, { key: { kind: 'key', id: 'mac:000001' } }, ({ key }) => ({
      writes: [put(key, { ...key.value!, sealed: (cookie!.value as { sealed: string }).sealed }, { expiresAt: null })],
      result: undefined,
    }))
    await expect(startNode(store, clock)).rejects.toThrow(/doesn't open the key mac:000001/)
  })

  test('a running process goes on without a key that it cannot open, and says so', async () => {
    const { store } = memory()
    const clock = fakeClock()
    const { keys, events } = await startNode(store, clock)
    const [cookie] = await store.read([{ kind: 'key', id: 'cookie:000001' }])
    await transition({ store, clock, random }, { key: { kind: 'key', id: 'cursor:000001' } }, ({ key }) => ({
      writes: [put(key, { ...key.value!, sealed: (cookie!.value as { sealed: string }).sealed }, { expiresAt: null })],
      result: undefined,
    }))
    await keys.refresh()
    expect(events.at(-1)).toMatchObject({ type: 'unreadable', ring: 'cursor' })
    expect(() => keys.secret('cursor')).toThrow(/cursor has no active key/)
    expect(keys.secret('mac').keyId).toMatch(/^[0-9a-f]{12}$/)
  })

  test('nothing secret is in a list, an event or an error', async () => {
    const store = memory()
    const { keys, events } = await startNode(store.store, fakeClock())
    const shown = JSON.stringify([keys.list(), events, await auditEvents(store)])
    for await (const record of store.admin.scan('key')) {
      expect(shown).not.toContain((record.value as { sealed: string }).sealed)
    }
    expect(shown).not.toMatch(/sealed|publicJwk/)
  })
})

describe('a store that does not answer', () => {
  test('leaves the keys in memory as they are, and the next tick looks again', async () => {
    const { store } = memory()
    const clock = fakeClock()
    let down = false
    const flaky: Store = {
      ...store,
      list: (...args) => (down ? Promise.reject(new StoreUnavailable('down', 'none')) : store.list(...args)),
    }
    const { keys, events } = await startNode(flaky, clock)
    const other = await startNode(store, clock)
    await other.keys.rotate('mac')
    down = true
    await keys.refresh()
    expect(events.at(-1)).toEqual({ type: 'stale' })
    expect(keys.secret('mac')).toBeDefined()
    down = false
    await keys.tick()
    expect(keys.list()).toEqual(other.keys.list())
  })
})
