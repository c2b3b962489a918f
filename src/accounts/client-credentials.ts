import { sealsSecret, usesSecret, type AuthenticationMethod } from '../protocol/client-metadata.ts'
import type { SecretHash } from '../domain/client.ts'
import { newClientSecret } from '../tokens/client-secret.ts'
import { sealClientSecret } from '../keys/client-secrets.ts'
import type { AccountsContext } from './context.ts'

/** A new secret and what stays of it. */
export type FreshSecret = { readonly secret: string; readonly kept: Omit<SecretHash, 'createdAt'> }

/** A secret for a client with this method; nothing for a method without one. Made before the decision, which is pure. */
export async function freshSecret(
  context: AccountsContext,
  { clientId, proof }: { readonly clientId: string; readonly proof: { readonly method: AuthenticationMethod } },
): Promise<FreshSecret | undefined> {
  if (!usesSecret(proof)) return undefined
  const { secret, hash } = newClientSecret(context.random)
  if (!sealsSecret(proof)) return { secret, kept: { hash } }
  return { secret, kept: { hash, sealed: sealClientSecret(await context.protection(), clientId, secret) } }
}

/** Those of its secrets that serve a client under this method: where one is computed with, it must be there itself. */
export function servingSecrets(
  secrets: readonly SecretHash[],
  proof: { readonly method: AuthenticationMethod },
): readonly SecretHash[] {
  if (sealsSecret(proof)) return secrets.filter(({ sealed }) => sealed !== undefined)
  // Nothing keeps a secret readable that only needs to be compared.
  return secrets.map(({ sealed: _unneeded, ...secret }) => secret)
}
