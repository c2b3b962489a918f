import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { OAuthProvider } from '../../src/config/provider.ts'
import type { Revocation } from '../../src/domain/connection.ts'
import { put, ref, type RecordValues } from '../../src/domain/record.ts'
import { transition } from '../../src/store/transition.ts'
import { createVault } from '../../src/vault/create-vault.ts'
import { createUpstream } from '../../src/upstream/create-upstream.ts'
import { unwrapRevocation } from '../../src/upstream/new-revocation.ts'
import { disconnect } from '../../src/vault/end-connection.ts'
import type { FreshToken } from '../../src/vault/fresh-token.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, etsyProvider, eventsOf, fetchAsTimeGoesOn, keptTokens, storedConnection } from './house.ts'

let etsy: Etsy
let server: TestGatehouse
let provider: OAuthProvider
let short: OAuthProvider
let without: OAuthProvider

beforeAll(async () => {
  etsy = await startEtsy()
  provider = etsyProvider(etsy)
  short = etsyProvider(etsy, { name: 'short', callback_path: '/short', refresh_ttl: 7200 })
  without = etsyProvider(etsy, { name: 'without', callback_path: '/without', refresh: 'none' })
  server = await startGatehouse({ config: { providers: [provider, short, without] } })
})
afterAll(async () => {
  await server.close()
  await etsy.close()
})
afterEach(() => {
  etsy.faults.length = 0
})

const fetchToken = (connection: string, rejected?: number): Promise<FreshToken> =>
  server.core.vault.freshToken({ connection, ...(rejected !== undefined && { rejected }) })

const accessOf = (token: FreshToken): string =>
  token.outcome === 'token' ? token.accessToken.reveal() : `none: ${JSON.stringify(token)}`

/** A vault with a memory of its own, as another node on the same store has it. */
const otherNode = () => createVault({ ...server.core, onError: () => undefined })

async function change(id: string, make: (before: RecordValues['connection']) => RecordValues['connection']) {
  await transition(server.core.transition, { connection: ref('connection', id) }, ({ connection }) => ({
    writes: connection.value === undefined ? [] : [put(connection, make(connection.value), { expiresAt: null })],
    result: undefined,
  }))
}

describe('a token that holds', () => {
  it('is given as it is, and the provider hears nothing of it', async () => {
    const id = await connectDirectly(server, provider)
    const before = etsy.refreshes()
    const token = await fetchToken(id)
    expect(token).toMatchObject({ outcome: 'token', tokenType: 'Bearer', account: '123456789', provider: 'etsy' })
    expect(accessOf(token)).toBe((await keptTokens(server, id)).access)
    expect(JSON.stringify(token)).not.toContain(accessOf(token))
    expect(etsy.refreshes()).toBe(before)
  })

  it('L29: is renewed after 80 % of its life, while whoever asks gets the one that holds', async () => {
    const id = await connectDirectly(server, provider)
    const first = accessOf(await fetchToken(id))
    server.clock.advance(3000)
    expect(accessOf(await fetchToken(id))).toBe(first)
    await expect.poll(async () => accessOf(await fetchToken(id))).not.toBe(first)
    expect((await storedConnection(server, id)).edition).toBe(2)
  })

  it('nobody has one of a connection that is not there, or whose owner is gone or locked', async () => {
    expect(await fetchToken('0192aabbccdd_nothing_like_this')).toEqual({ outcome: 'unknown' })
    const ghost = await connectDirectly(server, provider, { kind: 'user', userId: 'usr_nobody' })
    expect(await fetchToken(ghost)).toEqual({ outcome: 'unknown' })
    const client = await connectDirectly(server, provider, { kind: 'client', clientId: 'nobody' })
    expect(await fetchToken(client)).toEqual({ outcome: 'unknown' })
  })
})

