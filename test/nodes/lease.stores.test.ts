import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { quantile } from '../../bench/report/statistics.ts'
import { endServers, serve, type ServerProcess } from '../faults/ledger/server-process.ts'
import { freePort } from '../kit/free-port.ts'
import { noPostgres, startPostgres, type TestPostgres } from '../kit/postgres.ts'
import { startTcpProxy, type TcpProxy } from '../kit/tcp-proxy.ts'

// DESIGN §6.17: three nodes on one PostgreSQL, each a process of its own; the second one's network is ours to cut.

const changes = Number(process.env['GATEHOUSE_CHANGES'] ?? 8)
const adminPassword = 'three lanterns on one shore'
let folder: string
let postgres: TestPostgres | undefined
let proxy: TcpProxy | undefined
let nodes: readonly ServerProcess[] = []
let issuer: string

beforeAll(async () => {
  if (noPostgres !== undefined) return console.warn(`nodes on PostgreSQL are left out: ${noPostgres}`)
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-nodes-'))
  postgres = await startPostgres()
  proxy = await startTcpProxy(postgres.port)
  const ports = [await freePort(), await freePort(), await freePort()]
  issuer = `localhost:${ports[0]}`
  const store = postgres.address('nodes')
  const start = (index: number): Promise<ServerProcess> =>
    serve({
      dataDirectory: join(folder, String(index)),
      port: ports[index] ?? 0,
      environment: {
        GATEHOUSE_STORE: index === 1 ? store.replace(`:${postgres?.port}`, `:${proxy?.port}`) : store,
        GATEHOUSE_ISSUER: `http://${issuer}`,
        GATEHOUSE_SECRET: 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY',
        GATEHOUSE_ADMIN_PASSWORD: adminPassword,
      },
    })
  // Together, as an orchestrator would: one of them makes the tables, the keys and the first account.
  nodes = await Promise.all([start(0), start(1), start(2)])
})

afterAll(async () => {
  endServers()
  await Promise.all(nodes.map(({ exited }) => exited))
  await proxy?.close()
  await postgres?.stop()
  rmSync(folder, { recursive: true, force: true })
})

type Reply = { readonly status: number; readonly body: string; readonly retryAfter: string | null }

/** Status 0: no answer within the time. */
async function ask(index: number, path: string, init: RequestInit = {}, millis = 20_000): Promise<Reply> {
  const { request } = await import('node:http')
  return new Promise((resolve, reject) => {
    const headers = Object.fromEntries(new Headers(init.headers).entries())
    const sent = request(
      {
        host: '127.0.0.1',
        port: nodes[index]?.port,
        path,
        method: init.method ?? 'GET',
        headers: { ...headers, host: issuer },
        agent: false,
      },
      (response) => {
        let body = ''
        response.on('data', (chunk) => (body += String(chunk)))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body, retryAfter: response.headers['retry-after'] ?? null }),
        )
      },
    )
    sent.setTimeout(millis, () => sent.destroy(new Error('no answer')))
    sent.on('error', reject)
    sent.end(typeof init.body === 'string' ? init.body : undefined)
  })
}

const form = { 'content-type': 'application/x-www-form-urlencoded' }

function mint(index: number): Promise<Reply> {
  const body = new URLSearchParams({
    grant_type: 'password',
    client_id: 'loopback',
    username: 'admin',
    password: adminPassword,
    scope: 'openid admin',
  })
  return ask(index, '/oauth/token', { method: 'POST', headers: form, body: body.toString() })
}

async function token(index: number): Promise<string> {
  const { status, body } = await mint(index)
  expect(status, body).toBe(200)
  return (JSON.parse(body) as { access_token: string }).access_token
}

const bearer = (text: string): RequestInit => ({ headers: { authorization: `Bearer ${text}` } })
const whoAmI = (index: number, text: string): Promise<Reply> => ask(index, '/api/v1/me/session', bearer(text))

/** A macaroon of the account that a token is of. */
async function macaroon(index: number, text: string): Promise<string> {
  const me = JSON.parse((await whoAmI(index, text)).body) as { user_id: string }
  const { status, body } = await ask(index, `/api/v1/users/${me.user_id}/tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${text}`, 'content-type': 'application/json' },
    body: JSON.stringify({ format: 'macaroon' }),
  })
  expect(status, body).toBe(201)
  return (JSON.parse(body) as { token: string }).token
}

async function revokeAll(index: number, text: string): Promise<void> {
  const me = JSON.parse((await whoAmI(index, text)).body) as { user_id: string }
  const { status, body } = await ask(index, `/api/v1/users/${me.user_id}/revoke-tokens`, {
    method: 'POST',
    ...bearer(text),
  })
  expect(status, body).toBe(200)
}

