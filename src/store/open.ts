import { resolve } from 'node:path'
import type { Clock, Seconds } from '../protocol/time.ts'
import { parseStoreAddress, type StoreAddress } from '../config/store-address.ts'
import { breakCircuit } from './break-circuit.ts'
import { refuseNewer } from './refuse-newer.ts'
import type { OpenStore, WriterLink } from './port.ts'
import { StoreRefused } from './refused.ts'

export type OpenOptions = {
  readonly clock: Pick<Clock, 'monotonic'>
  readonly random: { readonly stamp: () => string }
  /** The store can't be trusted with another write: end the process with a failure. */
  readonly onFatal: (reason: Error) => void
  /** Something read was damaged; that one answer was refused. */
  readonly onDamage?: (reason: Error) => void
  /** How long events are kept. */
  readonly eventTtl?: Seconds
  /** Off only for short commands beside a server that has already looked. */
  readonly quickCheck?: boolean
  /** Make a store where there is none; so it is unless this is false. A file is always made. */
  readonly create?: boolean
  /** A server for as long as it is open: an embedded store takes one at a time. */
  readonly serves?: boolean
  /** The database was moved by a failover or a restore of its own and may lack its latest commits: fence it. Without this it is refused. */
  readonly onMoved?: (bare: OpenStore) => Promise<void>
  /** From here on another history is used than before: what is in memory may never have been. Called before anybody uses it. */
  readonly onNewOrigin?: () => void
  /** In a worker process: an embedded store is written by the process that this leads to. */
  readonly through?: WriterLink
}

/** Open the store that an address names (`sqlite:PATH`, `postgres://…`, `mysql://…`, `dynamodb://…`, `memory:`). An adapter is loaded only when it is used. */
export async function openStore(address: string | StoreAddress, options: OpenOptions): Promise<OpenStore> {
  const parsed = typeof address === 'string' ? parseStoreAddress(address, (path) => resolve(path)) : { address }
  if ('problem' in parsed) throw new StoreRefused(`the store address ${parsed.problem}`)
  const { onMoved } = options
  const guarded = { ...options, ...(onMoved && { onMoved: (bare: OpenStore) => onMoved(refusing(bare)) }) }
  const { store, admin } = await openAdapter(parsed.address, guarded)
  return refusing({ store: breakCircuit(store, options.clock), admin })
}

function refusing({ store, admin }: OpenStore): OpenStore {
  return { store: refuseNewer(store), admin }
}

async function openAdapter(address: StoreAddress, options: OpenOptions): Promise<OpenStore> {
  switch (address.adapter) {
    case 'memory': {
      const { openMemoryStore } = await import('./memory.ts')
      return openMemoryStore(options)
    }
    case 'sqlite': {
      const { openSqliteStore } = await import('./sqlite/open-sqlite-store.ts')
      return openSqliteStore({ ...options, path: address.path })
    }
    case 'postgres': {
      const { openPostgresStore } = await import('./postgres/open-postgres-store.ts')
      return openPostgresStore({ ...options, address: address.sql })
    }
    case 'mysql': {
      const { openMysqlStore } = await import('./mysql/open-mysql-store.ts')
      return openMysqlStore({ ...options, address: address.sql })
    }
    case 'dynamodb': {
      const { openDynamodbStore } = await import('./dynamodb/open-dynamodb-store.ts')
      return openDynamodbStore({ ...options, address: address.dynamodb })
    }
  }
}
