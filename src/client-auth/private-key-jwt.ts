import { verifyAssertion, type VerifiedAssertion } from '../crypto/assertion-jws.ts'
import type { JwsRefusal } from '../crypto/jws.ts'
import type { Client } from '../domain/client.ts'

/** The proof of `private_key_jwt`: signed by one of the client's registered keys. Undefined: it has another method. */
export function verifyPrivateKeyJwt(
  { authentication }: Client,
  assertion: string,
): VerifiedAssertion | JwsRefusal | undefined {
  return authentication.method === 'private_key_jwt' ? verifyAssertion(assertion, authentication) : undefined
}
