import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fenceMoved } from '../../src/audit/fence-moved.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { lostKinds } from '../../src/domain/fence.ts'
import { ref, type Kind, type RecordValues, type StoredRecord } from '../../src/domain/record.ts'
import { ensureInstance } from '../../src/store/ensure-instance.ts'
import { fenceStore } from '../../src/store/fence-store.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import { start } from '../../src/store/suite/samples.ts'

// FLT-11: what the moved epoch doesn't reach is looked at one by one.

const random = createRandom()
const clock = { seconds: () => start, millis: () => start * 1000, monotonic: () => performance.now() }
const opened = openMemoryStore()
const context = { store: opened.store, clock, random }

beforeAll(async () => {
  await ensureInstance(context, { clock, random })
  const put = (kind: Kind, value: unknown) =>
    ({
      op: 'put',
      kind,
      id: 'one',
      expect: null,
      version: random.stamp(),
      value: value as RecordValues[Kind],
      owners: ['o'],
      expiresAt: start + 600,
    }) as const
  await opened.store.commit([
    put('consent', { v: 1, userId: 'u', clientId: 'c', scope: [], resources: [], claims: [], epoch: 1, givenAt: 1 }),
    put('interaction', { v: 1 }),
    put('flow', { v: 1 }),
    put('newcomer', { v: 1 }),
    put('ticket', { v: 1 }),
    put('factors', { v: 1, recoveryHashes: ['h'], authenticator: { lastStep: 1 } }),
    put('connection', { v: 1, state: 'active', sealed: 's', refreshable: true, edition: 3 }),
    put('edition', { v: 1, edition: 3 }),
    put('grant', { v: 1 }),
    put('once', { v: 1 }),
    put('user', { v: 1 }),
  ])
  await fenceStore(opened, { ...context, actor: 'cli' })
})
afterAll(() => opened.admin.close())

async function found(kind: Kind, id = 'one'): Promise<StoredRecord | undefined> {
  return (await opened.store.read([ref(kind, id)]))[0]
}

describe('a store that lost its latest commits and was fenced', () => {
  test('has another epoch and generation, says since when, and tells every memory', async () => {
    const instance = await found('instance', 'self')
    expect(instance?.value).toMatchObject({ generation: 2, epoch: start * 1000, restoredAt: start })
    const changes = await opened.store.list('change', '*', { limit: 10 })
    expect(changes.records.map(({ value }) => value)).toMatchObject([{ forget: ref('instance', 'self') }])
    const events: unknown[] = []
    for await (const { value } of opened.admin.scan('event')) events.push(value)
    expect(events).toContainEqual(expect.objectContaining({ type: 'instance.fenced', actor: 'cli' }))
  })

  test.each(['consent', 'interaction', 'flow', 'newcomer', 'ticket'] as const)('has no %s of before', async (kind) => {
    expect(await found(kind)).toBeUndefined()
  })

  test('asks for its connections anew, and takes no recovery code or code of an app of before', async () => {
    expect((await found('connection'))?.value).toMatchObject({ state: 'needs_reauth', reason: 'restored', sealed: '' })
    // L19: whatever was sealed by what was lost is older than what comes now, and than nothing else.
    for (const kind of ['connection', 'edition'] as const)
      expect((await found(kind))?.value).toMatchObject({ edition: start * 1000 })
    const factors = await found('factors')
    expect(factors?.value).toMatchObject({ recoveryHashes: [], authenticator: { lastStep: Math.floor(start / 30) } })
    expect(factors?.expiresAt).toBe(start + 600)
  })

  test('keeps what it can’t know better, and what the epoch ends', async () => {
    for (const kind of ['user', 'grant', 'once'] as const) expect(await found(kind)).toBeDefined()
    expect(lostKinds).toEqual([
      'factors',
      'consent',
      'interaction',
      'flow',
      'newcomer',
      'connection',
      'edition',
      'ticket',
    ])
  })
})

test('FLT-26: what a newer program wrote isn’t fenced by an older one, which can’t know what must go, and nobody takes it for fenced', async () => {
  const bare = openMemoryStore()
  await ensureInstance({ store: bare.store, clock, random }, { clock, random })
  const value = { v: 2, recoveryHashes: ['h'], moreCodes: ['h'] } as never
  const newer = { op: 'put', kind: 'factors', id: 'one', expect: null, version: random.stamp(), value } as const
  await bare.store.commit([{ ...newer, owners: ['o'], expiresAt: null }])
  await expect(fenceMoved(bare, { clock, random }, { sink: false })).rejects.toThrow('run the newer one')
  expect((await bare.store.read([ref('factors', 'one')]))[0]?.value).toEqual(value)
  await bare.admin.close()
})
