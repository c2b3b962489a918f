import { describe, expect, test } from 'vitest'
import { keyLifetimes, keyTimes, rings } from '../../src/domain/key-lifecycle.ts'
import { lifetimes } from '../../src/domain/lifetimes.ts'
import type { Keys } from '../../src/keys/keys.ts'
import type { Store } from '../../src/store/port.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'
import { mint, type Minted } from '../../src/tokens/mint.ts'
import { printRefreshToken, readRefreshToken } from '../../src/tokens/refresh.ts'
import { verifyAccess } from '../../src/tokens/verify.ts'
import { issuance, issuer } from '../tokens/fixtures.ts'
import { auditEvents, fakeClock, memory, shortTimes, startNode, type FakeClock } from './fixtures.ts'

function token(keys: Keys, clock: FakeClock, format: 'jwt' | 'opaque' = 'jwt'): Minted {
  return mint(keys, { ...issuance, format, now: clock.seconds() })
}

function accepts(keys: Keys, clock: FakeClock, text: string): boolean {
  return !('refused' in verifyAccess(keys, text, { issuer, now: clock.seconds() }))
}

function shownIds(keys: Keys): string[] {
  return (JSON.parse(keys.jwks().body) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid)
}

describe('the times of a key', () => {
  test('announced for as long as a JWKS may be cached, and kept for as long as anything lives that it made', () => {
    const times = keyTimes('signing-ES256', keyLifetimes)
    expect(times.announce).toBeGreaterThan(keyLifetimes.jwksMaxAge)
    expect(times.announceAhead).toBe(7 * 86_400)
    expect(times.retain).toBeGreaterThan(3600)
    expect(keyTimes('mac', keyLifetimes).retain).toBeGreaterThan(365 * 86_400)
    expect(keyTimes('cookie', keyLifetimes).retain).toBeGreaterThan(90 * 86_400)
    expect(keyTimes('mac', keyLifetimes).announce).toBe(keyLifetimes.nodeLag)
  })

  test('what is sealed at rest keeps its keys for good', () => {
    expect(keyTimes('at-rest', keyLifetimes).retain).toBeUndefined()
  })

  test('K12: of all that hangs on a root key of macaroons nothing is minted for longer than it is kept', () => {
    const { retain } = keyTimes('macaroon-root', keyLifetimes)
    expect(retain).toBe(lifetimes.longestMinted + keyLifetimes.nodeLag + 60)
    for (const life of [lifetimes.longestAccessToken, lifetimes.capability, lifetimes.discharge])
      expect(retain).toBeGreaterThan(life)
  })
})