/** Revoke at one after the other of these nodes, and see when each of them knows it. */
async function expectHeard(among: readonly number[], rounds: number): Promise<void> {
  const late: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const maker = among[round % among.length] ?? 0
    const text = await token(maker)
    // K16: a token of each kind, and everybody has it in memory.
    const both = [text, await macaroon(maker, text)]
    for (const one of both) for (const index of among) expect((await whoAmI(index, one)).status).toBe(200)
    await revokeAll(maker, text)
    for (const one of both) expect((await whoAmI(maker, one)).status).toBe(401)
    const others = among.filter((index) => index !== maker)
    late.push(...(await Promise.all(others.flatMap((index) => both.map((one) => untilRefused(index, one))))))
  }
  const p99 = quantile(late, 0.99)
  console.log(
    `a revocation was seen among ${among.length} nodes within ${Math.round(p99)} ms at p99, n = ${late.length}`,
  )
  expect(p99).toBeLessThan(1_000)
}

/** A node that was away for less than its lease believes what it knew before, until it has asked. */
async function untilItHeard(index: number): Promise<void> {
  const text = await token(0)
  for (let tried = 0; (await whoAmI(index, text)).status !== 200; tried += 1) {
    if (tried === 100) throw new Error(`node ${index} never heard what went on without it`)
    await pause(100)
  }
}

/** Milliseconds until a node no longer takes a token. */
async function untilRefused(index: number, text: string): Promise<number> {
  const since = performance.now()
  for (;;) {
    const { status } = await whoAmI(index, text)
    if (status === 401) return performance.now() - since
    if (performance.now() - since > 10_000) return Infinity
    await pause(10)
  }
}

describe.skipIf(noPostgres !== undefined)('three nodes on one store', () => {
  test('a token of one is good at all, and so is every key', async () => {
    for (const maker of [0, 1, 2]) {
      const text = await token(maker)
      for (const index of [0, 1, 2]) expect((await whoAmI(index, text)).status).toBe(200)
    }
    const keys = await Promise.all([0, 1, 2].map((index) => ask(index, '/.well-known/jwks.json')))
    expect(new Set(keys.map(({ body }) => body)).size).toBe(1)
  })

  test('a revocation counts at once where it was made, and within a second everywhere else', async () => {
    await expectHeard([0, 1, 2], changes)
  })

  test('and so it is between those who are left while one is frozen, or cut off', async () => {
    nodes[2]?.kill('SIGSTOP')
    try {
      await expectHeard([0, 1], Math.ceil(changes / 2))
    } finally {
      nodes[2]?.kill('SIGCONT')
    }
    await untilItHeard(2)
    proxy?.freeze()
    try {
      await expectHeard([0, 2], Math.ceil(changes / 2))
    } finally {
      proxy?.thaw()
    }
    await untilItHeard(1)
  })

  test('a node that reads well but hears of no change stops believing what is in its memory', async () => {
    const text = await token(0)
    const bound = await macaroon(0, text)
    for (const one of [text, bound]) expect((await whoAmI(1, one)).status).toBe(200)
    if (proxy === undefined) throw new Error('no proxy')
    // The name of the statement that asks for changes.
    proxy.watch = (sent) => (sent.includes('nodes_newest') ? 'swallow' : 'pass')
    await pause(100)
    await revokeAll(0, text)
    await pause(5_300)
    for (const one of [text, bound]) expect((await whoAmI(1, one)).status).toBe(503)
    expect((await mint(1)).status).toBe(503)
    proxy.watch = undefined
    for (const one of [text, bound]) expect(await untilRefused(1, one)).toBeLessThan(5_000)
  })

  test('FLT-15: a node that was frozen or cut off takes and makes nothing that it can’t vouch for, and mends by itself', async () => {
    const text = await token(0)
    const bound = await macaroon(0, text)
    for (const one of [text, bound]) for (const index of [0, 1, 2]) expect((await whoAmI(index, one)).status).toBe(200)
    const stopped = nodes[2]
    stopped?.kill('SIGSTOP')
    proxy?.freeze()
    const frozenAt = performance.now()
    await revokeAll(0, text)
    // Asked while it sleeps: it is answered by what it knew before, unless it knows better.
    const asleep = [text, bound].map((one) => whoAmI(2, one))
    const mintedAsleep = mint(2)
    await pause(5_600)

    expect(performance.now() - frozenAt).toBeGreaterThan(5_500)
    for (const one of [text, bound]) {
      const cut = await whoAmI(1, one)
      expect([cut.status, cut.retryAfter]).toEqual([503, expect.anything()])
    }
    expect((await mint(1)).status).toBe(503)
    // What needs no store goes on.
    expect((await ask(1, '/.well-known/jwks.json')).status).toBe(200)
    expect((await ask(1, '/.well-known/openid-configuration')).status).toBe(200)
    expect((await ask(1, '/healthz')).status).toBe(200)
    expect((await ask(1, '/readyz')).status).toBe(503)

    stopped?.kill('SIGCONT')
    for (const { status } of await Promise.all(asleep)) expect([401, 503]).toContain(status)
    expect([200, 503]).toContain((await mintedAsleep).status)
    proxy?.thaw()
    for (const one of [text, bound])
      for (const index of [1, 2]) expect(await untilRefused(index, one)).toBeLessThan(6_000)
    const next = await token(1)
    for (const index of [0, 1, 2]) expect((await whoAmI(index, next)).status).toBe(200)
  })
})
