import { once } from 'node:events'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { StoreRefused } from '../../src/store/refused.ts'
import { logDamage } from '../../src/store/sqlite/log-damage.ts'
import { exists, lease, putLease } from '../../src/store/suite/samples.ts'
import { createDice } from '../faults/ledger/dice.ts'
import { watchSyncs } from '../kit/watch-syncs.ts'
import { openTestStore, temporaryFolder } from './subjects.ts'

const commits = 8
const frameBytes = 24 + 4096

let folder: ReturnType<typeof temporaryFolder>
/** As a killed server leaves them. */
let file: Buffer
let log: Buffer
/** Where the last frame of each commit ends in the log. */
let ends: readonly number[]

beforeAll(async () => {
  folder = temporaryFolder()
  const path = join(folder.path, 'live.db')
  const { store, admin } = await openTestStore(path)
  for (let index = 0; index < commits; index += 1)
    await store.commit([putLease(`id-${index}`, 'x'.repeat(9_000), `v${index}`, { owners: ['o'] })])
  file = readFileSync(path)
  log = readFileSync(`${path}-wal`)
  await admin.close()
  ends = endsOf(log)
})
afterAll(() => folder.remove())

function endsOf(bytes: Buffer): number[] {
  const found: number[] = []
  for (let at = 32; at + frameBytes <= bytes.length; at += frameBytes)
    if (bytes.readUInt32BE(at + 4) > 0) found.push(at + frameBytes)
  return found
}

let made = 0
/** What a start makes of such a log: which of the records are there, or why not. */
async function started(bytes: Buffer): Promise<readonly number[] | string> {
  const path = join(folder.path, `${(made += 1)}.db`)
  writeFileSync(path, file, { mode: 0o600 })
  writeFileSync(`${path}-wal`, bytes, { mode: 0o600 })
  try {
    const { store, admin } = await openTestStore(path)
    const there: number[] = []
    for (let index = 0; index < commits; index += 1) if (await exists(store, lease(`id-${index}`))) there.push(index)
    await admin.close()
    return there
  } catch (error) {
    expect(error).toBeInstanceOf(StoreRefused)
    return (error as Error).message
  } finally {
    for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true })
  }
}

function flipped(at: number): Buffer {
  const bytes = Buffer.from(log)
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x40, at)
  return bytes
}

const all = Array.from({ length: commits }, (_, index) => index)

