import { describe, expect, test, vi } from 'vitest'
import { announce } from '../../src/domain/change.ts'
import { put, ref, type RecordValues, type Ref } from '../../src/domain/record.ts'
import { createDirectory, mostRecords } from '../../src/store/directory.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import { refuseNewer } from '../../src/store/refuse-newer.ts'
import type { Changes, OpenStore, Store } from '../../src/store/port.ts'
import { countingStamps, start } from '../../src/store/suite/samples.ts'
import { transition, type TransitionContext } from '../../src/store/transition.ts'
import { client, instance, user } from '../domain/fixtures.ts'
import { memorySubject, sqliteSubject } from './subjects.ts'

const clock = { seconds: () => start, monotonic: () => performance.now() }
let changes = 0

/** Write a record as a decision would: the write and its announcement in one commit. */
async function save(
  store: Store,
  target: Ref<'client' | 'user' | 'instance'>,
  value: RecordValues['client' | 'user' | 'instance'],
): Promise<void> {
  const context: TransitionContext = { store, clock, random: countingStamps(`save-${(changes += 1)}`) }
  await transition(context, { slot: target }, ({ slot }, now) => ({
    writes: [put(slot, value, { expiresAt: null, owners: ['*'] }), announce(`change-${changes}`, target, now)],
    result: undefined,
  }))
}

/** A store that counts reads, and holds them up while told so. */
function watched(store: Store) {
  let reads = 0
  let gate = Promise.resolve()
  return {
    reads: () => reads,
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      gate = promise
      return resolve
    },
    store: {
      ...store,
      read: async (refs) => {
        reads += 1
        const found = await store.read(refs)
        await gate
        return found
      },
    } satisfies Store,
  }
}

describe.each([
  ['memory', memorySubject],
  ['sqlite', sqliteSubject],
])('the directory on %s', (_, subject) => {
  test('answers from memory, at once, what it has read once', async () => {
    await withStore(async ({ store, admin }) => {
      await save(store, ref('client', 'app'), client)
      const { store: counted, reads } = watched(store)
      const directory = await createDirectory({ store: counted, admin, clock })
      const first = directory.client('app')
      expect(first).toBeInstanceOf(Promise)
      expect(await first).toEqual(client)
      for (let turn = 0; turn < 3; turn += 1) {
        expect(directory.client('app')).toEqual(client)
        await new Promise(setImmediate)
      }
      expect(reads()).toBe(1)
    })
  })

  test('forgets what a commit of this process changed before that commit is answered', async () => {
    await withStore(async ({ store, admin }) => {
      await save(store, ref('client', 'app'), client)
      await save(store, ref('user', 'usr_1'), user)
      const directory = await createDirectory({ store, admin, clock })
      await directory.client('app')
      await directory.user('usr_1')
      for (let epoch = 10; epoch < 20; epoch += 1) {
        // No turn of the event loop passes between answer and question.
        await save(store, ref('client', 'app'), { ...client, epoch })
        expect((await directory.client('app'))?.epoch).toBe(epoch)
      }
      expect(directory.user('usr_1')).toEqual(user)
    })
  })

  test('knows absence, and does not remember it', async () => {
    await withStore(async ({ store, admin }) => {
      const directory = await createDirectory({ store, admin, clock })
      expect(await directory.client('app')).toBeUndefined()
      expect(await directory.resource('https://api.example')).toBeUndefined()
      await expect(Promise.resolve().then(() => directory.instance())).rejects.toThrow(/no instance record/)
      await save(store, ref('client', 'app'), client)
      await save(store, ref('instance', 'self'), instance)
      expect(await directory.client('app')).toEqual(client)
      expect(await directory.instance()).toEqual(instance)
      expect(directory.instance()).toEqual(instance)
    })
  })

  async function withStore(use: (open: OpenStore) => Promise<void>): Promise<void> {
    const storage = await subject.create()
    const opened = await storage.open()
    try {
      await use(opened)
    } finally {
      await opened.admin.close()
      await storage.remove()
    }
  }
})

test('users that anybody can make push no client out of memory', async () => {
  const { store, admin } = openMemoryStore()
  await save(store, ref('client', 'app'), client)
  const read: Store['read'] = async (refs) => {
    const [one] = refs
    return one?.kind === 'user' ? [{ kind: 'user', id: one.id, version: 'v', value: user }] : store.read(refs)
  }
  const { store: counted, reads } = watched({ ...store, read })
  const directory = await createDirectory({ store: counted, admin, clock })
  await directory.client('app')
  const many = mostRecords + 1
  for (let made = 0; made < many; made += 1) await directory.user(`usr_${made}`)
  await directory.client('app')
  expect(reads()).toBe(1 + many)
})

