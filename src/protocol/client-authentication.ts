import { assertionAlgorithms, secretAssertionAlgorithm, type AssertionAlgorithm } from './algorithm.ts'
import { FieldProblem, oneOf, readBoolean, readField, readKeys } from './metadata-field.ts'
import type { PublicJwk } from './public-jwks.ts'

export const authenticationMethods = [
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'http_message_signature',
  'none',
] as const
export type AuthenticationMethod = (typeof authenticationMethods)[number]

/** How a client will prove itself, without the secret itself. */
export type RegisteredAuthentication =
  | { readonly method: 'none' }
  | { readonly method: 'client_secret_basic' | 'client_secret_post' | 'client_secret_jwt' }
  | {
      readonly method: 'http_message_signature'
      /** Absent: it signs with its secret (`hmac-sha256`). */
      readonly keys?: readonly PublicJwk[]
      /** RFC 6238: a fresh code in each request, as a signed component. */
      readonly requireOneTimeCode: boolean
    }
  | { readonly method: 'private_key_jwt'; readonly keys: readonly PublicJwk[]; readonly algorithm?: AssertionAlgorithm }

type Proof = { readonly method: AuthenticationMethod; readonly keys?: unknown }

/** Whether a client that proves itself so has a secret. */
export function usesSecret(proof: Proof): boolean {
  return proof.method === 'http_message_signature' ? !('keys' in proof) : proof.method.startsWith('client_secret_')
}

/** Whether verifying the proof needs the secret itself, where for others a hash is enough. */
export function sealsSecret(proof: Proof): boolean {
  return proof.method === 'client_secret_jwt' || proof.method === 'http_message_signature'
}

/** RFC 7591 §2, RFC 7523 §2.2, RFC 9421: the method, and the keys, algorithm and codes that go with it alone. Throws FieldProblem. */
export function readAuthentication(
  document: Readonly<Record<string, unknown>>,
  { assertionAudience }: { readonly assertionAudience: boolean },
): RegisteredAuthentication {
  const method =
    readField(document, 'token_endpoint_auth_method', oneOf(authenticationMethods)) ?? 'client_secret_basic'
  const keys = readField(document, 'jwks', readKeys)
  const requireOneTimeCode = readField(document, 'require_one_time_code', readBoolean) ?? false
  if (requireOneTimeCode && method !== 'http_message_signature')
    throw new FieldProblem(
      'require_one_time_code',
      'is only for http_message_signature, where the code is signed; leave it out',
      'metadata_conflict',
    )
  const algorithmField = 'token_endpoint_auth_signing_alg'
  if (method === 'private_key_jwt') {
    if (keys === undefined)
      throw new FieldProblem('jwks', 'is needed for private_key_jwt: the public keys', 'metadata_conflict')
    const algorithm = readField(document, algorithmField, oneOf(assertionAlgorithms))
    return { method, keys, ...(algorithm === undefined ? {} : { algorithm }) }
  }
  const algorithm = readField(
    document,
    algorithmField,
    oneOf(method === 'client_secret_jwt' ? [secretAssertionAlgorithm] : [...assertionAlgorithms]),
  )
  const signs = method === 'http_message_signature'
  const unfit = signs && keys !== undefined ? keys.findIndex(({ kty }) => kty === 'RSA') : -1
  if (unfit >= 0) throw new FieldProblem(`jwks.keys[${unfit}]`, 'must be a P-256 or Ed25519 key to sign messages')
  const strayed =
    keys !== undefined && !signs
      ? 'jwks'
      : algorithm !== undefined && method !== 'client_secret_jwt'
        ? algorithmField
        : undefined
  if (strayed !== undefined)
    throw new FieldProblem(
      strayed,
      strayed === 'jwks'
        ? 'is only for private_key_jwt and http_message_signature; leave it out or change token_endpoint_auth_method'
        : 'is only for private_key_jwt and client_secret_jwt; leave it out or change token_endpoint_auth_method',
      'metadata_conflict',
    )
  if (assertionAudience && method !== 'client_secret_jwt') {
    throw new FieldProblem(
      'legacy',
      'holds assertion_audience, which is only for private_key_jwt and client_secret_jwt',
      'metadata_conflict',
    )
  }
  return signs ? { method, requireOneTimeCode, ...(keys === undefined ? {} : { keys }) } : { method }
}
