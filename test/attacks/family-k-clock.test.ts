import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { revokeTokens } from '../../src/accounts/revoke-tokens.ts'
import { clockTolerance } from '../../src/protocol/time.ts'
import { printInstant } from '../../src/tokens/macaroon/index.ts'
import { createBrowser } from '../kit/browser.ts'
import { freePort } from '../kit/free-port.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { introspectCall, macaroonOf, makeMacaroonApi, narrow, ownMacaroon } from '../kit/macaroons.ts'
import { createSettableClock, type SettableClock } from '../kit/settable-clock.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-macaroon-clock-'))
const store = { adapter: 'sqlite', path: join(folder, 'store.db') } as const
const hour = 3_600

/** One of two nodes on a store, each by a clock of its own. */
type Node = { readonly server: TestGatehouse; readonly clock: SettableClock; readonly port: number }
let slow: Node
let fast: Node
/** What the slow one listens at. */
let issuer: string
let app: MadeClient
let api: MadeClient
let userId: string

async function open(port: number, wallAhead = 0): Promise<Node> {
  const clock = createSettableClock(wallAhead)
  const server = await startGatehouse({ store, clock, config: { issuer, listen: { host: '127.0.0.1', port } } })
  return { server: { ...server, url: server.origin }, clock, port }
}

async function restart(node: Node, wallAhead: number): Promise<Node> {
  await node.server.close()
  return open(node.port, wallAhead)
}

const active = async ({ server }: Node, token: string) => (await introspectCall(server, api, token))['active']
const seen = async (token: string) => ({ slow: await active(slow, token), fast: await active(fast, token) })
/** Time that passes everywhere. */
const pass = (seconds: number) => [slow, fast].forEach(({ clock }) => clock.advance(seconds))
/** A client's own, narrowed to end after some seconds of the slow clock. */
const lasting = async (seconds: number) =>
  narrow(await ownMacaroon(slow.server, app), `time < ${printInstant(slow.clock.seconds() + seconds)}`)

beforeAll(async () => {
  const port = await freePort()
  issuer = `http://localhost:${port}`
  slow = await open(port)
  fast = await open(await freePort())
  userId = (await slow.server.makeUser('ada')).userId
  app = await slow.server.makeClient()
  api = await makeMacaroonApi(slow.server)
})
afterAll(async () => {
  for (const { server } of [slow, fast]) await server.close()
  rmSync(folder, { recursive: true, force: true })
})

test('K09 stale-epoch: dead at once at both nodes with every child, and dead after a restart, by a clock set back too', async () => {
  const before = (await macaroonOf(slow.server, app, 'ada')).access_token
  const child = narrow(before, 'scope = read')
  expect(await seen(child)).toEqual({ slow: true, fast: true })
  await revokeTokens(slow.server.core, { actor: { kind: 'cli' }, userId })
  expect(await seen(child)).toEqual({ slow: false, fast: false })
  const after = (await macaroonOf(slow.server, app, 'ada')).access_token

  for (const wallAhead of [-30, 0]) {
    slow = await restart(slow, wallAhead)
    fast = await restart(fast, wallAhead)
    for (const token of [before, child, narrow(child, 'method = GET')])
      expect(await seen(token)).toEqual({ slow: false, fast: false })
    expect(await seen(after)).toEqual({ slow: true, fast: true })
  }
})

describe('K20 clock: nodes a minute apart', () => {
  beforeAll(() => fast.clock.set(clockTolerance))

  test('a macaroon of either holds at both', async () => {
    expect(await seen(await ownMacaroon(slow.server, app))).toEqual({ slow: true, fast: true })
    expect(await seen(await ownMacaroon(fast.server, app))).toEqual({ slow: true, fast: true })
  })

  test('a caveat’s end is the same second by every clock: the two ends lie no further apart than the clocks', async () => {
    const token = await lasting(300)
    pass(300 - clockTolerance - 10)
    expect(await seen(token)).toEqual({ slow: true, fast: true })
    pass(15)
    expect(await seen(token)).toEqual({ slow: true, fast: false })
    pass(clockTolerance)
    expect(await seen(token)).toEqual({ slow: false, fast: false })
  })

  test('what was revoked stays so, though the node that sweeps is a minute ahead of the one that is asked', async () => {
    const token = await ownMacaroon(slow.server, app)
    const { exp } = await introspectCall(slow.server, api, token)
    const form = { form: { token }, headers: { authorization: app.basic } }
    expect((await createBrowser(slow.server.url).ask('/oauth/revoke', form)).status).toBe(200)
    // Over by the clock that is ahead, good for nearly a minute more by the other one.
    pass(Number(exp) - fast.clock.seconds() + 5)
    expect(slow.clock.seconds()).toBeLessThan(Number(exp))
    expect(await fast.server.core.transition.store.sweep(fast.clock.seconds(), 1_000)).toBeGreaterThan(0)
    expect(await seen(token)).toEqual({ slow: false, fast: false })
  })

  test('a step back brings nothing back', async () => {
    const over = await lasting(90)
    pass(100)
    // By less than it lived, and by more.
    for (const step of [40, hour]) {
      for (const { clock } of [slow, fast]) clock.set(-step)
      expect(await seen(over)).toEqual({ slow: false, fast: false })
      for (const { clock } of [slow, fast]) clock.set(step)
    }
    expect(await seen(over)).toEqual({ slow: false, fast: false })
  })

  test('a node whose clock was set further ahead makes what holds nowhere else yet, and ends what it finds over alone', async () => {
    const made = await ownMacaroon(slow.server, app)
    fast.clock.set(hour)
    expect(await seen(made)).toEqual({ slow: true, fast: false })
    expect(await seen(await ownMacaroon(fast.server, app))).toEqual({ slow: false, fast: true })
  })
})
