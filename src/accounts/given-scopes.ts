import type { Deed } from '../domain/authority.ts'
import type { Client } from '../domain/client.ts'
import { countsForAccounts } from '../protocol/scope.ts'
import { listAll } from '../store/list-all.ts'
import type { AccountsContext } from './context.ts'

type Asking = Pick<Client, 'grantTypes' | 'scope'>

/** What writing a client gives it, as `authority` judges it. */
export type GivenScopes = (client: Asking) => Extract<Deed, { readonly do: 'write-client' }>

/** What everybody may ask for, or is let in by: as a scope of an account it would tell nobody apart. */
const everybodys: readonly string[] = ['openid', 'profile', 'email', 'roles', 'me', 'offline_access']

/**
 * Looks at every API first: which scopes people must hold somewhere. One that begins to ask for it in this very moment is as one
 * that does so afterwards: clients keep what they have, and whoever asks for it sees them. A client that administers for itself
 * gives accounts any scope that it has, whether an API asks for it yet or not, so of such a one all of them count.
 */
export async function findGivenScopes({
  transition: { store },
}: Pick<AccountsContext, 'transition'>): Promise<GivenScopes> {
  const held = new Set<string>()
  for await (const { value } of listAll(store, 'resource', '*'))
    for (const scope of value.heldScopes ?? []) held.add(scope)
  return ({ grantTypes, scope }) => {
    const counts = (one: string) =>
      held.has(one) || (scope.includes('admin') && countsForAccounts(one) && !everybodys.includes(one))
    return {
      do: 'write-client',
      given: scope,
      held: grantTypes.includes('client_credentials') ? scope.filter(counts) : [],
    }
  }
}
