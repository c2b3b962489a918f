import { LRUCache } from 'lru-cache'
import type { Clock } from '../protocol/time.ts'
import type { Client } from '../domain/client.ts'
import type { Instance } from '../domain/instance.ts'
import { ref, type Kind, type RecordValues, type StoredRecord } from '../domain/record.ts'
import type { Resource } from '../domain/resource.ts'
import { underWrangler } from '../domain/under-wrangler.ts'
import type { User } from '../domain/user.ts'
import { frozen } from './frozen.ts'
import { startLease, type Later, type Lease } from './lease.ts'
import type { Changes, OpenStore } from './port.ts'
import { StoreUnavailable } from './unavailable.ts'

export type MaybePromise<T> = T | Promise<T>

/** The kinds kept in memory. Whoever changes one of them puts an `announce` into the same commit. */
export type CachedKind = 'instance' | 'client' | 'resource' | 'user'

/**
 * What every request needs to know, exact to the last commit: answered at once from memory when it is there, else read.
 * Values are frozen. Everything throws (or rejects with) StoreUnavailable when the store can't vouch for what is in memory.
 */
export type Directory = {
  readonly instance: () => MaybePromise<Instance>
  readonly client: (clientId: string) => MaybePromise<Client | undefined>
  readonly resource: (identifier: string) => MaybePromise<Resource | undefined>
  /** A bot as it stands under its wrangler now. */
  readonly user: (userId: string) => MaybePromise<User | undefined>
  /** Throws StoreUnavailable unless what was looked up a moment ago may still be relied on: asked again before an answer leaves. */
  readonly assertFresh: () => void
  /** Forget what this process itself changed, ahead of the next poll. */
  readonly forget: (changed: Exclude<Changes['forget'], 'lost'>) => void
  /** The store is another one than it was (FLT-11): nothing counts, of a request under way either, until it was asked anew. */
  readonly distrust: () => void
  readonly close: () => void
}

type Loading = { readonly promise: Promise<StoredRecord | undefined>; outdated: boolean }

/** What is in memory of a kind, and what is on its way there, by id. */
type Cache = { readonly records: LRUCache<string, StoredRecord>; readonly loads: Map<string, Loading> }

/** Of one kind. */
export const mostRecords = 20_000

/** Caches over a store, exact: on an embedded store by asking it first, elsewhere under a lease. */
export async function createDirectory(options: {
  readonly store: OpenStore['store']
  readonly admin: Pick<OpenStore['admin'], 'changes' | 'changesAre'>
  readonly clock: Pick<Clock, 'seconds' | 'monotonic'>
  readonly pollMillis?: number
  readonly leaseMillis?: number
  readonly later?: Later
  /** For what else is kept in memory by other parts (keys). */
  readonly onForget?: (forget: Changes['forget']) => void
}): Promise<Directory> {
  const { store, admin, clock } = options
  // By kind: one that outsiders can fill pushes out none of another.
  const caches: Readonly<Record<CachedKind, Cache>> = {
    instance: createCache(1),
    client: createCache(mostRecords),
    resource: createCache(mostRecords),
    user: createCache(mostRecords),
  }
  const isCached = (kind: Kind): kind is CachedKind => Object.hasOwn(caches, kind)
  let { cursor } = await admin.changes(undefined)
  const lease: Lease | undefined =
    admin.changesAre === 'polled'
      ? startLease({ ...options, poll: async () => forget(await admin.changes(cursor)) })
      : undefined

  function forget(changes: Changes): void {
    if (changes.forget === 'lost') {
      for (const cache of Object.values(caches)) {
        cache.records.clear()
        for (const id of cache.loads.keys()) forgetOne(cache, id)
      }
    } else forgetThese(changes.forget)
    cursor = changes.cursor
    options.onForget?.(changes.forget)
  }

  function forgetThese(changed: Exclude<Changes['forget'], 'lost'>): void {
    for (const { kind, id } of changed) if (isCached(kind)) forgetOne(caches[kind], id)
  }

  /** Forget what changed. Synchronous but for an embedded store that is locked just now. */
  function refresh(): MaybePromise<void> {
    if (lease !== undefined) return lease.assert()
    const changes = admin.changes(cursor)
    if (changes instanceof Promise) return changes.then(forget)
    if (changes.cursor !== cursor) forget(changes)
    return undefined
  }

  function find<K extends CachedKind>(kind: K, id: string): MaybePromise<RecordValues[K] | undefined> {
    const refreshing = refresh()
    if (refreshing instanceof Promise) return refreshing.then(() => lookUp(kind, id))
    return lookUp(kind, id)
  }

  function findUser(userId: string): MaybePromise<User | undefined> {
    const found = find('user', userId)
    return found instanceof Promise ? found.then(standing) : standing(found)
  }

  function standing(user: User | undefined): MaybePromise<User | undefined> {
    if (user === undefined || !user.bot) return user
    const wrangler = user.wrangler === undefined ? undefined : find('user', user.wrangler)
    return wrangler instanceof Promise
      ? wrangler.then((known) => underWrangler(user, known))
      : underWrangler(user, wrangler)
  }

  function lookUp<K extends CachedKind>(kind: K, id: string): MaybePromise<RecordValues[K] | undefined> {
    const cached = caches[kind].records.get(id)
    if (cached !== undefined) return alive(cached as StoredRecord<K>)
    const loading = caches[kind].loads.get(id) ?? load(kind, id)
    return loading.promise.then((record) => alive(record as StoredRecord<K> | undefined))
  }

  function load(kind: CachedKind, id: string): Loading {
    const cache = caches[kind]
    const loading: Loading = { outdated: false, promise: readOne() }
    cache.loads.set(id, loading)
    return loading

    async function readOne(): Promise<StoredRecord | undefined> {
      try {
        const [record] = await store.read([ref(kind, id)])
        if (record === undefined) return undefined
        const kept = frozen(record)
        // Absence isn't kept: whoever makes up names would push out the real ones.
        if (!loading.outdated) cache.records.set(id, kept)
        return kept
      } finally {
        if (cache.loads.get(id) === loading) cache.loads.delete(id)
      }
    }
  }

  function alive<K extends CachedKind>(record: StoredRecord<K> | undefined): RecordValues[K] | undefined {
    if (record?.expiresAt !== undefined && record.expiresAt <= clock.seconds()) return undefined
    return record?.value
  }

  return {
    instance() {
      const found = find('instance', 'self')
      return found instanceof Promise ? found.then(required) : required(found)
    },
    client: (clientId) => find('client', clientId),
    resource: (identifier) => find('resource', identifier),
    user: findUser,
    assertFresh: () => lease?.assert(),
    forget: forgetThese,
    distrust: () => lease?.revoke(),
    close: () => lease?.end(),
  }
}

function required(instance: Instance | undefined): Instance {
  if (instance === undefined)
    throw new StoreUnavailable('the store has no instance record: start the server on it once', 'none')
  return instance
}

function forgetOne({ records, loads }: Cache, id: string): void {
  records.delete(id)
  // What is being read now may be what was there before: it is good for those who asked before, and for nobody after.
  const loading = loads.get(id)
  if (loading !== undefined) loading.outdated = true
  loads.delete(id)
}

function createCache(max: number): Cache {
  return { records: new LRUCache({ max }), loads: new Map() }
}