describe('an expired token', () => {
  it('L20: 200 who ask at once on two nodes cause one refresh, and all get what it gave', async () => {
    const id = await connectDirectly(server, provider)
    server.clock.advance(3600)
    const before = etsy.refreshes()
    etsy.faults.push('slow')
    const other = otherNode()
    const asked = Array.from({ length: 200 }, (_, index) =>
      index % 2 === 0 ? fetchToken(id) : other.freshToken({ connection: id }),
    )
    const given = new Set((await Promise.all(asked)).map(accessOf))
    expect(etsy.refreshes() - before).toBe(1)
    expect([...given]).toEqual([(await keptTokens(server, id)).access])
    expect((await keptTokens(server, id)).refresh).toBe(etsy.liveRefreshTokens().at(-1))
    expect(await eventsOf(server, id)).toEqual(['connection.refreshed'])
  })

  it('L29: is expired by the monotonic clock, where the wall clock was set back', async () => {
    const id = await connectDirectly(server, provider)
    const first = accessOf(await fetchToken(id))
    server.clock.advance(4000)
    // As if the wall clock had been set back by those 4000 seconds: by it the token came just now.
    await change(
      id,
      (connection) =>
        ({ ...connection, issuedAt: server.clock.seconds(), expiresAt: server.clock.seconds() + 3600 }) as never,
    )
    expect(accessOf(await fetchToken(id))).not.toBe(first)
  })

  it('that the API refused before its time is renewed, once', async () => {
    const id = await connectDirectly(server, provider)
    const first = await fetchToken(id)
    if (first.outcome !== 'token') throw new Error(first.outcome)
    const before = etsy.refreshes()
    const [second, third] = await Promise.all([fetchToken(id, first.edition), fetchToken(id, first.edition)])
    expect(accessOf(second)).not.toBe(accessOf(first))
    expect(accessOf(third)).toBe(accessOf(second))
    // Whoever says it of the token before hears of the new one.
    expect(accessOf(await fetchToken(id, first.edition))).toBe(accessOf(second))
    expect(etsy.refreshes() - before).toBe(1)
  })
})

describe('what an entry says of its refresh tokens', () => {
  const over = { outcome: 'needs_reauth', reason: 'expired' }

  it('refresh: none — none is kept, and one of before the entry said so is not used', async () => {
    const id = await connectDirectly(server, without)
    expect((await keptTokens(server, id)).refresh).toBeUndefined()
    const older = await connectDirectly(server, { ...without, refresh: 'rotating' })
    expect((await keptTokens(server, older)).refresh).toBeDefined()
    const before = etsy.refreshes()
    expect((await fetchToken(id)).outcome).toBe('token')
    expect((await fetchToken(older)).outcome).toBe('token')
    server.clock.advance(3600)
    expect([await fetchToken(id), await fetchToken(older)]).toEqual([over, over])
    expect(etsy.refreshes()).toBe(before)
  })

  it('refresh_ttl: counts from the last refresh, and after it the person is asked and not the provider', async () => {
    const id = await connectDirectly(server, short)
    server.clock.advance(7000)
    expect((await fetchToken(id)).outcome).toBe('token')
    server.clock.advance(7000)
    expect((await fetchToken(id)).outcome).toBe('token')
    const before = etsy.refreshes()
    server.clock.advance(7200)
    expect(await fetchToken(id)).toEqual(over)
    expect(etsy.refreshes()).toBe(before)
  })
})

