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

/** Of each kind: a kind that outsiders can fill pushes out none of another, and none has fewer than when they shared one cache. */
const mostRecords = { instance: 1, client: 20_000, resource: 20_000, user: 20_000 } as const

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
  // By kind and then by id: to spell one name out of both for every lookup, and to hash it, costs more than the lookup.
  const caches = {
    instance: cacheOf('instance'),
    client: cacheOf('client'),
    resource: cacheOf('resource'),
    user: cacheOf('user'),
  }
  const loads = new Map<string, Loading>()
  let { cursor } = await admin.changes(undefined)
  const lease: Lease | undefined =
    admin.changesAre === 'polled'
      ? startLease({ ...options, poll: async () => forget(await admin.changes(cursor)) })
      : undefined

  function forget(changes: Changes): void {
    if (changes.forget === 'lost') {
      for (const cache of Object.values(caches)) cache.clear()
      for (const loading of loads.values()) loading.outdated = true
      loads.clear()
    } else forgetThese(changes.forget)
    cursor = changes.cursor
    options.onForget?.(changes.forget)
  }

  function forgetThese(changed: Exclude<Changes['forget'], 'lost'>): void {
    for (const { kind, id } of changed) {
      if (isCached(kind)) caches[kind].delete(id)
      const key = keyOf(kind, id)
      // What is being read now may be what was there before: it is good for those who asked before, and for nobody after.
      const loading = loads.get(key)
      if (loading !== undefined) loading.outdated = true
      loads.delete(key)
    }
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
    const cached = caches[kind].get(id)
    if (cached !== undefined) return alive(cached as StoredRecord<K>)
    const loading = loads.get(keyOf(kind, id)) ?? load(kind, id)
    return loading.promise.then((record) => alive(record as StoredRecord<K> | undefined))
  }

  function load(kind: CachedKind, id: string): Loading {
    const key = keyOf(kind, id)
    const loading: Loading = { outdated: false, promise: readOne() }
    loads.set(key, loading)
    return loading

    async function readOne(): Promise<StoredRecord | undefined> {
      try {
        const [record] = await store.read([ref(kind, id)])
        if (record === undefined) return undefined
        const kept = frozen(record)
        // Absence isn't kept: whoever makes up names would push out the real ones.
        if (!loading.outdated) caches[kind].set(id, kept)
        return kept
      } finally {
        if (loads.get(key) === loading) loads.delete(key)
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

function cacheOf(kind: CachedKind): LRUCache<string, StoredRecord> {
  return new LRUCache({ max: mostRecords[kind] })
}

function isCached(kind: Kind): kind is CachedKind {
  return Object.hasOwn(mostRecords, kind)
}

function keyOf(kind: Kind, id: string): string {
  return `${kind} ${id}`
}
