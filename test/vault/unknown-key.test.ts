import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { mac } from '../../src/crypto/mac.ts'
import type { Connection } from '../../src/domain/connection.ts'
import { put, ref } from '../../src/domain/record.ts'
import { isRefusal } from '../../src/protocol/errors.ts'
import { transition } from '../../src/store/transition.ts'
import { createUpstream } from '../../src/upstream/create-upstream.ts'
import { createVault, type Vault } from '../../src/vault/create-vault.ts'
import type { FreshToken } from '../../src/vault/fresh-token.ts'
import { endLeakedHandle } from '../../src/vault/end-leaked-handle.ts'
import { confirmationText } from '../../src/vault/obtain-connection.ts'
import { confirm } from '../../src/vault/pick-up.ts'
import { createBrowser } from '../kit/browser.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import {
  browserHash,
  comeBack,
  connectDirectly,
  eventsOf,
  keptTokens,
  startRevokingEtsy,
  storedConnection,
  type RevokingEtsy,
} from './house.ts'

let folder: string
let upstream: RevokingEtsy
let server: TestGatehouse

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-unknown-'))
  upstream = await startRevokingEtsy()
  server = await startGatehouse({ ...options(), config: { providers: [upstream.provider] } })
})
afterAll(async () => {
  await Promise.all([server.close(), upstream.close()])
  rmSync(folder, { recursive: true })
})

const options = () => ({ store: { adapter: 'sqlite', path: join(folder, 'store.db') } }) as const

/** A node of the same house whose rings lack a key that others use, however often it reads them. */
function keylessCore(core: TestGatehouse['core'], lacks: string): TestGatehouse['core'] {
  const keys = {
    ...core.keys,
    secretById: (...[ring, keyId]: Parameters<typeof core.keys.secretById>) =>
      keyId === lacks ? undefined : core.keys.secretById(ring, keyId),
    learn: () => Promise.resolve(true),
  }
  const { outbound } = core.upstream
  return { ...core, keys, upstream: createUpstream({ ...core, outbound, keys, providers: [upstream.provider] }) }
}

function keylessNode(core: TestGatehouse['core'], lacks: string): Vault {
  return createVault({ ...keylessCore(core, lacks), onError: () => undefined })
}

/** Another node, and the id of the key of this ring that the first one uses by now and this one was not told of. */
async function laggingNode(
  ring: 'at-rest' | 'mac' | 'token-seal',
): Promise<{ readonly other: TestGatehouse; readonly next: string }> {
  const other = await startGatehouse({ ...options(), clock: server.clock, config: { providers: [upstream.provider] } })
  const { keys } = server.core
  const { keyId: next } = await keys.rotate(ring)
  server.clock.advance(11)
  await keys.tick()
  return { other, next }
}

const code = 'BCDF-GHJK'

/** A connection that waits for the code of the last page. */
async function unconfirmed(): Promise<{ readonly id: string; readonly connection: Connection }> {
  const { transition: context, keys } = server.core
  const id = await connectDirectly(server, upstream.provider)
  const { keyId, key } = keys.secret('mac')
  await transition(context, { slot: ref('connection', id) }, ({ slot }) => {
    const confirmation = { mac: mac(key, confirmationText(id, code)), keyId, attempts: 0, until: 2e9 }
    return {
      writes: [put(slot, { ...(slot.value as Connection), confirmation } as Connection, { expiresAt: null })],
      result: undefined,
    }
  })
  return { id, connection: await storedConnection(server, id) }
}

const stored = (kind: 'connection' | 'flow') => async () => {
  const found: unknown[] = []
  for await (const { id, value } of server.core.admin.scan(kind)) found.push([id, value])
  return found
}

const accessOf = (token: FreshToken): string =>
  token.outcome === 'token' ? token.accessToken.reveal() : JSON.stringify(token)

const keyUnknown = { outcome: 'unavailable', retryAfter: 1, reason: 'connection_key' }