describe('a rotation', () => {
  test('announced → active → retired → removed, each at its time and with its event', async () => {
    const store = memory()
    const clock = fakeClock()
    const { keys, events } = await startNode(store.store, clock)
    const first = keys.signing('ES256').keyId
    const old = token(keys, clock)

    const waiting = await keys.rotate('signing-ES256', 'cli')
    expect(waiting).toMatchObject({ ring: 'signing-ES256', state: 'announced', activeFrom: clock.seconds() + 310 })
    expect(shownIds(keys)).toEqual(expect.arrayContaining([first, waiting.keyId]))
    clock.advance(309)
    await keys.tick()
    expect(keys.signing('ES256').keyId).toBe(first)

    clock.advance(1)
    await keys.tick()
    expect(keys.signing('ES256').keyId).toBe(waiting.keyId)
    expect(keys.list().find(({ keyId }) => keyId === first)).toMatchObject({
      state: 'retired',
      retiredAt: clock.seconds(),
      removeAt: clock.seconds() + 900 + 10 + 60,
    })
    expect(accepts(keys, clock, old.accessToken)).toBe(true)
    const last = clock.seconds()
    const fresh = token(keys, clock)

    clock.advance(900 + 10 + 59)
    await keys.tick()
    expect(shownIds(keys)).toContain(first)
    clock.advance(1)
    // E13: past retention it verifies nothing, even before it is tidied away.
    expect(keys.verification(first)).toBeUndefined()
    await keys.tick()
    expect(shownIds(keys)).not.toContain(first)
    expect(keys.list().some(({ keyId }) => keyId === first)).toBe(false)
    expect(accepts(keys, fakeClock(last), fresh.accessToken)).toBe(true)

    const lifeOf = events.filter(({ ring }) => ring === 'signing-ES256').map(({ type }) => type)
    expect(lifeOf).toEqual(['created', 'created', 'took_over', 'removed'])
    const audit = (await auditEvents(store)).filter(({ target }) => target?.startsWith('signing-ES256/'))
    expect(audit.map(({ type }) => type).toSorted()).toEqual([
      'key.created',
      'key.created',
      'key.removed',
      'key.retired',
      'key.rotated',
    ])
    expect(audit.filter(({ type }) => type === 'key.created').map(({ actor }) => actor)).toContain('cli')
  })

  test('E13: a key does not verify before it can be in use anywhere', async () => {
    const { store } = memory()
    const clock = fakeClock()
    const { keys } = await startNode(store, clock)
    const { keyId } = await keys.rotate('signing-ES256')
    expect(keys.verification(keyId)).toBeUndefined()
    clock.advance(309)
    expect(keys.verification(keyId)).toBeUndefined()
    clock.advance(1)
    expect(keys.verification(keyId)).toBeDefined()
  })

  test('asked for twice, it does not pile up keys', async () => {
    const clock = fakeClock()
    const { keys } = await startNode(memory().store, clock)
    const once = await keys.rotate('signing-ES256')
    clock.advance(30)
    expect(await keys.rotate('signing-ES256')).toEqual(once)
    expect(keys.list()).toHaveLength(rings.length + 1)
  })

  test('from five processes at once makes one key', async () => {
    const { store } = memory()
    const clock = fakeClock()
    const nodes = await Promise.all(Array.from({ length: 5 }, () => startNode(store, clock)))
    const made = await Promise.all(nodes.map(({ keys }) => keys.rotate('signing-ES256')))
    expect(new Set(made.map(({ keyId }) => keyId)).size).toBe(1)
    clock.advance(400)
    await Promise.all(nodes.map(({ keys }) => keys.tick()))
    await Promise.all(nodes.map(({ keys }) => keys.refresh()))
    for (const { keys } of nodes) {
      expect(keys.signing('ES256').keyId).toBe(made[0]!.keyId)
      expect(keys.list().filter(({ state }) => state === 'active')).toHaveLength(rings.length)
    }
  })

  test('comes by itself after its time, announced long before', async () => {
    const clock = fakeClock()
    const { keys } = await startNode(memory().store, clock)
    const first = keys.signing('ES256').keyId
    const firstMac = keys.secret('mac').keyId
    clock.advance(8999)
    await keys.tick()
    expect(shownIds(keys)).toHaveLength(3)
    clock.advance(1)
    await keys.tick()
    expect(shownIds(keys)).toHaveLength(6)
    expect(keys.signing('ES256').keyId).toBe(first)
    clock.advance(999)
    await keys.tick()
    expect(keys.signing('ES256').keyId).toBe(first)
    clock.advance(1)
    await keys.tick()
    expect(keys.signing('ES256').keyId).not.toBe(first)
    expect(keys.secret('mac').keyId).toBe(firstMac)
    clock.advance(10)
    await keys.tick()
    expect(keys.secret('mac').keyId).not.toBe(firstMac)
  })

  test('of one that waits long, asked for by hand, comes forward as far as caches allow', async () => {
    const clock = fakeClock()
    const store = memory()
    const { keys } = await startNode(store.store, clock)
    clock.advance(9000)
    await keys.tick()
    const announcedAt = clock.seconds()
    clock.advance(100)
    const first = await keys.rotate('signing-ES256', 'usr_root')
    expect(first).toMatchObject({ activeFrom: announcedAt + 310 })
    // Who did it is told, as of every change, and once.
    await keys.rotate('signing-ES256', 'usr_root')
    expect((await auditEvents(store)).filter(({ type }) => type === 'key.brought_forward')).toEqual([
      expect.objectContaining({ actor: 'usr_root', target: `signing-ES256/${first.keyId}`, at: clock.seconds() }),
    ])
    clock.advance(500)
    expect(await keys.rotate('signing-RS256')).toMatchObject({ activeFrom: clock.seconds() })
    await keys.tick()
    expect(
      keys
        .list()
        .filter(({ state }) => state === 'announced')
        .map(({ ring }) => ring),
    ).toEqual(['signing-EdDSA'])
  })

  test('a tick with nothing due asks the store nothing', async () => {
    const { store } = memory()
    let calls = 0
    const counted: Store = {
      ...store,
      read: (refs) => (calls++, store.read(refs)),
      list: (...args) => (calls++, store.list(...args)),
      commit: (writes) => (calls++, store.commit(writes)),
    }
    const { keys } = await startNode(counted, fakeClock())
    calls = 0
    for (let tick = 0; tick < 100; tick++) await keys.tick()
    expect(calls).toBe(0)
  })
})

