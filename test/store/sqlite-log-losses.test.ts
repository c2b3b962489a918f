import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { logDamage } from '../../src/store/sqlite/log-damage.ts'
import { createDice, type Dice } from '../faults/ledger/dice.ts'

// What honest disks leave when power is lost is never taken for damage: a server that is well must start. Each log is SQLite's own.

const steps = 40
const lossesPerCommit = 4
const pageSize = 512
const frameBytes = 24 + pageSize
/** What a disk writes whole or not at all. */
const sectorBytes = 512

let folder: string
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'gatehouse-log-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each([1, 2, 3, 4])('FLT-07: a log that power was lost in, whatever came before, isn’t damaged (%i)', (seed) => {
  const dice = createDice('log', seed)
  const subject = createSubject(dice, join(folder, `${seed}.db`))
  let lost = 0
  for (let step = 0; step < steps; step += 1) {
    const what = dice.below(20)
    if (what === 0) subject.rollBack()
    else if (what <= 3) subject.checkpoint(dice.pick(['PASSIVE', 'RESTART', 'TRUNCATE']))
    else if (what <= 5) subject.kill({ committed: what === 5 })
    else {
      const { before, after, frames } = subject.commit()
      for (let loss = 0; loss < lossesPerCommit; loss += 1) expect(damageOf(torn(before, after, dice))).toBeUndefined()
      expectFound(after.subarray(0, 32 + frames * frameBytes), dice)
      if (!dice.chance(1 / 6)) continue
      // It goes on from there, over what is left of the commit, with the same salts.
      subject.crash(torn(before, after, dice))
      lost += 1
    }
  }
  subject.close()
  expect(lost).toBeGreaterThan(0)
})

/** A flip behind which three commits and more are whole. */
function expectFound(log: Buffer, dice: Dice): void {
  const ends = commitsIn(log)
  const last = ends.at(-4)
  if (last === undefined) return
  const spoiled = Buffer.from(log)
  const at = 32 + dice.below(last - 32)
  spoiled.writeUInt8(spoiled.readUInt8(at) ^ (1 << dice.below(8)), at)
  expect(damageOf(spoiled)).toBe(`frame ${Math.floor((at - 32) / frameBytes) + 1} of its write-ahead log`)
}

/** Where each commit of a log ends that is whole. */
function commitsIn(log: Buffer): readonly number[] {
  const ends: number[] = []
  for (let at = 32; at < log.length; at += frameBytes) if (log.readUInt32BE(at + 4) > 0) ends.push(at + frameBytes)
  return ends
}

function damageOf(log: Buffer): string | undefined {
  const path = join(folder, 'some-wal')
  writeFileSync(path, log)
  return logDamage(path)
}

/** What is on the disk when power is lost in a commit: some of its sectors, in no order; a new header before all else (`syncHeader`). */
function torn(before: Buffer, after: Buffer, dice: Dice): Buffer {
  const begunAnew = before.compare(after, 0, 32, 0, Math.min(before.length, 32)) !== 0
  if (begunAnew && dice.chance(0.3)) return before.length < 32 ? after.subarray(0, dice.below(33)) : before
  const log = Buffer.alloc(before.length + dice.below(Math.max(0, after.length - before.length) + 1))
  before.copy(log)
  if (begunAnew) after.copy(log, 0, 0, 32)
  const written = dice.pick([1 / 2, 2 / 3, 8 / 9])
  for (let at = 0; at < log.length; at += sectorBytes)
    if (dice.chance(written)) after.copy(log, at, at, Math.min(at + sectorBytes, log.length))
  return log
}

/** The log before a commit and after it, and how many frames count then: behind them may be what is left of others. */
type Logs = { readonly before: Buffer; readonly after: Buffer; readonly frames: number }

/** A database whose commits have many sizes, some of them larger than its cache. */
function createSubject(dice: Dice, path: string) {
  let db = open()
  db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, a BLOB); CREATE TABLE n (n INTEGER); INSERT INTO n VALUES (0)')
  /** How many commits there must be. */
  let count = 0
  /** The log as it is on the disk for certain. */
  let synced = log()

  function open(): DatabaseSync {
    const opened = new DatabaseSync(path)
    // The disk is ours to play.
    opened.exec(`PRAGMA page_size = ${pageSize}; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF`)
    opened.exec(`PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = ${1 + dice.below(10)}`)
    return opened
  }

  function log(): Buffer {
    return existsSync(`${path}-wal`) ? readFileSync(`${path}-wal`) : Buffer.alloc(0)
  }

  function insert(mostBytes: number): void {
    db.prepare('INSERT INTO t (a) VALUES (?)').run(Buffer.alloc(dice.below(mostBytes), dice.below(256)))
  }

  function change(): void {
    db.exec('BEGIN')
    for (let rows = dice.pick([1, 1, 2, 3, 30]); rows > 0; rows -= 1) {
      if (dice.chance(1 / 4)) db.exec(`DELETE FROM t WHERE id % 7 = ${dice.below(7)}`)
      else insert(1_200)
      if (!dice.chance(1 / 10)) continue
      db.exec('SAVEPOINT s')
      insert(3_000)
      db.exec(dice.chance(1 / 2) ? 'ROLLBACK TO s; RELEASE s' : 'RELEASE s')
    }
    db.exec(`UPDATE n SET n = ${count + 1}`)
  }

  /** Another process goes on with this file and this log. */
  function goOn(file: Buffer, left: Buffer, counts: readonly number[]): void {
    db.close()
    rmSync(`${path}-shm`, { force: true })
    writeFileSync(path, file)
    writeFileSync(`${path}-wal`, left)
    // A start syncs what it finds (`prepareLog`).
    synced = left
    db = open()
    const row = db.prepare('SELECT n FROM n').get()
    expect(counts).toContain(row?.['n'])
    count = Number(row?.['n'])
  }

  return {
    close: () => db.close(),
    rollBack() {
      change()
      db.exec('ROLLBACK')
    },
    checkpoint(mode: string) {
      db.prepare(`PRAGMA wal_checkpoint(${mode})`).get()
      synced = log()
    },
    commit(): Logs {
      change()
      db.exec('COMMIT')
      count += 1
      const before = synced
      synced = log()
      return { before, after: synced, frames: Number(db.prepare('PRAGMA wal_checkpoint(NOOP)').get()?.['log']) }
    },
    /** In a transaction, or behind it, before it was synced. */
    kill({ committed }: { readonly committed: boolean }) {
      change()
      if (committed) db.exec('COMMIT')
      const [file, left] = [readFileSync(path), log()]
      if (!committed) db.exec('ROLLBACK')
      expect(damageOf(left)).toBeUndefined()
      goOn(file, left, [committed ? count + 1 : count])
    },
    crash(left: Buffer) {
      goOn(readFileSync(path), left, [count - 1, count])
    },
  }
}
