import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { macKey } from '../../src/crypto/mac.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { openAtRest, sealAtRest } from '../../src/crypto/seal.ts'
import { readBackup, readHead, writeBackup, type Sealer } from '../../src/store/backup.ts'
import type { OpenStore } from '../../src/store/port.ts'
import { restoreStore, type Restored } from '../../src/store/restore.ts'
import { createBrowser, type Browser } from '../kit/browser.ts'
import { authorize, authorizeUrl, codeFlow, introspect, tokenRequest, verifier } from '../kit/flow.ts'
import {
  createTestClock,
  startGatehouse,
  type MadeClient,
  type TestClock,
  type TestGatehouse,
} from '../kit/gatehouse.ts'
import { openTestStore } from '../store/subjects.ts'

const random = createRandom()
const key = macKey(random.bytes(32))
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const eventTtl = 400 * 86_400

export const backupSealer: Sealer = {
  seal: (place, bytes) => sealAtRest(key, [place], bytes, random).toString('base64url'),
  open: (place, sealed) => {
    const opened = openAtRest(key, [place], Buffer.from(sealed, 'base64url'))
    if (opened === undefined) throw new Error('sealed for another place, or altered')
    return opened
  },
}

/** What somebody kept, whether it was good at the backup, used after it or revoked after it. */
export type Replay = {
  readonly restored: Restored
  /** How many of each were presented after the restore, and how many were taken. */
  readonly presented: Readonly<Record<string, number>>
  readonly revived: Readonly<Record<string, number>>
  /** The restored server, where people sign in anew. */
  readonly server: TestGatehouse
  readonly client: MadeClient
  readonly assertion: () => string
  readonly close: () => Promise<void>
}

