import type { Instance } from '../domain/instance.ts'
import type { User } from '../domain/user.ts'
import type { AccessClaims } from '../tokens/access-claims.ts'

/**
 * Whether a macaroon of another server was made after everything of its account, or of everybody, was ended. Its time is in whole
 * seconds and an epoch in milliseconds: what was made in the second of the bump counts as made before it.
 */
export function isAfterEpochs(claims: Pick<AccessClaims, 'iat'>, instance: Instance, user: User): boolean {
  const madeAt = claims.iat * 1000
  return madeAt > user.epoch && madeAt > instance.epoch
}