describe('a crash in the middle of a rotation', () => {
  test('at any commit leaves whole rings, and the next tick of anybody goes on', async () => {
    for (let failing = 1; failing <= 4; failing++) {
      const { store } = memory()
      const clock = fakeClock()
      let commits = Number.NEGATIVE_INFINITY
      const dying: Store = {
        ...store,
        commit: (writes) =>
          ++commits >= failing ? Promise.reject(new StoreUnavailable('killed', 'none')) : store.commit(writes),
      }
      const { keys } = await startNode(dying, clock)
      const survivor = await startNode(store, clock)
      const first = survivor.keys.signing('ES256').keyId
      const old = token(survivor.keys, clock)
      commits = 0
      const rotation = async () => {
        await keys.rotate('signing-ES256')
        clock.advance(310)
        await keys.tick()
        clock.advance(1000)
        await keys.tick()
      }
      await rotation().catch((error: unknown) => expect(error).toBeInstanceOf(StoreUnavailable))
      await survivor.keys.refresh()
      const active = survivor.keys.list().filter(({ ring, state }) => ring === 'signing-ES256' && state === 'active')
      expect(active).toHaveLength(1)
      if (clock.seconds() < old.claims.exp) expect(accepts(survivor.keys, clock, old.accessToken)).toBe(true)
      await survivor.keys.rotate('signing-ES256')
      clock.advance(310)
      await survivor.keys.tick()
      expect(survivor.keys.signing('ES256').keyId).not.toBe(first)
    }
  })
})

describe('a key that this process has not seen', () => {
  async function two() {
    const { store } = memory()
    const clock = fakeClock()
    let lists = 0
    const counted: Store = { ...store, list: (...args) => (lists++, store.list(...args)) }
    const behind = await startNode(counted, clock)
    const ahead = await startNode(store, clock)
    return { clock, behind: behind.keys, ahead: ahead.keys, reads: () => lists / rings.length }
  }

  test('is learned from the store when it comes up', async () => {
    const { clock, behind, ahead } = await two()
    for (const ring of ['signing-ES256', 'token-seal', 'mac'] as const) await ahead.rotate(ring)
    clock.advance(310)
    await ahead.tick()
    const jwt = token(ahead, clock).accessToken
    const opaque = token(ahead, clock, 'opaque').accessToken
    expect(accepts(behind, clock, jwt)).toBe(false)
    expect(await behind.learn()).toBe(true)
    expect(accepts(behind, clock, jwt)).toBe(true)
    expect(accepts(behind, clock, opaque)).toBe(true)
  })

  test('made up by an attacker costs one look a second at most', async () => {
    const { clock, behind, reads } = await two()
    expect(await behind.learn()).toBe(false)
    const before = reads()
    for (let second = 0; second < 5; second++) {
      for (let attempt = 0; attempt < 50; attempt++) {
        expect(behind.verification(`made-up-${attempt}`)).toBeUndefined()
        expect(await behind.learn()).toBe(false)
      }
      clock.advance(1)
    }
    expect(reads() - before).toBe(5)
  })

  test('K13: ids that others make up are never a yes, and keep an honest key out for a second at most', async () => {
    const { clock, behind, ahead } = await two()
    const strange = async (): Promise<void> => {
      for (let attempt = 0; attempt < 50; attempt++) {
        expect(behind.secretById('mac', `made-up-${attempt}`)).toBeUndefined()
        await behind.learn()
        expect(behind.secretById('mac', `made-up-${attempt}`)).toBeUndefined()
      }
    }
    await strange()
    await ahead.rotate('mac')
    clock.advance(10)
    await strange()
    await ahead.tick()
    const { keyId } = ahead.secret('mac')
    // The look of this second was used up by a stranger.
    await strange()
    for (let waited = 0; waited < 2 && behind.secretById('mac', keyId) === undefined; waited++) {
      await behind.learn()
      if (behind.secretById('mac', keyId) === undefined) clock.advance(1)
    }
    expect(behind.secretById('mac', keyId)).toBeDefined()
    await strange()
  })

  test('many who wait for the same look share it', async () => {
    const { clock, behind, ahead, reads } = await two()
    await ahead.rotate('mac')
    clock.advance(10)
    await ahead.tick()
    const before = reads()
    expect(behind.secretById('mac', ahead.secret('mac').keyId)).toBeUndefined()
    expect(await Promise.all(Array.from({ length: 20 }, () => behind.learn()))).toEqual(
      Array.from({ length: 20 }, () => true),
    )
    expect(reads() - before).toBe(1)
  })
})

