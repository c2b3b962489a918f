import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Kind, StoredRecord } from '../../src/domain/record.ts'
import { restoreStore } from '../../src/store/restore.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import { claimsOf, codeFlow, introspect, tokenRequest, type Tokens } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import type { Browser } from '../kit/browser.ts'

let server: TestGatehouse
let app: MadeClient
let tokens: Tokens
let browser: Browser

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada')
  app = await server.makeClient()
  const flow = await codeFlow(server, app, 'ada')
  tokens = flow.tokens
  browser = flow.browser
})
afterAll(() => server.close())

const asks = {
  introspect: async () => {
    const form = { token: tokens.access_token }
    return browser.ask('/oauth/introspect', { form, headers: { authorization: app.basic } })
  },
  refresh: async () => tokenRequest(server, app, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }),
  account: async () => browser.ask('/account/access'),
} as const

describe('FLT-26: what a newer program wrote is refused by an older one, whoever reads it, and stays as it was', () => {
  test.each([
    ['grant', 'introspect'],
    ['grant', 'refresh'],
    ['grant', 'account'],
    ['user', 'introspect'],
    ['user', 'refresh'],
    ['user', 'account'],
    ['client', 'introspect'],
    ['client', 'refresh'],
    ['session', 'account'],
    ['consent', 'account'],
    ['instance', 'introspect'],
  ] as const)('a %s: %s', async (kind, ask) => {
    const before = await recordOf(kind)
    await replace(before, { ...before.value, v: 2, mustNot: 'be misread' })
    const answer = await asks[ask]()
    const kept = await rawValue(kind, before.id)
    await replace(before, before.value)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)])
    expect(kept).toMatchObject({ v: 2, mustNot: 'be misread' })
    expect((await introspect(server, app, tokens.access_token))['active']).toBe(true)
  })

  test('the log says why', () => {
    expect(server.logged()).toMatch(/a grant of version 2, which this program doesn't know: run the newer one/)
  })

  test('a backup with such a record is not restored: what it means could not be fenced', async () => {
    const target = openMemoryStore()
    const { clock } = server
    const context = { store: target.store, clock, random: server.core.random, eventId: 'e' }
    const at = { now: clock.seconds(), millis: clock.millis() }
    const head = { format: 'gatehouse-backup', v: 1, backup_id: 'b', instance_id: 'i' } as never
    async function* records(): AsyncGenerator<never> {
      yield { kind: 'grant', id: 'g', version: 's', owners: [], value: { v: 2 } } as never
    }
    await expect(restoreStore(target, { head, records }, { ...context, at })).rejects.toThrow(
      /a grant of a newer Gatehouse: restore it with that one/,
    )
    const left = []
    for await (const record of target.admin.scan('grant', 'lease')) left.push(record)
    expect(left).toEqual([])
  })
})

/** The one that Ada's tokens hang on. */
async function recordOf(kind: Kind): Promise<StoredRecord> {
  const claims = claimsOf(tokens.access_token)
  for await (const record of server.core.admin.scan(kind)) {
    const named: Partial<Record<Kind, unknown>> = { grant: claims['gid'], user: claims['sub'], client: 'app' }
    if (named[kind] === undefined || named[kind] === record.id) return record
  }
  throw new Error(`no ${kind}`)
}

async function rawValue(kind: Kind, id: string): Promise<unknown> {
  for await (const record of server.core.admin.scan(kind)) if (record.id === id) return record.value
  return undefined
}

/** As a newer program on the same store would, which announces what others keep in memory. */
async function replace({ kind, id, expiresAt }: StoredRecord, value: object): Promise<void> {
  const { store, recent, random } = server.core.transition
  let expect: string | null = null
  for await (const record of server.core.admin.scan(kind)) if (record.id === id) expect = record.version
  const put = { op: 'put', kind, id, expect, version: random.stamp(), expiresAt: expiresAt ?? null } as const
  if ((await store.commit([{ ...put, value: value as never }])) !== 'committed') throw new Error('not replaced')
  recent?.forget({ kind, id })
  server.core.directory.forget([{ kind, id }])
}