describe('L22: a refresh that gives less than was asked', () => {
  const answer = (more: object) => ({
    json: { access_token: '1.new', token_type: 'Bearer', expires_in: 3600, ...more },
  })

  it.each([
    ['no JSON', { text: '<html>We will be back soon</html>' }],
    ['no access token', { json: { token_type: 'Bearer', refresh_token: '1.other' } }],
    ['an access token that is no text', answer({ access_token: 7, refresh_token: '1.other' })],
    ['an empty access token', answer({ access_token: '', refresh_token: '1.other' })],
    ['a life that is none', answer({ expires_in: -1, refresh_token: '1.other' })],
    ['a life in words', answer({ expires_in: 'an hour', refresh_token: '1.other' })],
    ['a life that begins like one', answer({ expires_in: '3600 or so', refresh_token: '1.other' })],
    ['a life in a list', answer({ expires_in: [3600], refresh_token: '1.other' })],
    ['a life longer than any', answer({ expires_in: 1e300, refresh_token: '1.other' })],
    ['a token that is bound to a key', answer({ token_type: 'DPoP', refresh_token: '1.other' })],
    ['an access token of two lines', answer({ access_token: '1.a\nb', refresh_token: '1.other' })],
    ['a refresh token with a NUL', answer({ refresh_token: '1.o\u0000' })],
    ['another token type', answer({ token_type: 'mac', refresh_token: '1.other' })],
    ['no token type', answer({ token_type: undefined, refresh_token: '1.other' })],
    ['a refresh token that is no text', answer({ refresh_token: { newest: '1.other' } })],
    ['a scope that is no text', answer({ scope: 7, refresh_token: '1.other' })],
    ['a list', { json: ['1.new'] as never }],
    ['nothing', { text: '' }],
    ['a word', { text: 'null' }],
    [
      'a name twice, of which two parsers take another one each',
      { text: '{"access_token":"1.new","access_token":"2.new","token_type":"Bearer"}' },
    ],
    ['ten megabytes', answer({ refresh_token: '1.other', padding: 'x'.repeat(10 * 1024 * 1024) })],
    ['another status', { status: 201, json: answer({ refresh_token: '1.other' }).json }],
    ['a redirect', { status: 307, headers: { location: 'https://evil.example/token' }, text: '' }],
    ['no end', { hangUp: true }],
  ])('%s: what is kept stays, and is tried again', async (_name, reply) => {
    const id = await connectDirectly(server, provider)
    const kept = await keptTokens(server, id)
    server.clock.advance(3500)
    etsy.faults.push(reply)
    expect(accessOf(await fetchToken(id))).toBe(kept.access)
    await expect.poll(async () => (await storedConnection(server, id)).failures, { timeout: 20_000 }).toBe(1)
    expect(await keptTokens(server, id)).toEqual(kept)
    server.clock.advance(400)
    expect(accessOf(await fetchToken(id))).not.toBe(kept.access)
  })

  it('a life of 0 says nothing: the one of the entry counts, and nobody is asked again and again', async () => {
    const id = await connectDirectly(server, provider)
    server.clock.advance(3600)
    etsy.faults.push(answer({ access_token: '1.zero', expires_in: 0, refresh_token: '1.other' }))
    const before = etsy.askedAt('/v3/public/oauth/token').length
    for (let asked = 0; asked < 5; asked += 1) expect(accessOf(await fetchToken(id))).toBe('1.zero')
    expect(etsy.askedAt('/v3/public/oauth/token').length - before).toBe(1)
    const { expiresAt = 0, issuedAt } = await storedConnection(server, id)
    expect(expiresAt - issuedAt).toBe(3600)
  })

  it('a smaller scope is noted, and the old refresh token stays where no new one came', async () => {
    const id = await connectDirectly(server, provider)
    const kept = await keptTokens(server, id)
    server.clock.advance(3600)
    etsy.faults.push(answer({ scope: 'listings_r' }))
    expect(await fetchToken(id)).toMatchObject({ outcome: 'token', scopes: ['listings_r'] })
    expect(await keptTokens(server, id)).toEqual({ access: '1.new', refresh: kept.refresh })
    expect((await storedConnection(server, id)).scope).toEqual(['listings_r'])
    server.clock.advance(3600)
    expect(accessOf(await fetchToken(id))).toMatch(/^123456789\./)
  })
})

describe('a refresh that fails', () => {
  it('L21: a dead refresh token is asked about once, and the connection says that it needs its person', async () => {
    const id = await connectDirectly(server, provider)
    etsy.revokeAll()
    server.clock.advance(3600)
    const before = etsy.refreshes()
    expect(await fetchToken(id)).toEqual({ outcome: 'needs_reauth', reason: 'invalid_grant' })
    expect(await fetchToken(id)).toEqual({ outcome: 'needs_reauth', reason: 'invalid_grant' })
    expect(etsy.refreshes() - before).toBe(1)
    expect(await eventsOf(server, id)).toEqual(['connection.broken'])
  })

  it('FLT-28: a provider that answers 500 is left alone for a while, and a token that holds is still given', async () => {
    const id = await connectDirectly(server, provider)
    const first = accessOf(await fetchToken(id))
    server.clock.advance(3580)
    etsy.faults.push('500')
    const before = etsy.askedAt('/v3/public/oauth/token').length
    expect(accessOf(await fetchToken(id))).toBe(first)
    expect(accessOf(await fetchToken(id))).toBe(first)
    expect(etsy.askedAt('/v3/public/oauth/token').length - before).toBe(1)
    const { retryAt, failures, intent } = await storedConnection(server, id)
    expect([failures, intent, (retryAt ?? 0) > server.clock.seconds() - 1]).toEqual([1, undefined, true])
    server.clock.advance(30)
    expect(accessOf(await fetchToken(id))).not.toBe(first)
    expect((await storedConnection(server, id)).failures).toBeUndefined()
  })

  it('and nothing holds any more: not now, with a time to come back', async () => {
    const id = await connectDirectly(server, provider)
    server.clock.advance(3700)
    etsy.faults.push('500')
    const token = await fetchToken(id)
    expect(token).toMatchObject({ outcome: 'unavailable' })
    if (token.outcome === 'unavailable') expect(token.retryAfter).toBeGreaterThanOrEqual(1)
    server.clock.advance(10)
    expect((await fetchToken(id)).outcome).toBe('token')
  })

  it.each(['hang up after rotation', '500 after rotation'] as const)(
    'INV6: an answer that was lost after the rotation (%s) ends in a question to the person, never in silence',
    async (fault) => {
      const id = await connectDirectly(server, provider)
      server.clock.advance(3700)
      etsy.faults.push(fault)
      expect((await fetchToken(id)).outcome).toBe('unavailable')
      expect((await storedConnection(server, id)).unsure).toBe(true)
      server.clock.advance(10)
      expect(await fetchToken(id)).toEqual({ outcome: 'needs_reauth', reason: 'invalid_grant' })
      expect(await eventsOf(server, id)).toEqual(['connection.broken'])
    },
  )
})

