import type { OAuthProvider } from '../config/provider.ts'
import type { Client } from '../domain/client.ts'
import { isHeld, type Connection, type HeldConnection } from '../domain/connection.ts'
import { isRecalled } from '../domain/recall.ts'
import { refuse, type Refusal } from '../protocol/errors.ts'
import type { VaultContext } from './context.ts'
import { refusalOf } from './pick-up.ts'

export type Renewable = {
  readonly connection: HeldConnection
  readonly provider: OAuthProvider
  /** What its person is asked for again. */
  readonly scope: readonly string[]
  /** Through which it is used. */
  readonly client: Client | undefined
}

/** What a renewal of a connection goes by, or why its person can't consent anew. Whoever asks has found out that it is his to do. */
export async function renewable(
  {
    directory,
    upstream,
  }: Pick<VaultContext, 'directory'> & { readonly upstream: Pick<VaultContext['upstream'], 'providers'> },
  connection: Connection,
  clientId: string | undefined,
): Promise<Renewable | Refusal> {
  const client = clientId === undefined ? undefined : await directory.client(clientId)
  const isGone = client === undefined || client.disabled || !client.scope.includes('vault')
  if (clientId !== undefined && isGone) return refuse('unauthorized_client', 'scope_not_allowed')
  if (!isHeld(connection)) return refusalOf({ outcome: connection.state })
  if (isRecalled(await directory.instance(), connection)) return refusalOf({ outcome: 'revoked' })
  if (connection.confirmation !== undefined) return refusalOf({ outcome: 'pending' })
  const provider = upstream.providers.get(connection.provider)
  if (provider === undefined || provider.kind === 'site-login') return noProvider
  // L23: the account is what tells a renewed connection from another one.
  if (connection.account === '')
    return refuse('invalid_request', 'connection_nobodys', 'this provider says nobody’s id: start a new connection')
  // Where nobody wrote it down: what a start of today asks for, which holds what refreshes need, and what it has.
  const scope = connection.asked ?? [...new Set([...provider.connectScope, ...connection.scope])]
  return { connection, provider, scope, client }
}

export const noProvider = refuse('invalid_request', 'provider_unknown', 'provider names none that can be connected to')
