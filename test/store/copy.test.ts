import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createRandom } from '../../src/crypto/random.ts'
import { kinds } from '../../src/domain/fence.ts'
import type { StoredRecord } from '../../src/domain/record.ts'
import { copyStore, type CopyReport } from '../../src/store/copy.ts'
import { ensureInstance } from '../../src/store/ensure-instance.ts'
import { beginIncoming } from '../../src/store/incoming.ts'
import { openMemoryStore } from '../../src/store/memory.ts'
import type { OpenStore } from '../../src/store/port.ts'
import { commitInParts, event, lease, start } from '../../src/store/suite/samples.ts'
import type { StampedWrite } from '../../src/store/port.ts'
import { openTestStore, temporaryFolder } from './subjects.ts'

const random = createRandom()
const clock = { seconds: () => start, millis: () => start * 1000, monotonic: () => performance.now() }
const folder = temporaryFolder()
let [from, to]: OpenStore[] = []

beforeEach(async () => {
  from = openMemoryStore()
  to = await openTestStore(join(folder.path, `${random.stamp()}.db`), { eventTtl: 400 * 86_400 })
  await ensureInstance(contextOf(from), { clock, random })
  await commitInParts(from.store, [
    ...Array.from({ length: 120 }, (_, index) => once(`id-${String(index).padStart(3, '0')}`, `v${index}`)),
    ...Array.from({ length: 90 }, (_, index) => event(random.id(start * 1000 + index))),
  ])
})
afterEach(async () => {
  await Promise.all([from?.admin.close(), to?.admin.close()])
})

const contextOf = ({ store }: OpenStore) => ({ store, clock, random })
const once = (id: string, version: string, expect: string | null = null): StampedWrite =>
  ({
    op: 'put',
    kind: 'name',
    id,
    expect,
    version,
    value: { v: 1, target: version },
    owners: [`o-${id}`, 'all'],
    expiresAt: null,
  }) as const

async function copy(): Promise<CopyReport> {
  return copyStore(at(from), at(to), contextOf(at(to)))
}

function at(store: OpenStore | undefined): OpenStore {
  if (store === undefined) throw new Error('no store')
  return store
}

async function everything({ admin }: OpenStore): Promise<readonly StoredRecord[]> {
  const found: StoredRecord[] = []
  for await (const record of admin.scan(...kinds.filter((kind) => kind !== 'lease'))) found.push(record)
  return found
}

describe('a copy of a store', () => {
  test('holds every record with version, lists and end, and says so by count and checksum', async () => {
    const report = await copy()
    expect(await everything(at(to))).toEqual(await everything(at(from)))
    expect(report.written).toBe(120 + 91 + 1)
    expect(report.kinds.find(({ kind }) => kind === 'name')).toMatchObject({ records: 120, same: true })
    expect(new Set(report.kinds.map(({ same }) => same))).toEqual(new Set([true]))
    expect((await at(to).store.list('name', 'all', { limit: 200 })).records).toHaveLength(120)
    expect(await at(to).admin.verify()).toEqual([])
  })

  test('run again writes only what changed, and takes away what is gone', async () => {
    await copy()
    await at(from).store.commit([
      once('id-005', 'new', 'v5'),
      once('id-more', 'more'),
      { op: 'delete', kind: 'name', id: 'id-007', expect: 'v7' },
      event('late'),
    ])
    expect((await copy()).written).toBe(4)
    expect(await everything(at(to))).toEqual(await everything(at(from)))
    expect((await copy()).written).toBe(0)
  })

  test('that breaks off goes on where it stopped, and until it is whole nobody serves it', async () => {
    let commits = 0
    const breaking: OpenStore = {
      ...at(to),
      store: {
        ...at(to).store,
        commit: async (writes) => {
          commits += 1
          if (commits > 4) throw new Error('unplugged')
          return at(to).store.commit(writes)
        },
      },
    }
    await expect(copyStore(at(from), breaking, contextOf(breaking))).rejects.toThrow('unplugged')
    await expect(ensureInstance(contextOf(at(to)), { clock, random })).rejects.toThrow(
      /being filled by gatehouse store copy/,
    )
    const { written, kinds: compared } = await copy()
    expect(written).toBeLessThan(212)
    expect(compared.every(({ same }) => same)).toBe(true)
    await expect(ensureInstance(contextOf(at(to)), { clock, random })).resolves.toMatchObject({ generation: 1 })
  })

  test('of a store that goes on meanwhile is not taken for whole', async () => {
    let scans = 0
    const moving: OpenStore = {
      ...at(from),
      admin: {
        ...at(from).admin,
        scan: (...asked) => {
          // Somebody writes after the names were copied, before they are compared.
          if (asked.includes('name') && (scans += 1) === 2) void at(from).store.commit([once('id-005', 'new', 'v5')])
          return at(from).admin.scan(...asked)
        },
      },
    }
    const report = await copyStore(moving, at(to), contextOf(at(to)))
    expect(report.kinds.filter(({ same }) => !same).map(({ kind }) => kind)).toEqual(['name'])
    expect(await at(to).store.read([{ kind: 'instance', id: 'self' }, lease('incoming')])).toMatchObject([
      undefined,
      { kind: 'lease' },
    ])
    expect((await copy()).kinds.every(({ same }) => same)).toBe(true)
  })

  test('is refused over another instance, and over one that was served since', async () => {
    const other = openMemoryStore()
    await ensureInstance(contextOf(other), { clock, random })
    await expect(copyStore(at(from), other, contextOf(other))).rejects.toThrow(/holds another instance/)
    await copy()
    const [instance] = await at(to).store.read([{ kind: 'instance', id: 'self' }])
    if (instance === undefined || !('instanceId' in instance.value)) throw new Error('no instance')
    const served = { ...instance.value, highWaterAt: start + 60 }
    await at(to).store.commit([
      {
        op: 'put',
        kind: 'instance',
        id: 'self',
        expect: instance.version,
        version: 'served',
        value: served,
        expiresAt: null,
      },
    ])
    await expect(copy()).rejects.toThrow(/has been served since/)
    await expect(copyStore(openMemoryStore(), at(to), contextOf(at(to)))).rejects.toThrow(/never served/)
  })

  test('is refused over one that a server was begun on, however short it was, and over the source itself by another name', async () => {
    await copy()
    await copy()
    await ensureInstance(contextOf(at(to)), { clock, random }, 'https://login.example')
    await expect(copy()).rejects.toThrow(/has been served since/)
    await ensureInstance(contextOf(at(from)), { clock, random }, 'https://login.example')
    await expect(copyStore(at(from), at(from), contextOf(at(from)))).rejects.toThrow(/has been served since/)
    expect(await at(from).store.read([lease('incoming')])).toEqual([undefined])
  })

  test('is not made of one that is only half there', async () => {
    await copy()
    await beginIncoming(contextOf(at(to)), 'store copy')
    const third = openMemoryStore()
    await expect(copyStore(at(to), third, contextOf(third))).rejects.toThrow(
      /is itself being filled by gatehouse store copy/,
    )
    expect(await everything(third)).toEqual([])
  })

  test('of a damaged record is never said to be the same', async () => {
    await copy()
    // Same version, other value: as if a byte had changed on the way.
    await at(to).store.commit([{ op: 'delete', kind: 'name', id: 'id-009', expect: 'v9' }])
    await at(to).store.commit([{ ...once('id-009', 'v9'), value: { v: 1, target: 'elsewhere' } } as StampedWrite])
    expect((await copy()).kinds.find(({ kind }) => kind === 'name')?.same).toBe(false)
  })
})