describe('a refresh whose process died', () => {
  it('is let be until no refresh can take that long, and then taken over', async () => {
    const id = await connectDirectly(server, provider)
    server.clock.advance(3600)
    await change(
      id,
      (connection) =>
        ({ ...connection, intent: { attempt: 'of the dead', startedAt: server.clock.seconds() - 1000 } }) as never,
    )
    const before = etsy.refreshes()
    // A whole lease by the monotonic clock, watched from here: how long it has stood by another's clock says nothing.
    let asked = -1
    const first = setTimeout(() => (asked = etsy.refreshes()), 50)
    expect(accessOf(await fetchAsTimeGoesOn(server, id))).toMatch(/^123456789\./)
    clearTimeout(first)
    expect(asked).toBe(before)
    expect(etsy.refreshes() - before).toBe(1)
    expect(await storedConnection(server, id)).toMatchObject({ edition: 2, state: 'active' })
  })
})

async function errandsOf(id: string) {
  const found: { readonly id: string; readonly value: Revocation }[] = []
  for await (const record of server.core.admin.scan('revocation'))
    if ('connectionId' in record.value && record.value.connectionId === id)
      found.push({ id: record.id, value: record.value })
  return found
}

describe('L18, L19: what was moved, altered or put back', () => {
  it('another row’s tokens do not open, and the connection says so', async () => {
    const [one, two] = [await connectDirectly(server, provider), await connectDirectly(server, provider)]
    const foreign = await storedConnection(server, one)
    await change(two, (connection) => ({ ...connection, sealed: foreign.sealed }) as never)
    expect(await fetchToken(two)).toEqual({ outcome: 'needs_reauth', reason: 'unreadable' })
  })

  it('its whole row of before does not open where a later one was seen, and what comes next comes after that', async () => {
    const id = await connectDirectly(server, provider)
    const old = await storedConnection(server, id)
    await fetchToken(id, 1)
    await fetchToken(id, 2)
    await change(id, () => old)
    expect(await fetchToken(id)).toEqual({ outcome: 'needs_reauth', reason: 'unreadable' })
    expect(await storedConnection(server, id)).toMatchObject({ state: 'needs_reauth', edition: 3 })
    expect(await eventsOf(server, id)).toContain('connection.broken')
  })

  it('nor does it on a server that has just started, whether it was renewed or ended', async () => {
    const [renewed, ended] = [await connectDirectly(server, provider), await connectDirectly(server, provider)]
    const rows = new Map([
      [renewed, await storedConnection(server, renewed)],
      [ended, await storedConnection(server, ended)],
    ])
    await fetchToken(renewed, 1)
    await disconnect(server.core, ended, { connection: rows.get(ended)!, by: {} })
    for (const [connection, old] of rows) {
      expect((await otherNode().freshToken({ connection })).outcome).toBe(connection === ended ? 'revoked' : 'token')
      await change(connection, () => old)
      const answer = { outcome: 'needs_reauth', reason: 'unreadable' }
      expect(await otherNode().freshToken({ connection })).toEqual(answer)
      expect(await storedConnection(server, connection)).toMatchObject({ state: 'needs_reauth', edition: 2 })
    }
  })

  it('nor does that of one that was ended: here, or as this process has heard', async () => {
    const other = otherNode()
    for (const ending of [server.core.vault, other]) {
      const id = await connectDirectly(server, provider)
      const old = await storedConnection(server, id)
      await ending.disconnect(id, { connection: old, by: {} })
      if (ending === other) expect((await fetchToken(id)).outcome).toBe('revoked')
      await change(id, () => old)
      expect(await fetchToken(id)).toEqual({ outcome: 'needs_reauth', reason: 'unreadable' })
    }
  })

  it('tokens that an errand holds do not open in the connection whose end it came with, and no others in an errand', async () => {
    const { core } = server
    const id = await connectDirectly(server, provider)
    const held = await storedConnection(server, id)
    await disconnect(core, id, { connection: held, by: {} })
    const [errand] = await errandsOf(id)
    const { sealed = '' } = errand?.value ?? {}
    // Also where nobody knows of the end.
    for (const edition of [1, 2]) {
      await change(id, () => ({ ...held, sealed, edition }))
      expect(await otherNode().freshToken({ connection: id })).toEqual({
        outcome: 'needs_reauth',
        reason: 'unreadable',
      })
    }
    const opened = (text: string, errandId = errand?.id ?? '') =>
      core.protection().then((protection) => unwrapRevocation(protection, errandId, { sealed: text, wrapped: true }))
    expect([await opened(sealed), await opened(held.sealed), await opened(sealed, id)]).toEqual([
      held.sealed,
      undefined,
      undefined,
    ])
  })

  it('a reader that was overtaken by a renewal finds nothing put back', async () => {
    const id = await connectDirectly(server, provider)
    await fetchToken(id)
    const { store } = server.core.transition
    const whole = store.read
    let overtaken = 0
    const slow: typeof store.read = async (refs) => {
      const found = await whole(refs)
      if (overtaken++ > 0 || refs[0]?.id !== id) return found
      await fetchToken(id, 1)
      return found
    }
    Object.assign(store, { read: slow })
    const token = await fetchToken(id).finally(() => Object.assign(store, { read: whole }))
    expect([token.outcome, (await storedConnection(server, id)).edition]).toEqual(['token', 2])
  })

  it('its own tokens of before do not open', async () => {
    const id = await connectDirectly(server, provider)
    const old = await storedConnection(server, id)
    await fetchToken(id, 1)
    await change(id, (connection) => ({ ...connection, sealed: old.sealed, keyId: old.keyId }) as never)
    expect(await fetchToken(id)).toEqual({ outcome: 'needs_reauth', reason: 'unreadable' })
  })
})

