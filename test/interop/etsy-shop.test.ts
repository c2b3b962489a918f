import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { secretValue } from '../../src/config/secret-value.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { connectDirectly, etsyProvider, keptTokens } from '../vault/house.ts'
import { root } from './example.ts'

const secret = 'n0tTheSecretOfAnyServerThatEverRan0123456789abcdefABCDEF'
let data: string
let etsy: Etsy
let server: TestGatehouse
let connection: string

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'gatehouse-etsy-shop-'))
  etsy = await startEtsy()
  const provider = etsyProvider(etsy)
  server = await startGatehouse({
    store: { adapter: 'sqlite', path: join(data, 'gatehouse.db') },
    dataDirectory: data,
    config: { providers: [provider], keySecret: secretValue(secret) },
  })
  const ada = await server.makeUser('ada')
  connection = await connectDirectly(server, provider, { kind: 'user', userId: ada.userId })
})
afterAll(async () => {
  await server.close()
  await etsy.close()
  rmSync(data, { recursive: true, force: true })
})

/** What a command prints, or the JSON that it failed with. */
async function run(
  program: string,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    GATEHOUSE_DATA: data,
    GATEHOUSE_ISSUER: server.url,
    GATEHOUSE_SECRET: secret,
    ISSUER: server.url,
    ...more,
  }
  try {
    return (await promisify(execFile)(join(root, program), args, { env, cwd: data })).stdout
  } catch (error) {
    return (error as { readonly stdout: string }).stdout
  }
}

const listings = (token: string, shop = '77') =>
  run('examples/etsy-shop/listings.sh', [connection, shop], { GATEHOUSE_TOKEN: token })

test(
  'a script reads one shop for one hour, and nothing else, and never sees the token of Etsy',
  { timeout: 60_000 },
  async () => {
    const printed = await run('examples/etsy-shop/hand-out.sh', ['ada', connection, '77'])
    const token = /^GATEHOUSE_TOKEN="(gth_mc_[^"]+)"\n$/.exec(printed)?.[1] ?? ''
    const seen = await listings(token)
    expect(JSON.parse(seen)).toEqual({ path: '/v3/application/shops/77/listings', method: 'GET' })
    expect(`${printed}${seen}`).not.toContain((await keptTokens(server, connection)).access)
    expect(JSON.parse(await listings(token, '78'))).toMatchObject({ error: 'invalid_token' })

    const narrow = ['token', 'attenuate', token, '--caveat', 'path = /v3/application/shops/77/reviews']
    expect(JSON.parse(await listings((await run('bin/gatehouse', narrow)).trim()))).toMatchObject({
      error: 'invalid_token',
    })

    server.clock.advance(3601)
    expect(JSON.parse(await listings(token))).toMatchObject({ error: 'invalid_token' })
  },
)

test('and no longer than until it is revoked, by its id', { timeout: 60_000 }, async () => {
  const minted = await run('bin/gatehouse', ['token', 'mint', '--user', 'ada', '--connection', connection])
  // The command's clock is the machine's; the server's is an hour ahead.
  server.clock.advance(-3601)
  expect(JSON.parse(await listings(minted.trim()))).toMatchObject({ method: 'GET' })
  expect(await run('bin/gatehouse', ['token', 'revoke', minted.trim()])).toContain('revoked')
  expect(JSON.parse(await listings(minted.trim()))).toMatchObject({ error: 'invalid_token' })
})
