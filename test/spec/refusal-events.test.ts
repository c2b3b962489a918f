import { afterAll, beforeAll, expect, test } from 'vitest'
import { policies } from '../../src/limits/policies.ts'
import { startUpkeep } from '../../src/server/upkeep.ts'
import { eventsOf } from '../attacks/support.ts'
import { createBrowser } from '../kit/browser.ts'
import { codeFlow, type Tokens } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'

let server: TestGatehouse
let other: MadeClient
let tokens: Tokens
const [, { burst }] = policies['refusal-event'].budgets

beforeAll(async () => {
  server = await startGatehouse({ config: { trustedProxies: ['127.0.0.1'] } })
  await server.makeUser('ada')
  tokens = (await codeFlow(server, await server.makeClient(), 'ada')).tokens
  other = await server.makeClient({ client_id: 'other' })
})
afterAll(() => server.close())

const tries = ['revoke an access token', 'revoke a refresh token', 'refresh'] as const

/** Each is refused, and worth an event: a client with somebody else's token. */
async function attempt(how: (typeof tries)[number], source: string): Promise<void> {
  const form =
    how === 'refresh'
      ? { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }
      : { token: how === 'revoke an access token' ? tokens.access_token : tokens.refresh_token }
  const headers = { authorization: other.basic, 'x-forwarded-for': source }
  const path = how === 'refresh' ? '/oauth/token' : '/oauth/revoke'
  const { status } = await createBrowser(server.url).ask(path, { form, headers })
  expect(status).toBe(how === 'refresh' ? 400 : 200)
}

const about = async (type: string, source?: string) =>
  (await eventsOf(server)).filter(
    (event) => event['type'] === type && (source ?? event['address']) === event['address'],
  )

test.each(tries.map((how, index) => [how, `198.51.100.${index}`] as const))(
  'a stranger who is refused again and again fills no disk: %s',
  async (how, source) => {
    const before = await leftOut()
    for (let count = 0; count < burst + 20; count += 1) await attempt(how, source)
    expect(await about('token.refused', source)).toHaveLength(burst)
    // Another source is heard, and what was left out is counted in the same commit.
    await attempt(how, `203.0.113.${source.at(-1)}`)
    expect(await about('token.refused', `203.0.113.${source.at(-1)}`)).toHaveLength(1)
    expect((await leftOut()) - before).toBe(20)
  },
)

test('what was left out is told by upkeep where nothing else tells it', async () => {
  const before = await leftOut()
  await attempt('refresh', '198.51.100.0')
  expect((await leftOut()) - before).toBe(0)
  const report = { onError: fail, onPaused: fail }
  await startUpkeep({ ...server, config: {} as never }, report).stop()
  expect((await leftOut()) - before).toBe(1)
})

async function leftOut(): Promise<number> {
  return (await about('refusals.left_out')).reduce((sum, event) => sum + Number(event['count']), 0)
}

function fail(...said: readonly unknown[]): never {
  throw new Error(said.map(String).join(' '))
}
