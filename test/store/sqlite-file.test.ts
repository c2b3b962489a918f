import { spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { breakCircuit } from '../../src/store/break-circuit.ts'
import { StoreRefused } from '../../src/store/refused.ts'
import { applicationId, migrate, migrations } from '../../src/store/sqlite/schema.ts'
import { prepareFile } from '../../src/store/sqlite/file.ts'
import { openConnection } from '../../src/store/sqlite/connection.ts'
import { event, exists, holderOf, lease, putLease, start } from '../../src/store/suite/samples.ts'
import { damageFile } from '../faults/damage.ts'
import { watchSyncs } from '../kit/watch-syncs.ts'
import { openTestStore, temporaryFolder } from './subjects.ts'

let folder: ReturnType<typeof temporaryFolder>
let path: string
beforeEach(() => {
  folder = temporaryFolder()
  path = join(folder.path, 'store.db')
})
afterEach(() => folder.remove())

async function fill(records = 3): Promise<void> {
  const { store, admin } = await openTestStore(path)
  for (let index = 0; index < records; index += 1) {
    await store.commit([putLease(`id-${index}`, 'x'.repeat(500), `v${index}`, { owners: ['o'] }), event(`e-${index}`)])
  }
  await admin.close()
}

async function refusal(): Promise<string> {
  const error: unknown = await openTestStore(path).then(
    async ({ admin }) => admin.close(),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(StoreRefused)
  const { message } = error as StoreRefused
  expect(message).toContain(path)
  expect(message).not.toContain('\n')
  return message
}

/** Change bytes of the file as a bad disk would. */
function overwrite(find: string, replacement: string): void {
  const at = readFileSync(path).indexOf(find)
  expect(at).toBeGreaterThan(0)
  const file = openSync(path, 'r+')
  writeSync(file, replacement, at)
  closeSync(file)
}

describe('a new store', () => {
  test('is readable by nobody else: file, log and the folder made for it', async () => {
    path = join(folder.path, 'made', 'for it', 'store.db')
    const { store, admin } = await openTestStore(path)
    await store.commit([event('e')])
    for (const name of [path, `${path}-wal`, `${path}-shm`])
      expect((statSync(name).mode & 0o777).toString(8)).toBe('600')
    for (const name of ['made', 'made/for it']) {
      expect((statSync(join(folder.path, name)).mode & 0o777).toString(8)).toBe('700')
    }
    await admin.close()
  })

  test('leaves a folder alone that was there before, and tightens a file', async () => {
    path = join(folder.path, 'shared', 'store.db')
    mkdirSync(join(folder.path, 'shared'), { mode: 0o755 })
    writeFileSync(path, '', { mode: 0o644 })
    await fill()
    expect((statSync(join(folder.path, 'shared')).mode & 0o777).toString(8)).toBe('755')
    expect((statSync(path).mode & 0o777).toString(8)).toBe('600')
  })

  test('its name, and that of each folder made for it, is on the disk before anything is promised', async () => {
    const [made, below] = [join(folder.path, 'made'), join(folder.path, 'made', 'for it')]
    path = join(below, 'store.db')
    const { synced, unwatch } = watchSyncs()
    try {
      prepareFile(path)
      // A name is in the folder above it.
      expect(synced()).toEqual(expect.arrayContaining([folder.path, made, below]))
      const before = synced().length
      const other = join(folder.path, 'other.db')
      prepareFile(other)
      expect(synced().slice(before)).toEqual([folder.path])
    } finally {
      unwatch()
    }
  })

  test('syncs its log at every commit', async () => {
    const db = openConnection(path, { readOnly: false })
    expect(db.prepare('PRAGMA synchronous').get()).toEqual([2])
    db.close()
  })

  test('where no file can be is refused in words', async () => {
    writeFileSync(join(folder.path, 'file'), '')
    path = join(folder.path, 'file', 'store.db')
    expect(await refusal()).toMatch(/can't be opened or created/)
  })

  // A process of its own: without the guard it never comes back.
  test.skipIf(!existsSync('/proc/self'))('where a new folder “isn’t there” is refused too', () => {
    const prepare = new URL('../../src/store/sqlite/file.ts', import.meta.url).pathname
    const program = `import { prepareFile } from '${prepare}'; prepareFile('/proc/gatehouse/data/store.db')`
    const ran = spawnSync(process.execPath, ['--input-type=module', '-e', program], { timeout: 10_000 })
    expect(ran).toMatchObject({ status: 1, signal: null })
    expect(String(ran.stderr)).toMatch(/can't be opened or created \(ENOENT.*name a place where/)
  })
})

describe('FLT-08: a file that is not ours is refused and left as it was', () => {
  test.each([
    ['no database', () => writeFileSync(path, 'Dear diary, '.repeat(100)), /no SQLite database/],
    ['an empty database of another program', () => foreign(''), /another program/],
    ['a database of another program', () => foreign('PRAGMA application_id = 77; CREATE TABLE t (a)'), /0x0000004d/],
    [
      'a database of another program in WAL mode',
      () => foreign('PRAGMA journal_mode = WAL; CREATE TABLE t (a)'),
      /another program/,
    ],
    [
      'a newer Gatehouse',
      () => ours(migrations.length + 1),
      /newer Gatehouse \(schema 2, this one knows 1\).*run the newer one/,
    ],
  ])('%s', async (_, make, message) => {
    make()
    const before = readFileSync(path)
    expect(await refusal()).toMatch(message)
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  function foreign(sql: string): void {
    const db = new DatabaseSync(path)
    db.exec(`${sql}; CREATE TABLE theirs (a); PRAGMA user_version = 1`)
    db.close()
  }

  function ours(version: number): void {
    const db = new DatabaseSync(path)
    db.exec(`PRAGMA application_id = ${applicationId}; CREATE TABLE record (a); PRAGMA user_version = ${version}`)
    db.close()
  }
})

/** How many files are damaged, each in one place. */
const damaged = Number(process.env['GATEHOUSE_DAMAGED'] ?? 20)

describe('FLT-07: damage', () => {
  test('of the first page is refused at the start', async () => {
    await fill()
    const file = openSync(path, 'r+')
    writeSync(file, Buffer.alloc(64), 0, 64, 0)
    closeSync(file)
    expect(await refusal()).toMatch(/first page is damaged.*restore/)
  })

  test.each([
    ['the format of the schema', 47],
    ['the version of the schema', 63],
  ])('of %s in the header is refused at the start', async (_, at) => {
    await fill()
    const bytes = readFileSync(path)
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
    writeFileSync(path, bytes)
    expect(await refusal()).toMatch(/is damaged.*restore the newest backup/)
  })

  test('of a later page is refused at the start', async () => {
    await fill(200)
    const file = openSync(path, 'r+')
    for (let page = 1; page < statSync(path).size / 4096; page += 3)
      writeSync(file, Buffer.alloc(300, 0xa5), 0, 300, page * 4096)
    closeSync(file)
    expect(await refusal()).toMatch(/is damaged.*restore the newest backup/)
  })

  test('by cutting the file short is refused at the start', async () => {
    await fill(200)
    truncateSync(path, Math.floor(statSync(path).size / 8192) * 4096)
    expect(await refusal()).toMatch(/is damaged/)
  })

  test('of one byte inside a value, which SQLite does not see, is found when it is read, and by verify', async () => {
    const before = await openTestStore(path)
    await before.store.commit([putLease('a', 'revokedAt', 'v1', { owners: ['o'] }), putLease('b', 'fine', 'v2')])
    await before.admin.close()
    overwrite('revokedAt', 'revokedAu')
    const alarms: Error[] = []
    const { store, admin } = await openTestStore(path, { onDamage: (reason) => void alarms.push(reason) })
    await expect(store.read([lease('a')])).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'none' })
    await expect(store.list('lease', 'o', { limit: 9 })).rejects.toMatchObject({ name: 'StoreUnavailable' })
    expect(alarms).toHaveLength(2)
    expect(await holderOf(store, 'b')).toBe('fine')
    expect(await admin.verify()).toEqual(["the lease a isn't what was written"])
    await admin.close()
  })

  test('of one record keeps nobody from the others, however often somebody asks for it', async () => {
    const before = await openTestStore(path)
    await before.store.commit([putLease('a', 'revokedAt', 'v1', { owners: ['o'] }), putLease('b', 'fine', 'v2')])
    await before.admin.close()
    overwrite('revokedAt', 'revokedAu')
    let now = 0
    const { store: bare, admin } = await openTestStore(path)
    const store = breakCircuit(bare, { monotonic: () => now })
    for (let times = 0; times < 8; times += 1) {
      await expect(store.read([lease('a')])).rejects.toThrow(/isn't what was written/)
      now += 200
    }
    expect(await holderOf(store, 'b')).toBe('fine')
    await admin.close()
  })

  test.each([
    ['that would end now', 'UPDATE record SET expires_at = 1'],
    ['that would end later', 'UPDATE record SET expires_at = expires_at + 1'],
    ['that would never end', 'UPDATE record SET expires_at = NULL'],
    ['that says whose it is', "UPDATE record SET id = 'b' WHERE id = 'a'"],
  ])('of a record %s is found like that of its value', async (_, sql) => {
    const before = await openTestStore(path)
    await before.store.commit([putLease('a', 'ada', 'v1', { expiresAt: start })])
    await before.admin.close()
    const db = new DatabaseSync(path)
    db.exec(sql)
    db.close()
    const { store, admin } = await openTestStore(path)
    await expect(store.read([lease(sql.includes("'b'") ? 'b' : 'a')])).rejects.toThrow(/isn't what was written/)
    expect(await admin.verify()).toEqual([expect.stringMatching(/^the lease [ab] isn't what was written$/)])
    await admin.close()
  })

  test('of lists is found by verify', async () => {
    await fill()
    const db = new DatabaseSync(path)
    db.exec("DELETE FROM link WHERE id = 'id-0'; INSERT INTO link VALUES ('lease', 'thief', 'id-1')")
    db.close()
    const { admin } = await openTestStore(path)
    expect(await admin.verify()).toEqual([
      'the lease id-0 is missing in the list of o',
      "the list of thief names the lease id-1, which isn't thief's",
    ])
    await admin.close()
  })

  test(
    'of any place is refused at the start or when read, or changes no answer; what is lost without a word, verify finds',
    async () => {
      const { violations, seen } = await damageFile({ rounds: damaged, seed: 1 })
      expect(violations).toEqual([])
      for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0)
    },
    60_000 + 500 * damaged,
  )

  test('is not looked for by a command beside a server that has looked', async () => {
    await fill(200)
    const file = openSync(path, 'r+')
    writeSync(file, Buffer.alloc(300, 0xa5), 0, 300, statSync(path).size - 4096)
    closeSync(file)
    const { admin } = await openTestStore(path, { quickCheck: false })
    await admin.close()
  })
})

describe('the schema', () => {
  test('of an older file is brought up to date, step by step, with what is in it', async () => {
    await fill()
    const db = openConnection(path, { readOnly: false })
    const steps = [...migrations, 'ALTER TABLE event ADD COLUMN chain TEXT', 'CREATE INDEX event_at ON event (at)']
    migrate(db, path, steps)
    migrate(db, path, steps)
    expect(db.prepare('PRAGMA user_version').get()).toEqual([steps.length])
    expect(db.prepare('SELECT count(*), count(chain) FROM event').get()).toEqual([3, 0])
    db.close()
    expect(await refusal()).toMatch(/newer Gatehouse/)
  })

  test('stays as it was when a step fails', async () => {
    await fill()
    const db = openConnection(path, { readOnly: false })
    expect(() => migrate(db, path, [...migrations, 'CREATE TABLE half (a)', 'CREATE TABLE record (a)'])).toThrow(
      /already exists/,
    )
    db.close()
    const { store, admin } = await openTestStore(path)
    expect(await exists(store, lease('id-0'))).toBe(true)
    await admin.close()
  })

  test('is made once when several open a new file together', async () => {
    const opened = await Promise.all(Array.from({ length: 4 }, () => openTestStore(path)))
    await Promise.all(opened.map(({ store }, index) => store.commit([event(`e-${index}`)])))
    for (const { admin } of opened) await admin.close()
  })
})
