import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { makeDirectory } from '../sides/start.ts'
import { writtenBytesOf } from '../measure/process.ts'
import type { Engine } from './engine.ts'

/** Embedded: the server's own process and disk. Its syncs are counted by a library that is preloaded, if there is a C compiler. */
export function sqliteEngine(): Promise<Engine> {
  const directory = makeDirectory()
  const countFile = join(directory, 'fsyncs')
  const library = join(directory, 'count-fsync.so')
  writeFileSync(countFile, Buffer.alloc(8))
  const source = join(import.meta.dirname, '..', 'ours', 'count-fsync.c')
  execFileSync('cc', ['-O2', '-shared', '-fPIC', '-o', library, source, '-ldl'], { stdio: ['ignore', 2, 2] })
  const about = new DatabaseSync(':memory:').prepare('SELECT sqlite_version() AS version').get()
  return Promise.resolve({
    name: 'sqlite',
    title: `SQLite ${String(about?.['version'])}, WAL, synchronous=FULL`,
    environment: {
      GATEHOUSE_STORE: `sqlite:${join(directory, 'store.db')}`,
      LD_PRELOAD: library,
      BENCH_FSYNCS: countFile,
    },
    counters: async (pid) => ({
      cpuMicroseconds: 0,
      writtenBytes: writtenBytesOf(pid),
      fsyncs: Number(readFileSync(countFile).readBigInt64LE()),
      roundTrips: 0,
    }),
    openRaw: async () => {
      const db = new DatabaseSync(join(directory, 'raw.db'))
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
      db.exec('CREATE TABLE IF NOT EXISTS raw (id TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT')
      const put = db.prepare(
        'INSERT INTO raw (id, value) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value',
      )
      return {
        write: async (ids, value) => {
          db.exec('BEGIN IMMEDIATE')
          for (const id of ids) put.run(id, value)
          db.exec('COMMIT')
        },
        close: async () => db.close(),
      }
    },
    stop: async () => rmSync(directory, { recursive: true, force: true }),
  })
}
