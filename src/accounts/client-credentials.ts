import { encodeBase32 } from '../crypto/base32.ts'
import { oneTimeCodeSecretBytes } from '../crypto/one-time-code.ts'
import type { Client, ClientAuthentication, SecretHash } from '../domain/client.ts'
import { sealClientSecret, sealOneTimeCodeSecret } from '../keys/client-secrets.ts'
import {
  sealsSecret,
  usesSecret,
  type AuthenticationMethod,
  type RegisteredAuthentication,
} from '../protocol/client-authentication.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { newClientSecret } from '../tokens/client-secret.ts'
import type { AccountsContext } from './context.ts'

/** What the answer that made them shows, once: the secret, and the base32 secret of its one-time codes. */
export type ShownCredentials = { readonly secret?: string; readonly oneTimeCodeSecret?: string }

/** New credentials for a client, and what stays of each. Made before the decision, which is pure. */
export type FreshCredentials = {
  readonly secret: { readonly shown: string; readonly kept: Omit<SecretHash, 'createdAt'> }
  readonly oneTimeCode?: { readonly shown: string; readonly sealed: string }
}

/** Credentials of the kind that this method needs. */
export async function freshCredentials(
  context: AccountsContext,
  { clientId, method }: { readonly clientId: string; readonly method: AuthenticationMethod },
): Promise<FreshCredentials> {
  const { secret, hash } = newClientSecret(context.random)
  // Nothing needs to be sealed, and the key that seals may be out of reach.
  if (!sealsSecret({ method })) return { secret: { shown: secret, kept: { hash } } }
  const protection = await context.protection()
  const sealed = sealClientSecret(protection, clientId, secret)
  const made = { secret: { shown: secret, kept: { hash, sealed } } }
  if (method !== 'http_message_signature') return made
  const code = context.random.bytes(oneTimeCodeSecretBytes)
  return {
    ...made,
    oneTimeCode: { shown: encodeBase32(code), sealed: sealOneTimeCodeSecret(protection, clientId, code) },
  }
}

/** What a client holds already. */
export type HeldCredentials = { readonly secrets: readonly SecretHash[]; readonly oneTimeCode?: string }

export function heldBy({ authentication: proof }: Client): HeldCredentials {
  return {
    secrets: 'secrets' in proof ? proof.secrets : [],
    ...('oneTimeCode' in proof && proof.oneTimeCode !== undefined && { oneTimeCode: proof.oneTimeCode }),
  }
}

/**
 * What a client holds under this method: what it held where that still serves, and fresh credentials for what is missing.
 * Undefined if the fresh ones are of another kind than is needed.
 */
export function furnish(
  held: HeldCredentials,
  proof: RegisteredAuthentication,
  { fresh, now }: { readonly fresh: FreshCredentials; readonly now: EpochSeconds },
): { readonly credentials: HeldCredentials; readonly shown: ShownCredentials } | undefined {
  const kept = usesSecret(proof) ? servingSecrets(held.secrets, proof) : []
  const needsSecret = usesSecret(proof) && kept.length === 0
  if (needsSecret && (fresh.secret.kept.sealed !== undefined) !== sealsSecret(proof)) return undefined
  const wantsCode = proof.method === 'http_message_signature' && proof.requireOneTimeCode
  const needsCode = wantsCode && held.oneTimeCode === undefined
  if (needsCode && fresh.oneTimeCode === undefined) return undefined
  const oneTimeCode = needsCode ? fresh.oneTimeCode?.sealed : held.oneTimeCode
  return {
    credentials: {
      secrets: needsSecret ? [{ ...fresh.secret.kept, createdAt: now }] : kept,
      ...(wantsCode && oneTimeCode !== undefined && { oneTimeCode }),
    },
    shown: {
      ...(needsSecret && { secret: fresh.secret.shown }),
      ...(needsCode && fresh.oneTimeCode !== undefined && { oneTimeCodeSecret: fresh.oneTimeCode.shown }),
    },
  }
}

/** A registration and what is held, as the record keeps them. */
export function withCredentials(
  proof: RegisteredAuthentication,
  { secrets, oneTimeCode }: HeldCredentials,
): ClientAuthentication {
  if (proof.method === 'none' || proof.method === 'private_key_jwt') return proof
  if (proof.method !== 'http_message_signature') return { method: proof.method, secrets }
  const { method, requireOneTimeCode, keys } = proof
  const signing = { method, requireOneTimeCode, ...(oneTimeCode !== undefined && { oneTimeCode }) }
  return keys === undefined ? { ...signing, secrets } : { ...signing, keys }
}

/** Those of its secrets that serve under this method: where one is computed with, it must be there itself. */
function servingSecrets(secrets: readonly SecretHash[], proof: RegisteredAuthentication): readonly SecretHash[] {
  if (sealsSecret(proof)) return secrets.filter(({ sealed }) => sealed !== undefined)
  // Nothing keeps a secret readable that only needs to be compared.
  return secrets.map(({ sealed: _unneeded, ...secret }) => secret)
}

/** In wire names. RFC 7591 §3.2.1: a secret is never without its expiry; ours have none. */
export function printCredentials({ secret, oneTimeCodeSecret }: ShownCredentials): {
  readonly client_secret?: string
  readonly client_secret_expires_at?: 0
  readonly one_time_code_secret?: string
} {
  return {
    ...(secret !== undefined && { client_secret: secret, client_secret_expires_at: 0 }),
    ...(oneTimeCodeSecret !== undefined && { one_time_code_secret: oneTimeCodeSecret }),
  }
}
