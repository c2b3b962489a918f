import type { SqlAddress } from '../../src/config/sql-address.ts'
import { parseStoreAddress } from '../../src/config/store-address.ts'
import { createRandom } from '../../src/crypto/random.ts'
import type { OpenStore } from '../../src/store/port.ts'
import { openPostgresStore, type PostgresOptions } from '../../src/store/postgres/open-postgres-store.ts'
import { eventTtl, type Subject } from '../../src/store/suite/subject.ts'
import type { TestPostgres } from '../kit/postgres.ts'
import { runProcess } from './subjects.ts'

let made = 0

/** Every storage is a schema of its own on one server. */
export function postgresSubject(server: () => TestPostgres | undefined): Subject {
  return {
    shared: true,
    runProcess,
    // Every loss is a round trip; the two thousand are run by races.long.test.ts.
    raceTurns: 200,
    async create() {
      const running = server()
      if (running === undefined) throw new Error('no server')
      // Three processes of four connections each, and ours.
      const address = running.address(`suite_${process.pid}_${(made += 1)}`, 'connections=8')
      return { address, open: () => openTestPostgres(address), remove: async () => undefined }
    },
  }
}

export function openTestPostgres(address: string, options: Partial<PostgresOptions> = {}): Promise<OpenStore> {
  return openPostgresStore({
    address: addressOf(address),
    clock: { monotonic: () => performance.now() },
    random: createRandom(),
    eventTtl,
    ...options,
  })
}

export function addressOf(text: string): SqlAddress {
  const parsed = parseStoreAddress(text, (path) => path)
  if ('problem' in parsed || parsed.address.adapter !== 'postgres') throw new Error('no address of PostgreSQL')
  return parsed.address.sql
}
