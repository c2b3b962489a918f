import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Outcome } from '../load/main.ts'

/**
 * What a rotation can't be cheaper than on this store: a row of a grant's size replaced by its key, durable, in groups as large as
 * our commits are under load. No HTTP, no token, no audit event. Arguments: directory, seconds to warm up, seconds to measure.
 */
const [directory = '', warmup = '1', seconds = '10'] = process.argv.slice(2)
const rows = 10_000
const group = 25
const bytes = 900

const db = new DatabaseSync(join(directory, 'raw.db'))
db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384')
db.exec('CREATE TABLE record (id TEXT PRIMARY KEY, version TEXT NOT NULL, value TEXT NOT NULL) STRICT')
const insert = db.prepare('INSERT INTO record VALUES (?, ?, ?)')
const update = db.prepare('UPDATE record SET version = ?, value = ? WHERE id = ?')
const idOf = (row: number): string => `grant-${String(row * 7_919).padStart(32, '0')}`

db.exec('BEGIN')
for (let row = 0; row < rows; row += 1) insert.run(idOf(row), '0', 'x'.repeat(bytes))
db.exec('COMMIT')

let count = 0
const updateFor = (millis: number): void => {
  for (const until = performance.now() + millis; performance.now() < until;) {
    db.exec('BEGIN IMMEDIATE')
    for (let left = group; left > 0; left -= 1) {
      const text = String((count += 1))
      update.run(text, text.padStart(bytes, 'x'), idOf((count * 31) % rows))
    }
    db.exec('COMMIT')
  }
}

updateFor(Number(warmup) * 1000)
const counted = count
const began = performance.now()
const before = process.cpuUsage()
updateFor(Number(seconds) * 1000)
const { user, system } = process.cpuUsage(before)
const flows = count - counted
const outcome: Outcome = {
  requests: 0,
  flows,
  seconds: (performance.now() - began) / 1000,
  p50: 0,
  p99: 0,
  serverCpuMicroseconds: user + system,
  serverRssBytes: process.memoryUsage.rss(),
}
process.stdout.write(JSON.stringify(outcome))