/** Small and seeded: the same walk at every run. */
function walk(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

describe('FLT-19 at unit level: rotations break no verification', () => {
  test.each([1, 2, 3])(
    'three nodes that see changes late and resource servers with old JWKS, walk %i',
    async (seed) => {
      const { store } = memory()
      const clock = fakeClock()
      const chance = walk(seed)
      const nodes = []
      for (let node = 0; node < 3; node++) nodes.push({ ...(await startNode(store, clock)), seenAt: clock.seconds() })
      const alive: { text: string; exp: number; kid: string | undefined }[] = []
      const refreshTokens: { text: string; until: number }[] = []
      let cachedJwks = { ids: shownIds(nodes[0]!.keys), at: clock.seconds() }

      for (let step = 0; step < 300; step++) {
        clock.advance(1 + Math.floor(chance() * 9))
        const now = clock.seconds()
        for (const node of nodes) {
          // The lease of a node that sees nothing for longer makes it refuse to answer.
          if (chance() < 0.4 || now - node.seenAt > shortTimes.nodeLag - 9) {
            await node.keys.refresh()
            node.seenAt = now
          }
        }
        const node = nodes[Math.floor(chance() * nodes.length)]!
        if (chance() < 0.3) {
          const ring = (['signing-ES256', 'token-seal', 'mac'] as const)[Math.floor(chance() * 3)]!
          await node.keys.rotate(ring)
        }
        if (chance() < 0.5) await node.keys.tick()

        const jwt = token(node.keys, clock)
        const opaque = token(node.keys, clock, 'opaque')
        alive.push({ text: jwt.accessToken, exp: jwt.claims.exp, kid: node.keys.signing('ES256').keyId })
        alive.push({ text: opaque.accessToken, exp: opaque.claims.exp, kid: undefined })
        const { keyId } = node.keys.secret('mac')
        const refresh = { recordId: `r${step}`, generation: 0, imprint: { nonce: node.keys.random.text(16), keyId } }
        refreshTokens.push({ text: printRefreshToken(node.keys, refresh), until: now + 5000 })

        if (now - cachedJwks.at >= shortTimes.jwksMaxAge) {
          cachedJwks = { ids: shownIds(nodes[Math.floor(chance() * 3)]!.keys), at: now }
        }
        for (const { text, exp, kid } of alive.slice(-12)) {
          if (exp <= now) continue
          for (const { keys } of nodes) expect(accepts(keys, clock, text)).toBe(true)
          if (kid !== undefined) expect(cachedJwks.ids).toContain(kid)
        }
      }
      const now = clock.seconds()
      for (const { keys } of nodes) {
        await keys.refresh()
        for (const { text, exp } of alive) if (exp > now) expect(accepts(keys, clock, text)).toBe(true)
        for (const { text, until } of refreshTokens) if (until > now) expect(readRefreshToken(keys, text)).toBeDefined()
      }
      const takeovers = nodes.flatMap(({ events }) => events).filter(({ type }) => type === 'took_over')
      expect(takeovers.length).toBeGreaterThan(20)
    },
  )
})
