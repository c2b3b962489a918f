import { epochOf } from '../domain/epoch.ts'
import type { StoredRecord } from '../domain/record.ts'
import type { AccessTokenFormat } from '../domain/resource.ts'
import type { User } from '../domain/user.ts'
import { printScope } from '../protocol/scope.ts'
import { clockTolerance, type EpochSeconds } from '../protocol/time.ts'
import type { Directory } from '../store/directory.ts'
import { mintedClientId } from './minted-client.ts'

/** A token that nobody signed in for, in the names of the REST API. */
export type ShownToken = {
  readonly grant_id: string
  readonly name: string | null
  /** null: made before formats were noted. */
  readonly format: AccessTokenFormat | null
  readonly scope: string
  readonly resource: string | null
  readonly created_at: EpochSeconds
  readonly expires_at: EpochSeconds
}

/** A grant as the token that was made with it; nothing if it is no such token of this account, or doesn't hold any more. */
export async function showToken(
  directory: Directory,
  user: User,
  record: StoredRecord<'grant'>,
): Promise<ShownToken | undefined> {
  const found = record.value
  const ours = found.userId === user.userId && found.clientId === mintedClientId
  const client = await directory.client(mintedClientId)
  if (!ours || found.revokedAt !== undefined || client === undefined || client.disabled) return undefined
  if (found.epoch !== epochOf(await directory.instance(), user, client)) return undefined
  return {
    grant_id: record.id,
    name: found.deviceName ?? null,
    format: found.minted ?? null,
    scope: printScope(found.scope),
    resource: found.resources[0] ?? null,
    created_at: found.createdAt,
    expires_at: (record.expiresAt ?? found.createdAt) - clockTolerance,
  }
}
