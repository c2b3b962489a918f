import type { SecretHash } from '../domain/client.ts'
import { openClientSecret } from '../keys/client-secrets.ts'
import type { ClientAuthContext } from './context.ts'

/** Opened once for each record in memory, and forgotten with it. */
const opened = new WeakMap<SecretHash, Uint8Array>()

/** The secrets of a client that haven't expired, as bytes to compute with. */
export async function liveSecrets(
  context: Pick<ClientAuthContext, 'clock' | 'protection'>,
  clientId: string,
  secrets: readonly SecretHash[],
): Promise<readonly Uint8Array[]> {
  const now = context.clock.seconds()
  const protection = await context.protection()
  return secrets.flatMap((secret) => {
    if (secret.sealed === undefined || (secret.expiresAt !== undefined && secret.expiresAt <= now)) return []
    const known = opened.get(secret) ?? openClientSecret(protection, clientId, secret.sealed)
    opened.set(secret, known)
    return [known]
  })
}
