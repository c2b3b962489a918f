import { ref } from '../domain/record.ts'
import type { Resource } from '../domain/resource.ts'
import { printScope } from '../protocol/scope.ts'
import { listAll } from '../store/list-all.ts'
import { readAlive } from '../store/read-alive.ts'
import type { AccountsContext } from './context.ts'

export function findResource(
  { clock, transition }: Pick<AccountsContext, 'clock' | 'transition'>,
  resource: string,
): Promise<Resource | undefined> {
  return readAlive(transition.store, ref('resource', resource), clock.seconds())
}

/** Every API in the order of their identifiers. */
export async function* allResources({
  transition: { store },
}: Pick<AccountsContext, 'transition'>): AsyncGenerator<Resource> {
  for await (const { value } of listAll(store, 'resource', '*')) yield value
}

/** A page of APIs in the order of their identifiers. */
export async function listResources(
  { transition: { store } }: Pick<AccountsContext, 'transition'>,
  page: { readonly after?: string; readonly limit: number },
): Promise<{ readonly resources: readonly Resource[]; readonly next: string | null }> {
  const found = await store.list('resource', '*', page)
  return { resources: found.records.map((record) => record.value as Resource), next: found.next }
}

/** An API in the names of the configuration file. */
export function printResource(resource: Resource): Readonly<Record<string, unknown>> {
  return {
    resource: resource.resource,
    ...(resource.name !== undefined && { resource_name: resource.name }),
    scope: printScope(resource.scope),
    ...(resource.heldScopes !== undefined && { held_scopes: resource.heldScopes }),
    ...(resource.scopeDescriptions !== undefined && { scope_descriptions: resource.scopeDescriptions }),
    access_token: resource.accessToken,
    introspection_clients: resource.introspectionClients,
    managed_by: resource.managedBy,
    disabled: resource.disabled,
    created_at: resource.createdAt,
  }
}