describe('nodes whose clocks differ', () => {
  /** Another node on the same store, whose clock is so many seconds ahead. */
  function nodeAhead(seconds: number) {
    const { clock } = server
    const ahead = { ...clock, seconds: () => clock.seconds() + seconds, millis: () => clock.millis() + seconds * 1000 }
    const { outbound } = server.core.upstream
    const upstream = createUpstream({ ...server.core, outbound, clock: ahead, providers: [provider] })
    const transition = { ...server.core.transition, clock: ahead }
    return createVault({ ...server.core, clock: ahead, upstream, transition, onError: () => undefined })
  }

  it('FLT-18: none takes over a refresh that is alive, however old its clock makes that look', async () => {
    const id = await connectDirectly(server, provider)
    server.clock.advance(3600)
    const before = etsy.refreshes()
    etsy.faults.push('slow')
    const mine = fetchToken(id)
    await expect.poll(async () => (await storedConnection(server, id)).intent).toBeDefined()
    const theirs = await nodeAhead(900).freshToken({ connection: id })
    expect(accessOf(theirs)).toBe(accessOf(await mine))
    expect(etsy.refreshes() - before).toBe(1)
    expect((await storedConnection(server, id)).unsure).toBeUndefined()
  })

  it('FLT-18: whose clock is behind waits no longer than the pause, and one that is ahead asks once too often at most', async () => {
    const id = await connectDirectly(server, provider)
    server.clock.advance(3700)
    etsy.faults.push('500', '500')
    const ahead = nodeAhead(900)
    expect((await ahead.freshToken({ connection: id })).outcome).toBe('unavailable')
    const { retryAt = 0, pause = 0 } = await storedConnection(server, id)
    expect(retryAt - server.clock.seconds()).toBeGreaterThan(800)
    const asked = etsy.askedAt('/v3/public/oauth/token').length
    const here = await fetchToken(id)
    expect(here).toEqual({ outcome: 'unavailable', retryAfter: pause, reason: 'upstream_unavailable' })
    expect(etsy.askedAt('/v3/public/oauth/token').length).toBe(asked)
    server.clock.advance(pause)
    expect((await fetchToken(id)).outcome).toBe('unavailable')
    expect((await ahead.freshToken({ connection: id })).outcome).toBe('token')
  })
})
