import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { endConnection } from '../../src/domain/connect.ts'
import { giveBackErrand, type NewRevocation } from '../../src/domain/give-back-errand.ts'
import { ProtectionFailed } from '../../src/keys/protection-failed.ts'
import { createVault } from '../../src/vault/create-vault.ts'
import type { Reply } from '../emulators/emulator.ts'
import { put, ref } from '../../src/domain/record.ts'
import { commitNew, transition } from '../../src/store/transition.ts'
import { endingOf } from '../../src/vault/end-connection.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, keptTokens, startRevokingEtsy, storedConnection, type RevokingEtsy } from './house.ts'

let upstream: RevokingEtsy
let server: TestGatehouse
beforeAll(async () => {
  upstream = await startRevokingEtsy()
  server = await startGatehouse({ config: { providers: [upstream.provider] } })
})
afterAll(() => Promise.all([server.close(), upstream.close()]))
afterEach(() => {
  upstream.replies.length = 0
  upstream.revoking.asked.length = 0
})

/** Ends a connection, and comes back hours later as often as nothing has come of it yet: which tokens went, and what was written down. */
async function ended(rounds: number) {
  const id = await connectDirectly(server, upstream.provider)
  const { access, refresh } = await keptTokens(server, id)
  await server.core.vault.disconnect(id, { connection: await storedConnection(server, id), by: { actor: 'test' } })
  for (let round = 1; round < rounds; round += 1) {
    await expect.poll(() => upstream.revoking.asked.length).toBe(round)
    expect(await reasons(id)).toEqual([])
    server.clock.advance(7 * 3600)
    // A node that starts looks what there is to do.
    const node = createVault({ ...server.core, onError: () => undefined })
    await expect.poll(() => upstream.revoking.asked.length).toBeGreaterThan(round)
    await node.close()
  }
  await expect.poll(() => reasons(id)).not.toEqual([])
  const names = new Map([
    [access, 'access'],
    [refresh, 'refresh'],
  ])
  return {
    given: upstream.revoking.asked.map(({ form }) => names.get(form.get('token') ?? '')),
    reasons: await reasons(id),
  }
}

async function reasons(id: string): Promise<readonly unknown[]> {
  const found: unknown[] = []
  for await (const { value } of server.core.admin.scan('event'))
    if ('type' in value && value.type === 'connection.given_back' && value.target === id) found.push(value.reason)
  return found
}

const down: Reply = { status: 503, json: { error: 'temporarily_unavailable' } }

it('RFC 7009 §2.2.1: a provider that is down twice gets both tokens in the end, and that is one event', async () => {
  upstream.replies.push(down, down)
  expect(await ended(3)).toEqual({ given: ['refresh', 'refresh', 'refresh', 'access'], reasons: ['done'] })
})

it('a refusal of one token says nothing of the other', async () => {
  upstream.replies.push({ status: 400, json: { error: 'unsupported_token_type' } })
  expect(await ended(1)).toEqual({ given: ['refresh', 'access'], reasons: ['refused'] })
})

it.each([
  ['a body', { status: 401, json: { error: 'invalid_client' } }],
  ['a challenge', { status: 401, headers: { 'www-authenticate': 'Basic' }, json: { error: 'invalid_client' } }],
])(
  'RFC 6749 §5.2: our own wrong secret, said by %s, is mended within the month and ends no errand',
  async (_by, reply) => {
    upstream.replies.push(reply)
    expect(await ended(2)).toEqual({ given: ['refresh', 'refresh', 'access'], reasons: ['done'] })
  },
)

it('a connection that needs its person anew gives back what it still holds: its access token may work', async () => {
  const id = await connectDirectly(server, upstream.provider)
  const { access, refresh } = await keptTokens(server, id)
  const broken = { ...(await storedConnection(server, id)), state: 'needs_reauth', reason: 'invalid_grant' } as const
  await transition(server.core.transition, { connection: ref('connection', id) }, ({ connection }) => ({
    writes: [put(connection, broken, { expiresAt: null })],
    result: undefined,
  }))
  await server.core.vault.disconnect(id, { connection: broken, by: { actor: 'test' } })
  await expect.poll(() => reasons(id)).toEqual(['done'])
  expect(upstream.revoking.asked.map(({ form }) => form.get('token'))).toEqual([refresh, access])
})

it('what a command ended where the key is out of reach is given back by a server, and what opens in no errand is not', async () => {
  const { core } = server
  const lost = new ProtectionFailed('the key file is missing')
  const keyless = { ...core, protection: () => Promise.reject(lost) }
  const id = await connectDirectly(server, upstream.provider)
  const { access, refresh } = await keptTokens(server, id)
  const ending = await endingOf(keyless, id, { connection: await storedConnection(server, id), by: {} })
  await transition(core.transition, { connection: ref('connection', id) }, (slots, now) =>
    endConnection(slots.connection, ending(now)),
  )
  const moved = await connectDirectly(server, upstream.provider)
  const held = { ...(await storedConnection(server, moved)), connectionId: moved }
  const asIfWrapped = { id: core.random.id(core.clock.millis()), wrap: (sealed: string) => ({ sealed, wrapped: true }) }
  await commitNew(core.transition, [giveBackErrand(asIfWrapped as NewRevocation, held, core.clock.seconds())])
  const node = createVault({ ...core, onError: () => undefined })
  await expect.poll(() => Promise.all([reasons(id), reasons(moved)])).toEqual([['done'], ['unreadable']])
  await node.close()
  expect(upstream.revoking.asked.map(({ form }) => form.get('token'))).toEqual([refresh, access])
})
