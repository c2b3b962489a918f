import type { Client, ManagedBy } from '../domain/client.ts'
import type { ClientMetadata, FieldRefusal } from '../protocol/client-metadata.ts'
import { problem, type Problem } from '../protocol/problem.ts'
import { isReservedScope } from '../protocol/scope.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { withCredentials, type HeldCredentials } from './client-credentials.ts'

export type KnownMetadata = ClientMetadata & { readonly clientId: string }

/** The one client that reaches administration through the password grant. */
export const loopbackClientId = 'loopback'

/** The record of a client: what its metadata says, and what only the store knows. */
export function clientRecord(
  metadata: KnownMetadata,
  about: {
    readonly credentials: HeldCredentials
    readonly epoch: number
    readonly managedBy: ManagedBy
    readonly createdAt: EpochSeconds
    readonly updatedAt: EpochSeconds
  },
): Client {
  const { authentication: proof, ...rest } = metadata
  const { credentials, epoch, managedBy, createdAt, updatedAt } = about
  return {
    v: 1,
    ...rest,
    authentication: withCredentials(proof, credentials),
    disabled: false,
    epoch,
    managedBy,
    createdAt,
    updatedAt,
  }
}

/** Which field of its metadata may not be as it is. */
export function metadataProblem({ field, hint }: FieldRefusal): Problem {
  return problem('invalid_field', { field, ...(hint !== undefined && { detail: hint }) })
}

/** Why a client can't be as an administrator wants it, beyond what its metadata says by itself. */
export function clientProblem(metadata: KnownMetadata): Problem | undefined {
  const reserved = metadata.scope.find(isReservedScope)
  if (reserved === undefined || !metadata.grantTypes.includes('password')) return undefined
  if (metadata.clientId === loopbackClientId && metadata.loopbackOnly) return undefined
  return problem('invalid_field', {
    field: 'scope',
    detail: `scope names ${reserved}, which a client with the password grant may not hold; leave one of them out`,
  })
}

/** Whether the client may do less than before, or must prove itself otherwise: then what it holds must die. */
export function narrows(before: Client, after: Client): boolean {
  const lost = (had: readonly string[], has: readonly string[]): boolean => had.some((one) => !has.includes(one))
  return (
    lost(before.scope, after.scope) ||
    lost(before.grantTypes, after.grantTypes) ||
    lost(before.legacy, after.legacy) ||
    lost(before.redirectUris, after.redirectUris) ||
    (after.resources !== undefined && (before.resources === undefined || lost(before.resources, after.resources))) ||
    provenBy(before) !== provenBy(after) ||
    (after.loopbackOnly && !before.loopbackOnly) ||
    (after.requireSecondFactor === true && before.requireSecondFactor !== true) ||
    (after.disabled && !before.disabled)
  )
}

/** How it proves itself, as far as a weaker proof could hide behind it. */
function provenBy({ authentication: proof }: Client): string {
  if (proof.method !== 'http_message_signature') return proof.method
  return `${proof.method} ${'keys' in proof ? 'keys' : 'secret'} ${proof.requireOneTimeCode}`
}
