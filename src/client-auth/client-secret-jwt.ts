import { verifySecretAssertion, type VerifiedAssertion } from '../crypto/assertion-jws.ts'
import type { JwsRefusal } from '../crypto/jws.ts'
import type { Client } from '../domain/client.ts'
import type { ClientAuthContext } from './context.ts'
import { liveSecrets } from './live-secrets.ts'

/** The proof of `client_secret_jwt`: HS256 with the client's secret, which never travels. Undefined: it has another method. */
export async function verifyClientSecretJwt(
  context: Pick<ClientAuthContext, 'clock' | 'protection'>,
  client: Client,
  assertion: string,
): Promise<VerifiedAssertion | JwsRefusal | undefined> {
  const { authentication } = client
  if (authentication.method !== 'client_secret_jwt') return undefined
  return verifySecretAssertion(assertion, await liveSecrets(context, client.clientId, authentication.secrets))
}