describe('FLT-07: a write-ahead log', () => {
  test('that is whole holds everything', async () => {
    expect(ends).toHaveLength(commits)
    expect(await started(log)).toEqual(all)
  })

  test('that is damaged before its last commit is refused at the start: SQLite would drop the rest in silence', async () => {
    const random = createDice('log')
    // Behind what is damaged two commits are whole, so that it can't be one that power was lost in.
    const last = ends.at(-3) ?? 0
    for (let round = 0; round < 40; round += 1) {
      const said = await started(flipped(32 + random.below(last - 32)))
      expect(said).toMatch(/is damaged \(frame \d+ of its write-ahead log\): restore the newest backup$/)
    }
  })

  test('whose header is damaged is refused, wherever', async () => {
    for (let at = 0; at < 32; at += 1)
      expect([at, await started(flipped(at))]).toEqual([at, expect.stringMatching(/damaged/)])
  })

  test('that ends in the middle of its last commit has lost that, and starts', async () => {
    const [from = 0, to = 0] = ends.slice(-2)
    for (const at of [from, from + 1, from + 24, to - 1]) expect(logDamageOf(log.subarray(0, at))).toBeUndefined()
    expect(await started(log.subarray(0, to - 1))).toEqual(all.slice(0, -1))
  })

  test('whose last commit is torn has lost that, and starts', async () => {
    const [from = 0] = ends.slice(-2)
    const torn = Buffer.from(log)
    torn.fill(0, from + 100, from + 600)
    expect(await started(torn)).toEqual(all.slice(0, -1))
  })

  test('that was begun anew ends where the older one goes on', async () => {
    const path = join(folder.path, 'anew.db')
    writeFileSync(path, file)
    writeFileSync(`${path}-wal`, log)
    const db = new DatabaseSync(path)
    db.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA wal_checkpoint(RESTART)')
    db.exec('PRAGMA user_version = 99')
    const copy = join(folder.path, 'anew-copy.db')
    for (const end of ['', '-wal']) copyFileSync(path + end, copy + end)
    db.close()
    const bytes = readFileSync(`${copy}-wal`)
    expect(bytes.subarray(16, 24)).not.toEqual(log.subarray(16, 24))
    expect(endsOf(bytes).length).toBeGreaterThan(2)
    expect(logDamageOf(bytes)).toBeUndefined()
    // Power that is lost while its header is written anew leaves the end of the older one, and nothing is lost by that.
    const older = Buffer.from(log)
    older.writeUInt32BE(older.readUInt32BE(12) + 1, 12)
    expect(logDamageOf(older)).toBeUndefined()
  })

  test('behind which lie the remains of a commit that failed isn’t damaged', () => {
    // The frames of two commits, each whole by itself, in the wrong order: nothing follows what came before.
    const [, second = 0, third = 0, fourth = 0] = ends
    const remains = Buffer.concat([log.subarray(0, second), log.subarray(third, fourth), log.subarray(second, third)])
    expect(logDamageOf(remains)).toBeUndefined()
  })

  test('that somebody writes to, and begins anew, meanwhile isn’t damaged', async () => {
    const path = join(folder.path, 'busy.db')
    const writer = new Worker(
      `const { workerData, parentPort } = require('node:worker_threads')
       const db = new (require('node:sqlite').DatabaseSync)(workerData)
       db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 20; CREATE TABLE t (a)')
       const insert = db.prepare('INSERT INTO t VALUES (randomblob(2000))')
       for (let times = 0; times < 4000; times += 1) { insert.run(); if (times === 5) parentPort.postMessage('goes on') }
       db.close()`,
      { eval: true, workerData: path },
    )
    const ended = once(writer, 'exit')
    await once(writer, 'message')
    let looks = 0
    for (let going = true; going; looks += 1) {
      expect(logDamage(`${path}-wal`)).toBeUndefined()
      await setImmediate()
      going = writer.threadId !== -1
    }
    await ended
    expect(looks).toBeGreaterThan(10)
  })

  test('that a killed process left is on the disk before anybody builds on it', async () => {
    const path = join(folder.path, 'killed.db')
    writeFileSync(path, file, { mode: 0o600 })
    writeFileSync(`${path}-wal`, log, { mode: 0o600 })
    const { synced, unwatch } = watchSyncs()
    try {
      const { admin } = await openTestStore(path)
      await admin.close()
    } finally {
      unwatch()
    }
    expect(synced()).toContain(`${path}-wal`)
  })

  test('that can’t be read isn’t taken for one that isn’t there', async () => {
    const path = join(folder.path, 'unread.db')
    writeFileSync(path, file, { mode: 0o600 })
    mkdirSync(`${path}-wal`)
    await expect(openTestStore(path)).rejects.toMatchObject({
      name: 'StoreRefused',
      message: expect.stringMatching(/^the write-ahead log of the store \S+ can't be read or synced \(EISDIR\b/),
    })
  })

  test('of a machine that stores its sums the other way round is read like any other', async () => {
    expect(await started(bigEndian(log))).toEqual(all)
    expect(logDamageOf(bigEndian(log))).toBeUndefined()
    const spoiled = bigEndian(log)
    spoiled.writeUInt8(spoiled.readUInt8(100) ^ 1, 100)
    expect(logDamageOf(spoiled)).toBe('frame 1 of its write-ahead log')
  })

  test('that isn’t there, or holds no frame, has lost nothing', () => {
    expect(logDamage(join(folder.path, 'nowhere-wal'))).toBeUndefined()
    expect(logDamageOf(log.subarray(0, 32))).toBeUndefined()
    expect(logDamageOf(Buffer.alloc(0))).toBeUndefined()
  })
})

/** The same log with the sums of a big-endian machine. */
function bigEndian(bytes: Buffer): Buffer {
  const turned = Buffer.from(bytes)
  turned.writeUInt32BE(0x377f0683, 0)
  let sums: readonly [number, number] = [0, 0]
  const add = (from: number, to: number): void => {
    let [one, two] = sums
    for (let at = from; at < to; at += 8) {
      one = (one + turned.readUInt32BE(at) + two) >>> 0
      two = (two + turned.readUInt32BE(at + 4) + one) >>> 0
    }
    sums = [one, two]
  }
  const write = (at: number): void => sums.forEach((sum, index) => turned.writeUInt32BE(sum, at + 4 * index))
  add(0, 24)
  write(24)
  for (let at = 32; at + frameBytes <= turned.length; at += frameBytes) {
    add(at, at + 8)
    add(at + 24, at + frameBytes)
    write(at + 16)
  }
  return turned
}

function logDamageOf(bytes: Buffer): string | undefined {
  const path = join(folder.path, 'some-wal')
  writeFileSync(path, bytes)
  return logDamage(path)
}
