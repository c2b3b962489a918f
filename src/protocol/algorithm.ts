/** JWS algorithms that we sign with (RFC 7518 §3.1, RFC 8037 §3.1). */
export const signingAlgorithms = ['ES256', 'RS256', 'EdDSA'] as const
export type SigningAlgorithm = (typeof signingAlgorithms)[number]

/** JWS algorithms that a client may sign its assertions with. `Ed25519` is the later name of EdDSA on that curve (RFC 9864 §2.2). */
export const assertionAlgorithms = ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const
export type AssertionAlgorithm = (typeof assertionAlgorithms)[number]

/** The one algorithm of `client_secret_jwt` (OIDC Core §9). */
export const secretAssertionAlgorithm = 'HS256'
