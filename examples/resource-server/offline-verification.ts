import { createRemoteJWKSet, errors, jwtVerify } from 'jose'
import type { Guard } from './guard.ts'

/**
 * JWT access tokens (RFC 9068), verified with the issuer's public keys alone. `jose` fetches those once, keeps them, and asks
 * again when a token names a key that it doesn't know: a key rotation needs nothing here.
 */
export function createOfflineVerification(options: {
  readonly issuer: string
  readonly jwksUri: string
  readonly audience: string
}): Guard {
  const keys = createRemoteJWKSet(new URL(options.jwksUri))
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: options.issuer,
        // A token for another API is none here, whoever signed it.
        audience: options.audience,
        // An ID token is signed with a key of the same set; its type tells them apart.
        typ: 'at+jwt',
        algorithms: ['ES256'],
        requiredClaims: ['exp', 'sub', 'client_id'],
      })
      const { sub = '', username, scope } = payload
      return {
        subject: sub,
        name: typeof username === 'string' ? username : sub,
        scope: typeof scope === 'string' ? scope.split(' ') : [],
      }
    } catch (error) {
      if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)) return { unavailable: true }
      return { invalid: error instanceof errors.JWTExpired ? 'The token has expired' : 'The token is not valid here' }
    }
  }
}
