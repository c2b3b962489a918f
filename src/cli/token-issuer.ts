import { verifyAccessJwt } from '../tokens/jwt.ts'
import type { TokenKeys } from '../tokens/keys-view.ts'
import { openAccessToken } from '../tokens/sealed.ts'

/**
 * The issuer that a token of this store names. Signature or seal prove that our own server wrote it, whatever flags that one runs
 * with; so a command beside it needs none of them.
 */
export function issuerOf(keys: TokenKeys, text: string): string | undefined {
  const claims = text.startsWith('gth_at_') ? openAccessToken(keys, text) : verifyAccessJwt(keys, text)
  return 'refused' in claims ? undefined : claims.iss
}