test('another process is heard by the next turn', async () => {
  const storage = await sqliteSubject.create()
  const [ours, theirs] = [await storage.open(), await storage.open()]
  await save(ours.store, ref('user', 'usr_1'), user)
  const directory = await createDirectory({ ...ours, clock })
  await directory.user('usr_1')
  for (let epoch = 10; epoch < 20; epoch += 1) {
    await save(theirs.store, ref('user', 'usr_1'), { ...user, epoch })
    await new Promise(setImmediate)
    expect((await directory.user('usr_1'))?.epoch).toBe(epoch)
  }
  await ours.admin.close()
  await theirs.admin.close()
  await storage.remove()
})

describe('what is in memory', () => {
  test('cannot be changed by whoever asked', async () => {
    const { store, admin } = openMemoryStore()
    await save(store, ref('client', 'app'), client)
    const directory = await createDirectory({ store, admin, clock })
    const found = await directory.client('app')
    expect(Object.isFrozen(found) && Object.isFrozen(found?.scope) && Object.isFrozen(found?.authentication)).toBe(true)
  })

  test('is read once for all who ask at the same time', async () => {
    const { store, admin } = openMemoryStore()
    await save(store, ref('client', 'app'), client)
    const { store: counted, reads } = watched(store)
    const directory = await createDirectory({ store: counted, admin, clock })
    const found = await Promise.all(Array.from({ length: 10 }, async () => directory.client('app')))
    expect(found.every((one) => one === found[0])).toBe(true)
    expect(reads()).toBe(1)
  })

  test('is never what a read brought that began before the change, for those who ask after it', async () => {
    const { store, admin } = openMemoryStore()
    await save(store, ref('client', 'app'), client)
    const { store: slow, hold, reads } = watched(store)
    const directory = await createDirectory({ store: slow, admin, clock })
    const release = hold()
    const early = directory.client('app')
    await save(store, ref('client', 'app'), { ...client, epoch: 99 })
    const late = directory.client('app')
    release()
    expect((await late)?.epoch).toBe(99)
    expect((await early)?.epoch).toBe(client.epoch)
    expect(reads()).toBe(2)
  })

  test('is never what a read brings after its change was heard', async () => {
    const { store, admin } = openMemoryStore()
    await save(store, ref('client', 'app'), client)
    const { store: slow, hold } = watched(store)
    const directory = await createDirectory({ store: slow, admin, clock })
    const release = hold()
    const early = directory.client('app')
    await save(store, ref('client', 'app'), { ...client, epoch: 99 })
    // Somebody asks for something else: the change is heard while the old record is still on its way.
    const other = directory.user('usr_1')
    release()
    await Promise.all([early, other])
    expect((await directory.client('app'))?.epoch).toBe(99)
  })

  test('is forgotten altogether when the feed was lost', async () => {
    const { store, admin } = openMemoryStore()
    await save(store, ref('client', 'app'), client)
    await save(store, ref('user', 'usr_1'), user)
    let answer: Changes = { cursor: '1', forget: [] }
    const { store: counted, reads } = watched(store)
    const directory = await createDirectory({ store: counted, admin: { ...admin, changes: () => answer }, clock })
    await directory.client('app')
    await directory.user('usr_1')
    answer = { cursor: '2', forget: 'lost' }
    await directory.client('app')
    await directory.user('usr_1')
    expect(reads()).toBe(4)
  })

  test('is not what was on its way when the feed was lost', async () => {
    const { store, admin } = openMemoryStore()
    await save(store, ref('client', 'app'), client)
    let answer: Changes = { cursor: '1', forget: [] }
    const { store: slow, hold } = watched(store)
    const directory = await createDirectory({ store: slow, admin: { ...admin, changes: () => answer }, clock })
    const release = hold()
    const early = directory.client('app')
    await save(store, ref('client', 'app'), { ...client, epoch: 99 })
    answer = { cursor: '2', forget: 'lost' }
    const late = directory.client('app')
    release()
    await early
    expect((await late)?.epoch).toBe(99)
    expect((await directory.client('app'))?.epoch).toBe(99)
  })

  test('expires with its record', async () => {
    const { store, admin } = openMemoryStore()
    let now = start
    const write = {
      op: 'put',
      ...ref('client', 'app'),
      expect: null,
      value: client,
      owners: [],
      version: 'v1',
    } as const
    await store.commit([{ ...write, expiresAt: start + 10 }])
    const directory = await createDirectory({ store, admin, clock: { ...clock, seconds: () => now } })
    now = start + 9
    expect(await directory.client('app')).toEqual(client)
    now = start + 10
    expect(await directory.client('app')).toBeUndefined()
  })

  test('of a version that we do not know is refused, every time', async () => {
    const { store, admin } = openMemoryStore()
    await save(store, ref('client', 'app'), { ...client, v: 2 } as unknown as typeof client)
    // As every store that `openStore` opens.
    const directory = await createDirectory({ store: refuseNewer(store), admin, clock })
    for (let time = 0; time < 2; time += 1) {
      await expect(Promise.resolve(directory.client('app'))).rejects.toMatchObject({ name: 'StoreUnavailable' })
    }
  })
})