it('a node that was not told of a new key at rest reads the rings again, and ends nothing', async () => {
  const other = await startGatehouse({ ...options(), clock: server.clock, config: { providers: [upstream.provider] } })
  try {
    const [renewed, over] = [
      await connectDirectly(server, upstream.provider),
      await connectDirectly(server, upstream.provider),
    ]
    expect(accessOf(await other.core.vault.freshToken({ connection: renewed }))).toContain('123456789.')
    const { keys, vault } = server.core
    const { keyId: next } = await keys.rotate('at-rest')
    server.clock.advance(11)
    await keys.tick()
    for (const connection of [renewed, over])
      expect((await vault.freshToken({ connection, rejected: 1 })).outcome).toBe('token')
    expect((await storedConnection(server, over)).keyId).toBe(next)

    const fetched = await other.core.vault.freshToken({ connection: renewed })
    expect(accessOf(fetched)).toBe((await keptTokens(server, renewed)).access)
    const again = await other.core.vault.freshToken({ connection: over, rejected: 2 })
    expect(accessOf(again)).toBe((await keptTokens(server, over)).access)
    expect((await storedConnection(server, over)).edition).toBe(3)
  } finally {
    await other.close()
  }
})

it('a key that stays unknown to one node: 503 there, nothing is written, nobody is asked, and the others go on', async () => {
  const id = await connectDirectly(server, upstream.provider)
  const { keyId } = await storedConnection(server, id)
  const keyless = keylessNode(server.core, keyId)
  const before = await server.core.transition.store.read([ref('connection', id)])
  const asked = upstream.etsy.refreshes()
  expect(await keyless.freshToken({ connection: id })).toEqual(keyUnknown)
  expect(await keyless.freshToken({ connection: id, rejected: 1 })).toEqual(keyUnknown)
  server.clock.advance(4000)
  expect(await keyless.freshToken({ connection: id })).toEqual(keyUnknown)
  expect(await server.core.transition.store.read([ref('connection', id)])).toEqual(before)
  expect([upstream.etsy.refreshes() - asked, await eventsOf(server, id)]).toEqual([0, []])
  expect((await server.core.vault.freshToken({ connection: id })).outcome).toBe('token')
  await keyless.close()
})

it('an errand whose tokens one node can not open waits for one that can', async () => {
  const id = await connectDirectly(server, upstream.provider)
  const { access, refresh } = await keptTokens(server, id)
  const { keyId } = await storedConnection(server, id)
  upstream.revoking.asked.length = 0
  const keyless = keylessNode(server.core, keyId)
  // The keyless node is the one that hears of it, and comes back to it as long as it runs.
  await keyless.disconnect(id, { connection: await storedConnection(server, id), by: { actor: 'test' } })
  const errands = async () => {
    const found: number[] = []
    for await (const { value } of server.core.admin.scan('revocation'))
      if (value.v === 1 && 'connectionId' in value && value.connectionId === id) found.push(value.attempts)
    return found
  }
  await expect.poll(errands).toEqual([1])
  await keyless.close()
  expect([await errands(), await eventsOf(server, id)]).toEqual([[1], ['connection.revoked']])
  server.clock.advance(120)
  const node = createVault({ ...server.core, onError: () => undefined })
  await expect.poll(() => eventsOf(server, id)).toEqual(['connection.revoked', 'connection.given_back'])
  expect(upstream.revoking.asked.map(({ form }) => form.get('token'))).toEqual([refresh, access])
  await node.close()
})

it('a code of the last page made under a key that one node was not told of: it reads the rings again, and takes it', async () => {
  const { other, next } = await laggingNode('mac')
  try {
    const waiting = await unconfirmed()
    expect(waiting.connection).toMatchObject({ confirmation: { keyId: next } })
    expect(await confirm(other.core, waiting, code)).toBeUndefined()
    expect(await storedConnection(server, waiting.id)).not.toHaveProperty('confirmation')
  } finally {
    await other.close()
  }
})