/** FLT-33: back up a server, use and revoke what it gave, restore the backup elsewhere, and present everything again. */
export async function replayAfterRestore(rounds: number): Promise<Replay> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-replay-'))
  // Time stands still, so that nothing is refused only because it expired.
  const clock = standingClock()
  const before = await startGatehouse({ store: { adapter: 'sqlite', path: join(folder, 'a.db') }, clock })
  await before.makeUser('ada')
  const client = await before.makeClient()
  await before.makeClient(assertionClient)
  const assertion = () => assertionFor(before.url, clock)
  const { browser } = await codeFlow(before, client, 'ada')

  const early = await each(rounds, () => codeFlow(before, client, 'ada', { browser }))
  const codes = await each(rounds, () => codeOf(before, client, browser))
  const lines = await backup({ store: before.core.transition.store, admin: before.core.admin }, clock)

  const refreshed = await Promise.all(early.map(({ tokens }) => refresh(before, client, tokens.refresh_token)))
  const redeemed = await Promise.all(codes.map((code) => redeem(before, client, code)))
  for (const { tokens } of early.slice(0, Math.ceil(rounds / 2))) await revoke(before, client, tokens.access_token)
  const assertions = Array.from({ length: rounds }, assertion)
  for (const one of assertions) await used(before, one)
  await before.close()

  const path = join(folder, 'b.db')
  const restored = await restore(lines, path, clock)
  const server = await startGatehouse({
    store: { adapter: 'sqlite', path },
    clock,
    config: { issuer: before.url, listen: { host: '127.0.0.1', port: before.port } },
  })
  const [presented, revived]: Record<string, number>[] = [{}, {}]
  const present = async (what: string, secrets: readonly string[], taken: (secret: string) => Promise<boolean>) => {
    let count = 0
    for (const secret of secrets) if (await taken(secret)) count += 1
    if (presented !== undefined && revived !== undefined) [presented[what], revived[what]] = [secrets.length, count]
  }
  const works = async (form: Readonly<Record<string, string>>) =>
    (await tokenRequest(server, client, form)).status === 200
  await present('codes', [...codes, ...early.map(({ code }) => code)], (code) =>
    works({ grant_type: 'authorization_code', code, code_verifier: verifier }),
  )
  await present(
    'refresh tokens',
    [...early.map(({ tokens }) => tokens.refresh_token), ...refreshed.map(refreshToken), ...redeemed.map(refreshToken)],
    (token) => works({ grant_type: 'refresh_token', refresh_token: token }),
  )
  await present(
    'access tokens',
    [...early.map(({ tokens }) => tokens.access_token), ...refreshed.map(accessToken), ...redeemed.map(accessToken)],
    async (token) => (await introspect(server, client, token))['active'] === true,
  )
  await present('assertions', assertions, (one) => used(server, one))
  await present('sessions', ['the cookies'], async () => {
    const answer = await browser.ask(authorizeUrl(client, { prompt: 'none' }))
    return new URL(answer.location ?? server.url, server.url).searchParams.has('code')
  })
  return {
    restored,
    presented: presented ?? {},
    revived: revived ?? {},
    server,
    client,
    assertion,
    async close() {
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** All lines of a backup. */
export async function backup(opened: OpenStore, clock: Pick<TestClock, 'seconds'>): Promise<readonly string[]> {
  const lines: string[] = []
  const writing = writeBackup(opened, { sealer: backupSealer, backupId: random.stamp(), now: clock.seconds() })
  for await (const line of writing) lines.push(line)
  return lines
}

/** Into a new SQLite file. */
export async function restore(lines: readonly string[], path: string, clock: TestClock): Promise<Restored> {
  const target = await openTestStore(path, { eventTtl })
  try {
    const head = readHead(lines[0] ?? '')
    return await restoreStore(
      target,
      { head, records: () => readBackup(head, later(lines.slice(1)), backupSealer) },
      {
        store: target.store,
        clock,
        random,
        at: { now: clock.seconds(), millis: clock.millis() },
        eventId: random.id(clock.millis()),
      },
    )
  } finally {
    await target.admin.close()
  }
}

async function* later(lines: readonly string[]): AsyncGenerator<string> {
  for (const line of lines) yield await Promise.resolve(line)
}

export function standingClock(): TestClock {
  const real = createTestClock()
  let millis = real.millis()
  return {
    ...real,
    millis: () => millis,
    seconds: () => Math.floor(millis / 1000),
    advance(seconds) {
      millis += seconds * 1000
    },
  }
}

async function each<T>(count: number, make: () => Promise<T>): Promise<readonly T[]> {
  const made: T[] = []
  for (let index = 0; index < count; index += 1) made.push(await make())
  return made
}

async function codeOf(server: TestGatehouse, client: MadeClient, browser: Browser): Promise<string> {
  return (await authorize(server, browser, authorizeUrl(client), 'ada')).searchParams.get('code') ?? ''
}

type Given = Readonly<Record<string, unknown>>

async function refresh(server: TestGatehouse, client: MadeClient, token: string): Promise<Given> {
  return given(await tokenRequest(server, client, { grant_type: 'refresh_token', refresh_token: token }))
}

async function redeem(server: TestGatehouse, client: MadeClient, code: string): Promise<Given> {
  return given(await tokenRequest(server, client, { grant_type: 'authorization_code', code, code_verifier: verifier }))
}

function given(answer: Awaited<ReturnType<typeof tokenRequest>>): Given {
  if (answer.status !== 200) throw new Error(`no tokens: ${answer.status} ${answer.text}`)
  return answer.json()
}

const refreshToken = (tokens: Given): string => String(tokens['refresh_token'])
const accessToken = (tokens: Given): string => String(tokens['access_token'])

async function revoke(server: TestGatehouse, client: MadeClient, token: string): Promise<void> {
  await createBrowser(server.url).ask('/oauth/revoke', { form: { token }, headers: { authorization: client.basic } })
}

const assertionClient = {
  client_id: 'signing',
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: 'ES256',
  jwks: { keys: [{ ...pair.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' }] },
  grant_types: ['client_credentials'],
  scope: 'read',
}

function assertionFor(issuer: string, clock: TestClock): string {
  const now = clock.seconds()
  const jti = randomBytes(12).toString('hex')
  const claims = { iss: 'signing', sub: 'signing', aud: issuer, iat: now, exp: now + 300, jti }
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const input = `${part({ alg: 'ES256', kid: 'k1', typ: 'client-authentication+jwt' })}.${part(claims)}`
  return `${input}.${sign('sha256', Buffer.from(input), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

/** Whether the assertion gets a token. */
export async function used(server: TestGatehouse, assertion: string): Promise<boolean> {
  const answer = await createBrowser(server.url).ask('/oauth/token', {
    form: {
      grant_type: 'client_credentials',
      scope: 'read',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    },
  })
  return answer.status === 200
}