describe('a polled store', () => {
  test('is trusted from before it was asked: whoever was frozen while it answered knows nothing of since', async () => {
    const { store, admin } = openMemoryStore()
    let time = 0
    const { promise, resolve } = Promise.withResolvers<void>()
    let asked = 0
    const changes = async (cursor: string | undefined): Promise<Changes> => {
      const answer = await admin.changes(cursor)
      if ((asked += 1) === 2) await promise
      return answer
    }
    const directory = await createDirectory({
      store,
      admin: { changes, changesAre: 'polled' },
      clock: { seconds: () => start, monotonic: () => time },
    })
    directory.assertFresh()
    time = 5_001
    resolve()
    await promise
    await new Promise((done) => setImmediate(done))
    expect(() => directory.assertFresh()).toThrow(/hasn't been seen for 5000 ms/)
    directory.close()
  })

  test('is trusted while its lease lasts, and refused afterwards', async () => {
    vi.useFakeTimers()
    try {
      const { store, admin } = openMemoryStore()
      await save(store, ref('client', 'app'), client)
      let time = 0
      let reachable = true
      let slow = (): Promise<void> => Promise.resolve()
      const changes = async (cursor: string | undefined): Promise<Changes> => {
        await slow()
        if (!reachable) throw new Error('unreachable')
        return admin.changes(cursor)
      }
      const pass = async (millis: number): Promise<void> => {
        for (let passed = 0; passed < millis; passed += 50) {
          time += 50
          await vi.advanceTimersByTimeAsync(50)
        }
      }
      const directory = await createDirectory({
        store,
        admin: { changes, changesAre: 'polled' },
        clock: { seconds: () => start, monotonic: () => time },
      })
      expect(await directory.client('app')).toEqual(client)
      await save(store, ref('client', 'app'), { ...client, epoch: 99 })
      // Not yet polled: this is what the lease bounds.
      expect(directory.client('app')).toEqual(client)
      await pass(300)
      expect((await directory.client('app'))?.epoch).toBe(99)

      reachable = false
      await pass(4_900)
      directory.assertFresh()
      expect((await directory.client('app'))?.epoch).toBe(99)
      await pass(500)
      expect(() => directory.client('app')).toThrow(/hasn't been seen for 5000 ms/)
      expect(() => directory.assertFresh()).toThrow(/out of date/)

      reachable = true
      await pass(300)
      expect((await directory.client('app'))?.epoch).toBe(99)

      // FLT-11: another history. A look that began before it counts for nothing, one that begins after it does.
      const looks: (() => void)[] = []
      slow = () => new Promise((resolve) => looks.push(resolve))
      await pass(300)
      directory.distrust()
      looks.splice(0).forEach((end) => end())
      await pass(50)
      expect(() => directory.assertFresh()).toThrow(/out of date/)
      expect(() => directory.client('app')).toThrow(/out of date/)
      slow = () => Promise.resolve()
      looks.forEach((end) => end())
      await pass(300)
      directory.assertFresh()
      expect((await directory.client('app'))?.epoch).toBe(99)
      directory.close()
      await pass(10_000)
      expect(() => directory.client('app')).toThrow(/out of date/)
    } finally {
      vi.useRealTimers()
    }
  })
})
