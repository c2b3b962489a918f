import type { Deed } from '../domain/authority.ts'
import type { Client } from '../domain/client.ts'
import { listAll } from '../store/list-all.ts'
import type { AccountsContext } from './context.ts'

type Asking = Pick<Client, 'grantTypes' | 'scope'>

/** What writing a client gives it, as `authority` judges it. */
export type GivenScopes = (client: Asking) => Extract<Deed, { readonly do: 'write-client' }>

/**
 * Looks at every API first: which scopes people must hold somewhere. One that begins to ask for it in this very moment is as one
 * that does so afterwards: clients keep what they have, and whoever asks for it sees them.
 */
export async function findGivenScopes({
  transition: { store },
}: Pick<AccountsContext, 'transition'>): Promise<GivenScopes> {
  const held = new Set<string>()
  for await (const { value } of listAll(store, 'resource', '*'))
    for (const scope of value.heldScopes ?? []) held.add(scope)
  return ({ grantTypes, scope }) => ({
    do: 'write-client',
    given: scope,
    held: grantTypes.includes('client_credentials') ? scope.filter((one) => held.has(one)) : [],
  })
}