it('a code of the last page under a key that stays unknown: 503, no attempt is counted, and it fits elsewhere', async () => {
  const waiting = await unconfirmed()
  const keyless = keylessCore(server.core, server.core.keys.secret('mac').keyId)
  const before = await stored('connection')()
  for (const typed of [code, 'WRNG-WRNG', code, code, code, code])
    expect(await confirm(keyless, waiting, typed)).toMatchObject({
      error: 'temporarily_unavailable',
      reason: 'connection_key',
      retryAfter: 1,
    })
  expect(await stored('connection')()).toEqual(before)
  expect(await eventsOf(server, waiting.id)).toEqual([])
  expect(await confirm(server.core, waiting, 'WRNG-WRNG')).toMatchObject({ reason: 'connect_code' })
  expect(await confirm(server.core, waiting, code)).toBeUndefined()
})

it('a callback whose state was made under a key that one node was not told of: it reads the rings again, and finishes', async () => {
  const { other, next } = await laggingNode('mac')
  try {
    const { parameters, state } = await comeBack(server, upstream.provider)
    const taken = await other.core.upstream.take(upstream.provider, { state, browserHash })
    if (isRefusal(taken)) throw new Error(taken.reason)
    expect(taken.flow.keyId).toBe(next)
    expect(await other.core.upstream.finish(upstream.provider, taken, parameters)).toMatchObject({ kind: 'done' })
  } finally {
    await other.close()
  }
})

it('a callback whose key stays unknown: 503, nothing is used up, and another node takes it', async () => {
  const { parameters, state } = await comeBack(server, upstream.provider)
  const keyless = keylessCore(server.core, server.core.keys.secret('mac').keyId)
  const before = await stored('flow')()
  for (const browser of [browserHash, 'another browser', browserHash])
    expect(await keyless.upstream.take(upstream.provider, { state, browserHash: browser })).toMatchObject({
      error: 'temporarily_unavailable',
      reason: 'flow_key',
      retryAfter: 1,
    })
  expect(await stored('flow')()).toEqual(before)
  const taken = await server.core.upstream.take(upstream.provider, { state, browserHash })
  if (isRefusal(taken)) throw new Error(taken.reason)
  expect(await server.core.upstream.finish(upstream.provider, taken, parameters)).toMatchObject({ kind: 'done' })
  expect(await keyless.upstream.take(upstream.provider, { state, browserHash })).toMatchObject({
    reason: 'flow_unknown',
  })
})

const start = async (): Promise<{ readonly handle: string; readonly connect_url: string }> =>
  (
    await createBrowser(server.url).ask('/vault/connect', { form: { provider: upstream.provider.name } })
  ).json() as never

it('a handle made under a key that one node was not told of: it reads the rings again, and says that nobody has finished', async () => {
  const { other } = await laggingNode('mac')
  try {
    const { handle } = await start()
    const asked = await createBrowser(other.url).ask('/vault/token', { form: { handle } })
    expect([asked.status, asked.json()['error']]).toEqual([400, 'authorization_pending'])
  } finally {
    await other.close()
  }
})

it('K17: such a handle that leaked, reported there, ends its start everywhere', async () => {
  const { other } = await laggingNode('mac')
  try {
    const { handle } = await start()
    await endLeakedHandle(other.core, { text: handle, actor: { kind: 'cli' }, address: '192.0.2.7' })
    const asked = await createBrowser(server.url).ask('/vault/token', { form: { handle } })
    expect([asked.status, asked.json()['error']]).toEqual([400, 'access_denied'])
  } finally {
    await other.close()
  }
})

it('an address that was made under a key that one node was not told of opens there', async () => {
  const { other } = await laggingNode('token-seal')
  try {
    const { pathname } = new URL((await start()).connect_url)
    expect((await createBrowser(other.url).ask(pathname)).status).toBe(200)
  } finally {
    await other.close()
  }
})
