import { isHeld, type Connection } from '../domain/connection.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { standingOf, type StandingContext } from './standing.ts'

/** A connection as those see it who administer: everything but its tokens. What it has none of yet, or no more, is null. */
export type ConnectionDocument = {
  readonly connection_id: string
  readonly provider: string
  /** Id of the account or the client whose it is; null: whoever holds the handle. */
  readonly owner: string | null
  readonly client_id: string | null
  readonly state: Connection['state']
  readonly account: string | null
  readonly scope: string | null
  readonly reason: string | null
  /** Why the last refresh came to nothing. */
  readonly failure: string | null
  readonly unsure: boolean
  readonly created_at: EpochSeconds
  readonly last_used_at: EpochSeconds | null
  readonly expires_at: EpochSeconds | null
}

export function printConnection(context: StandingContext, id: string, connection: Connection): ConnectionDocument {
  const { owner, provider, clientId, createdAt } = connection
  const { state, reason } = standingOf(context, connection)
  const held = isHeld(connection) && state !== 'revoked' ? connection : undefined
  return {
    connection_id: id,
    provider,
    owner: owner.kind === 'user' ? owner.userId : owner.kind === 'client' ? owner.clientId : null,
    client_id: clientId ?? null,
    state,
    account: held?.account ?? null,
    scope: held?.scope.join(' ') ?? null,
    reason: reason ?? null,
    failure: held?.failure?.why ?? null,
    unsure: held?.unsure ?? false,
    created_at: createdAt,
    last_used_at: held?.lastUsedAt ?? null,
    expires_at: held?.expiresAt ?? null,
  }
}
