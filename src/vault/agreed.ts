import { consentId } from '../domain/consent.ts'
import type { Connection } from '../domain/connection.ts'
import { ref } from '../domain/record.ts'
import { readAlive } from '../store/read-alive.ts'
import type { VaultContext } from './context.ts'

/** The scope by which an account lets a client use what is kept for it of a provider. */
export function vaultScope(provider: string): string {
  return `vault:${provider}`
}

/**
 * Whether the owner stands behind this client's use of the connection, now (L14): a person by his consent to this client for this
 * provider; a client is its own; and of nobody's, whoever holds the handle decides. A handle outlives much, so that the client
 * has to be there still, and hold what it was let in by (A31).
 */
export async function agreed(
  context: Pick<VaultContext, 'transition' | 'directory' | 'clock'> & {
    readonly upstream: Pick<VaultContext['upstream'], 'providers'>
  },
  { owner, provider }: Pick<Connection, 'owner' | 'provider'>,
  clientId: string | undefined,
): Promise<boolean> {
  if (owner.kind === 'handle') return true
  if (clientId === undefined) return false
  const client = await context.directory.client(clientId)
  if (client === undefined || client.disabled) return false
  if (owner.kind === 'client') return owner.clientId === clientId && client.scope.includes('vault')
  // A site's own credential can do everything there: the operator names who may have it, and nobody else can.
  const entry = context.upstream.providers.get(provider)
  if (entry?.kind === 'site-login') return entry.credentialClients.includes(clientId)
  if (!client.scope.includes('vault') && !client.scope.includes(vaultScope(provider))) return false
  const { store } = context.transition
  const consent = await readAlive(store, ref('consent', consentId(owner.userId, clientId)), context.clock.seconds())
  const user = await context.directory.user(owner.userId)
  return consent !== undefined && consent.epoch === user?.epoch && consent.scope.includes(vaultScope(provider))
}
