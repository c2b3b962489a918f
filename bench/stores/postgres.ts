import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { startPostgres } from '../../test/kit/postgres.ts'
import { usageOf } from '../measure/process.ts'
import type { Engine } from './engine.ts'
import { startRoundTripCounter } from './round-trips.ts'

export async function postgresEngine(): Promise<Engine> {
  const postgres = await startPostgres()
  const counter = await startRoundTripCounter(postgres.port)
  const address = postgres.address('gatehouse')
  const client = new pg.Client({ connectionString: postgres.address('raw').replace(/\?.*/, '') })
  await client.connect()
  const ask = async (text: string): Promise<string> => {
    const { rows } = await client.query<string[]>({ text, rowMode: 'array' })
    return String(rows[0]?.[0])
  }
  const pid = Number(readFileSync(join(await ask('SHOW data_directory'), 'postmaster.pid'), 'utf8').split('\n', 1)[0])
  return {
    name: 'postgres',
    title: `PostgreSQL ${await ask('SHOW server_version')}, fsync on, synchronous_commit on, on the same machine`,
    environment: { GATEHOUSE_STORE: address.replace(`:${postgres.port}`, `:${counter.port}`) },
    counters: async () => ({
      cpuMicroseconds: usageOf(pid).cpuMicroseconds,
      writtenBytes: Number(
        await ask('SELECT sum(coalesce(write_bytes, 0) + coalesce(extend_bytes, 0)) FROM pg_stat_io'),
      ),
      fsyncs: Number(await ask('SELECT sum(coalesce(fsyncs, 0)) FROM pg_stat_io')),
      roundTrips: counter.count(),
    }),
    openRaw: async () => {
      await client.query(
        'CREATE TABLE IF NOT EXISTS raw (id text PRIMARY KEY, value text NOT NULL) WITH (fillfactor = 70)',
      )
      const text =
        'INSERT INTO raw (id, value) SELECT unnest($1::text[]), $2 ON CONFLICT (id) DO UPDATE SET value = excluded.value'
      return {
        write: async (ids, value) => void (await client.query({ name: 'raw', text, values: [ids, value] })),
        close: async () => undefined,
      }
    },
    stop: async () => {
      await client.end()
      await counter.close()
      await postgres.stop()
    },
  }
}
