import type { Client } from '../domain/client.ts'
import { ref } from '../domain/record.ts'
import { printClientMetadata, type ClientDocument } from '../protocol/client-metadata.ts'
import { listAll } from '../store/list-all.ts'
import { readAlive } from '../store/read-alive.ts'
import type { AccountsContext } from './context.ts'

/** A client that exists; a tombstone doesn't. */
export async function findClient(
  { clock, transition }: Pick<AccountsContext, 'clock' | 'transition'>,
  clientId: string,
): Promise<Client | undefined> {
  const client = await readAlive(transition.store, ref('client', clientId), clock.seconds())
  return client?.deletedAt === undefined ? client : undefined
}

/** Every client in the order of their ids, without tombstones. */
export async function* allClients({
  transition: { store },
}: Pick<AccountsContext, 'transition'>): AsyncGenerator<Client> {
  for await (const { value } of listAll(store, 'client', '*')) if (value.deletedAt === undefined) yield value
}

/** A page of clients in the order of their ids, without tombstones; so a page may hold fewer than `limit`. */
export async function listClients(
  { transition: { store } }: Pick<AccountsContext, 'transition'>,
  page: { readonly after?: string; readonly limit: number },
): Promise<{ readonly clients: readonly Client[]; readonly next: string | null }> {
  const found = await store.list('client', '*', page)
  const clients = found.records
    .map((record) => record.value as Client)
    .filter((client) => client.deletedAt === undefined)
  return { clients, next: found.next }
}

/** A client in RFC 7591 names, for people who administer: no secret, nor its hash. */
export function printClient(client: Client): ClientDocument {
  return {
    ...printClientMetadata(client),
    client_id_issued_at: client.createdAt,
    managed_by: client.managedBy,
    disabled: client.disabled,
    epoch: client.epoch,
  }
}
