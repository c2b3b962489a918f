import type { ConfiguredClient, ConfiguredResource } from '../config/config.ts'
import type { Client } from '../domain/client.ts'
import { bumpedEpoch } from '../domain/epoch.ts'
import type { EventType } from '../domain/event.ts'
import { put, ref, type Decision, type Ref, type Slot, type Write } from '../domain/record.ts'
import type { Resource } from '../domain/resource.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { sealsSecret } from '../protocol/client-authentication.ts'
import { sealClientSecret } from '../keys/client-secrets.ts'
import { listAll } from '../store/list-all.ts'
import { transition } from '../store/transition.ts'
import { clientSecretHash, isClientSecret } from '../tokens/client-secret.ts'
import { heldBy } from './client-credentials.ts'
import { canonical } from '../store/canonical.ts'
import { clientRecord, narrows } from './client-record.ts'
import type { AccountsContext } from './context.ts'
import { changeWrites } from './change-writes.ts'

export type FileEntries = {
  readonly clients: readonly ConfiguredClient[]
  readonly resources: readonly ConfiguredResource[]
}

/** What became of each entry, by id; what stayed as it was isn't told. */
export type FileChanges = {
  readonly created: readonly string[]
  readonly changed: readonly string[]
  readonly disabled: readonly string[]
}

type FileRefs = { readonly [client: `client ${string}`]: Ref<'client'> } & {
  readonly [resource: `resource ${string}`]: Ref<'resource'>
}

type Told = { readonly clientId: string } | { readonly target: string }

/**
 * Make the records say what the configuration file says: all of it in one commit, or (a problem per line) nothing. The same at
 * start and at every SIGHUP, and for several processes at once.
 */
export async function applyFileEntries(
  context: AccountsContext,
  entries: FileEntries,
): Promise<{ readonly done: FileChanges } | { readonly problems: readonly string[] }> {
  const { store } = context.transition
  const refs: Record<string, Ref> = {}
  const clientIds = new Set(entries.clients.map(({ metadata }) => metadata.clientId))
  const resourceIds = new Set(entries.resources.map(({ resource }) => resource))
  // What came from the file before and isn't in it now. A list may lag behind; the decision reads each record anew.
  for await (const { value } of listAll(store, 'client', '*'))
    if (value.managedBy === 'file') clientIds.add(value.clientId)
  for await (const { value } of listAll(store, 'resource', '*'))
    if (value.managedBy === 'file') resourceIds.add(value.resource)
  for (const id of clientIds) refs[`client ${id}`] = ref('client', id)
  for (const id of resourceIds) refs[`resource ${id}`] = ref('resource', id)
  if (Object.keys(refs).length === 0) return { done: { created: [], changed: [], disabled: [] } }

  const clients = await Promise.all(entries.clients.map((client) => sealed(context, client)))
  const nowMillis = context.clock.millis()
  return transition(
    context.transition,
    refs as FileRefs,
    (slots, now): Decision<{ done: FileChanges } | { problems: string[] }> => {
      const done = { created: [] as string[], changed: [] as string[], disabled: [] as string[] }
      const problems: string[] = []
      const writes: Write[] = []
      const tell = (type: EventType, told: Told, changed: Ref): void =>
        void writes.push(...changeWrites(context, { type, actor: 'file', ...told }, [changed])(now))

      const wantedClients = new Map(clients.map((client) => [client.metadata.clientId, client]))
      for (const clientId of clientIds) {
        const slot = slots[`client ${clientId}`]
        if (slot === undefined) continue
        const change = reconcileClient(slot, wantedClients.get(clientId), { now, nowMillis })
        if ('problem' in change) problems.push(change.problem)
        if (!('client' in change)) continue
        writes.push(put(slot, change.client, { expiresAt: null, owners: ['*'] }))
        tell(change.is === 'created' ? 'client.created' : 'client.changed', { clientId }, ref('client', clientId))
        done[change.is].push(clientId)
      }
      const wantedResources = new Map(entries.resources.map((resource) => [resource.resource, resource]))
      for (const id of resourceIds) {
        const slot = slots[`resource ${id}`]
        if (slot === undefined) continue
        const change = reconcileResource(slot, wantedResources.get(id), now)
        if ('problem' in change) problems.push(change.problem)
        if (!('resource' in change)) continue
        writes.push(put(slot, change.resource, { expiresAt: null, owners: ['*'] }))
        tell(change.is === 'created' ? 'resource.created' : 'resource.changed', { target: id }, ref('resource', id))
        done[change.is].push(id)
      }
      return problems.length > 0 ? { writes: [], result: { problems } } : { writes, result: { done } }
    },
  )
}

