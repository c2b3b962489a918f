import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Answer } from '../kit/browser.ts'
import { codeFlow, tokenRequest } from '../kit/flow.ts'
import { createTestClock, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'

const graceSeconds = 10
let folder: string
let server: TestGatehouse
let client: MadeClient
let first: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-restart-'))
  server = await startGatehouse({
    store: { adapter: 'sqlite', path: join(folder, 'gatehouse.db') },
    clock: createTestClock(),
  })
  await server.makeUser('ada')
  client = await server.makeClient()
  first = (await codeFlow(server, client, 'ada')).tokens.refresh_token
})
afterEach(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

async function restart(): Promise<void> {
  await server.close()
  server = await startGatehouse({
    store: { adapter: 'sqlite', path: join(folder, 'gatehouse.db') },
    clock: server.clock,
    config: { issuer: server.url, listen: { host: '127.0.0.1', port: server.port } },
  })
}

function refresh(token: string): Promise<Answer> {
  return tokenRequest(server, client, { grant_type: 'refresh_token', refresh_token: token })
}

async function successorOf(token: string): Promise<string> {
  return String((await refresh(token)).json()['refresh_token'])
}

describe('C04: a refresh token after a restart', () => {
  test('whose successor was used is refused, and the family dies', async () => {
    const second = await successorOf(first)
    const third = await successorOf(second)
    await restart()
    expect((await refresh(first)).json()['error']).toBe('invalid_grant')
    expect((await refresh(third)).json()['error']).toBe('invalid_grant')
  })

  test('whose successor nobody used gets the same successor for ten seconds, counted from when the server was ready again', async () => {
    const second = await successorOf(first)
    server.clock.advance(3_600)
    await restart()
    server.clock.advance(graceSeconds - 2)
    expect(await successorOf(first)).toBe(second)
    expect((await refresh(second)).status).toBe(200)
  })

  test('is refused when the ten seconds are over, and the family dies', async () => {
    const second = await successorOf(first)
    server.clock.advance(3_600)
    await restart()
    server.clock.advance(graceSeconds + 1)
    expect((await refresh(first)).json()['error']).toBe('invalid_grant')
    expect((await refresh(second)).json()['error']).toBe('invalid_grant')
  })

  test('that is the newest works, however long the server was away', async () => {
    const second = await successorOf(first)
    server.clock.advance(24 * 3_600)
    await restart()
    server.clock.advance(3_600)
    expect((await refresh(second)).status).toBe(200)
  })
})
