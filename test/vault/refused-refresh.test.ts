import { afterAll, beforeAll, expect, it } from 'vitest'
import { describe as wordsOf } from '../../src/protocol/errors.ts'
import type { FreshToken } from '../../src/vault/fresh-token.ts'
import { refusalOf } from '../../src/vault/pick-up.ts'
import { printConnection } from '../../src/vault/print-connection.ts'
import type { Reply } from '../emulators/emulator.ts'
import type { EtsyFault } from '../emulators/etsy.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import {
  connectDirectly,
  eventsOf,
  keptTokens,
  startRevokingEtsy,
  storedConnection,
  type RevokingEtsy,
} from './house.ts'

let upstream: RevokingEtsy
let server: TestGatehouse
beforeAll(async () => {
  upstream = await startRevokingEtsy()
  server = await startGatehouse({ config: { providers: [upstream.provider] } })
})
afterAll(() => Promise.all([server.close(), upstream.close()]))

const wrongSecret: Reply = { status: 401, json: { error: 'invalid_client', error_description: 'of k3y5tr1ng' } }

/** Asks for a token that is over, while the provider's token endpoint does this. */
async function failsBy(id: string, fault: EtsyFault): Promise<{ readonly words: string; readonly failure: unknown }> {
  upstream.etsy.faults.push(fault)
  const token: FreshToken = await server.core.vault.freshToken({ connection: id })
  if (token.outcome === 'token') throw new Error('a token')
  const about = { instance: await server.core.directory.instance(), providers: server.core.upstream.providers }
  const { failure } = printConnection({ ...about, now: server.clock.seconds() }, id, await storedConnection(server, id))
  server.clock.advance(400)
  return { words: wordsOf(refusalOf(token)), failure }
}

const logged = (): readonly string[] =>
  server
    .logged()
    .split('\n')
    .filter((line) => line.includes('"vault-'))

it('INV6: a provider that refuses this server is named to whoever runs it, once in the events, and nobody is told that it is silent', async () => {
  const id = await connectDirectly(server, upstream.provider)
  const { access, refresh = '' } = await keptTokens(server, id)
  server.clock.advance(4000)
  for (let round = 1; round <= 3; round += 1) {
    expect(await failsBy(id, wrongSecret)).toEqual({
      words: 'the provider refuses this server: whoever runs it finds the reason in its log',
      failure: 'invalid_client',
    })
    expect(logged()).toHaveLength(round)
  }
  expect(logged().at(-1)).toContain(`"reference":"etsy: invalid_client (${id})"`)
  expect(logged().at(-1)).toContain('"reason":"upstream_refused"')
  expect(await eventsOf(server, id)).toEqual(['connection.refresh_failed'])
  expect((await storedConnection(server, id)).state).toBe('active')
  for (const secret of [access, refresh, upstream.etsy.sharedSecret, 'k3y5tr1ng'])
    expect(server.logged()).not.toContain(secret)

  // Another reason is another event; and it is over with the next success.
  expect((await failsBy(id, { status: 400, json: { error: 'unauthorized_client' } })).failure).toBe(
    'unauthorized_client',
  )
  expect((await server.core.vault.freshToken({ connection: id })).outcome).toBe('token')
  expect(await eventsOf(server, id)).toEqual([
    'connection.refresh_failed',
    'connection.refresh_failed',
    'connection.refreshed',
  ])
  expect((await storedConnection(server, id)).failure).toBeUndefined()
})

it('a provider that is away is in the log and in the connection, and no event of each; one that talks nonsense is both', async () => {
  const id = await connectDirectly(server, upstream.provider)
  server.clock.advance(4000)
  expect(await failsBy(id, '500')).toEqual({
    words: 'the provider gives no token at the moment',
    failure: 'status 500',
  })
  expect(await eventsOf(server, id)).toEqual([])
  expect(logged().at(-1)).toContain('"reason":"upstream_unavailable"')
  const { words } = await failsBy(id, 'not json')
  expect([words, await eventsOf(server, id)]).toEqual([
    'the provider answers with something that is no token',
    ['connection.refresh_failed'],
  ])
})

it('tokens that a provider does not take back for a reason of ours are in the log', async () => {
  const id = await connectDirectly(server, upstream.provider)
  upstream.replies.push(wrongSecret)
  const connection = await storedConnection(server, id)
  await server.core.vault.disconnect(id, { connection, by: { actor: 'test' } })
  await expect.poll(() => logged().at(-1)).toContain(`"reference":"etsy: invalid_client (${id})"`)
  expect(logged().at(-1)).toContain('"endpoint":"vault-give-back"')
})