/** A client of the file, with its secret sealed where its method computes with it. */
type SealedClient = ConfiguredClient & { readonly sealedSecret?: string }

async function sealed(context: AccountsContext, client: ConfiguredClient): Promise<SealedClient> {
  const { metadata, secret } = client
  if (secret === undefined || !sealsSecret(metadata.authentication)) return client
  const protection = await context.protection()
  return { ...client, sealedSecret: sealClientSecret(protection, metadata.clientId, secret.reveal()) }
}

type Is = 'created' | 'changed' | 'disabled'

/** What becomes of one client: the entry of the file against the record of the store. */
export function reconcileClient(
  slot: Slot<'client'>,
  wanted: SealedClient | undefined,
  { now, nowMillis }: { readonly now: EpochSeconds; readonly nowMillis: number },
): { readonly is: Is; readonly client: Client } | { readonly is: 'unchanged' } | { readonly problem: string } {
  const stored = slot.value
  if (wanted === undefined) {
    if (stored === undefined || stored.managedBy !== 'file' || stored.disabled) return { is: 'unchanged' }
    return {
      is: 'disabled',
      client: { ...stored, disabled: true, epoch: bumpedEpoch(stored.epoch, nowMillis), updatedAt: now },
    }
  }
  const { clientId } = wanted.metadata
  if (stored?.deletedAt !== undefined) {
    return { problem: `client ${clientId} was deleted, and its id is never used again; choose another client_id` }
  }
  if (stored?.managedBy === 'administrator') {
    return { problem: `client ${clientId} was made by an administrator already; delete it or choose another client_id` }
  }
  const { method } = wanted.metadata.authentication
  // D13: where the secret is a MAC key, one request seen lets a chosen one be guessed.
  if (sealsSecret({ method }) && wanted.secret !== undefined && !isClientSecret(wanted.secret.reveal())) {
    return {
      problem: `client ${clientId} has a client_secret that Gatehouse didn't make, which ${method} needs; make one with: gatehouse key create --client-secret`,
    }
  }
  const hash = wanted.secret === undefined ? undefined : clientSecretHash(wanted.secret.reveal())
  const { sealedSecret } = wanted
  const kept =
    stored === undefined
      ? undefined
      : heldBy(stored).secrets.find(
          (secret) => secret.hash === hash && (secret.sealed !== undefined) === sealsSecret({ method }),
        )
  const made = clientRecord(wanted.metadata, {
    credentials: {
      secrets:
        hash === undefined
          ? []
          : [kept ?? { hash, createdAt: now, ...(sealedSecret !== undefined && { sealed: sealedSecret }) }],
    },
    epoch: stored?.epoch ?? 1,
    managedBy: 'file',
    createdAt: stored?.createdAt ?? now,
    updatedAt: stored?.updatedAt ?? now,
  })
  if (stored === undefined) return { is: 'created', client: made }
  if (canonical(stored) === canonical(made)) return { is: 'unchanged' }
  const epoch = narrows(stored, made) ? bumpedEpoch(stored.epoch, nowMillis) : stored.epoch
  return { is: 'changed', client: { ...made, epoch, updatedAt: now } }
}

/** What becomes of one API. Its tokens end with their lifetime, so there is no epoch to move. */
export function reconcileResource(
  slot: Slot<'resource'>,
  wanted: ConfiguredResource | undefined,
  now: EpochSeconds,
): { readonly is: Is; readonly resource: Resource } | { readonly is: 'unchanged' } | { readonly problem: string } {
  const stored = slot.value
  if (wanted === undefined) {
    if (stored === undefined || stored.managedBy !== 'file' || stored.disabled) return { is: 'unchanged' }
    return { is: 'disabled', resource: { ...stored, disabled: true, updatedAt: now } }
  }
  if (stored?.managedBy === 'administrator') {
    return {
      problem: `resource ${wanted.resource} was made by an administrator already; delete it or leave it out of the file`,
    }
  }
  const createdAt = stored?.createdAt ?? now
  const made: Resource = {
    v: 1,
    ...wanted,
    managedBy: 'file',
    disabled: false,
    createdAt,
    updatedAt: stored?.updatedAt ?? now,
  }
  if (stored === undefined) return { is: 'created', resource: made }
  return canonical(stored) === canonical(made)
    ? { is: 'unchanged' }
    : { is: 'changed', resource: { ...made, updatedAt: now } }
}
