import { generateKeyPairSync } from 'node:crypto'
import { importPublicJwk, publicJwkOf } from '../../src/crypto/jwk.ts'
import { signingKey, type SigningKey, type VerificationKey } from '../../src/crypto/jws.ts'
import { macKey } from '../../src/crypto/mac.ts'
import { createRandom } from '../../src/crypto/random.ts'
import type { Interaction } from '../../src/domain/interaction.ts'
import type { SecretRing } from '../../src/domain/key.ts'
import type { AccessClaims } from '../../src/tokens/access-claims.ts'
import type { Issuance } from '../../src/tokens/issuance.ts'
import type { SecretKey } from '../../src/tokens/keys-view.ts'
import type { MintKeys } from '../../src/tokens/mint.ts'

export const issuer = 'https://as.example'
export const now = 1_800_000_000

const pairs = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  EdDSA: generateKeyPairSync('ed25519'),
}

/** Rings with one key each; `name` makes another instance's rings, whose signing keys are the same and secrets are not. */
export function fixedKeys(name = 'k'): MintKeys {
  const random = createRandom()
  const signing = new Map<string, SigningKey>()
  const verification = new Map<string, VerificationKey>()
  for (const algorithm of ['ES256', 'RS256', 'EdDSA'] as const) {
    const pkcs8 = pairs[algorithm].privateKey.export({ format: 'der', type: 'pkcs8' })
    const key = signingKey(`${name}-${algorithm}`, algorithm, pkcs8)
    const imported = importPublicJwk({ ...publicJwkOf(key), alg: algorithm })
    if ('refused' in imported) throw new Error(imported.refused)
    signing.set(algorithm, key)
    verification.set(key.keyId, imported)
  }
  const secrets = new Map<string, SecretKey>()
  const secret = (ring: SecretRing): SecretKey => {
    const known = secrets.get(ring) ?? { keyId: `${name}-${ring}`, key: macKey(random.bytes(32)) }
    secrets.set(ring, known)
    return known
  }
  return {
    random,
    signing: (algorithm) => signing.get(algorithm)!,
    verification: (keyId) => verification.get(keyId),
    secret,
    importedKey: () => undefined,
    secretById: (ring, keyId) => (keyId === `${name}-${ring}` ? secret(ring) : undefined),
  }
}

export const claims: AccessClaims = {
  iss: issuer,
  sub: 'usr_1',
  aud: ['https://api.example'],
  clientId: 'app',
  scope: ['openid', 'read'],
  iat: now,
  exp: now + 900,
  jti: 'jti-1',
  gid: 'grant-1',
  epoch: '1.1700000000000.3',
  authTime: now - 10,
  acr: 'urn:acr',
  extra: { username: 'ada', roles: ['editor'] },
}

export const issuance: Issuance = {
  issuer,
  client: { clientId: 'app', idTokenAlgorithm: 'RS256' },
  subject: 'usr_1',
  scope: ['openid', 'read'],
  audience: ['https://api.example'],
  format: 'jwt',
  ttl: 900,
  now,
  jti: 'jti-1',
  grantId: 'grant-1',
  epoch: '1.2.3',
  authentication: { authTime: now - 10, acr: 'urn:acr', amr: ['pwd'], sessionId: 'session-1' },
}

export const interaction: Interaction = {
  v: 1,
  request: {
    clientId: 'app',
    redirectUri: 'https://app.example/cb',
    responseType: 'code',
    responseMode: 'query',
    scope: ['openid'],
    resources: [],
    state: 'a state',
    prompt: [],
    uiLocales: [],
  },
  browserHash: 'b'.repeat(43),
  createdAt: now,
}
