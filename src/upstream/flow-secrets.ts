import { sha256 } from '../crypto/hash.ts'
import { mac } from '../crypto/mac.ts'
import type { TokenKeys } from '../tokens/keys-view.ts'

/** What belongs to a state and is never stored: the PKCE verifier (RFC 7636 §4.1) and the nonce of the ID token. */
export type FlowSecrets = { readonly verifier: string; readonly nonce: string }

/** Made anew from state and key: who has the store has neither, and who saw the state in a browser's history hasn't either. */
export function flowSecrets(keys: TokenKeys, keyId: string, state: string): FlowSecrets | undefined {
  const secret = keys.secretById('mac', keyId)
  if (secret === undefined) return undefined
  return {
    verifier: mac(secret.key, `upstream verifier\n${state}`),
    nonce: mac(secret.key, `upstream nonce\n${state}`),
  }
}

const shape = /^[A-Za-z0-9_-]{43}$/

/** The record of a state, or undefined for what can't be a state of ours. */
export function flowIdOf(state: string | undefined): string | undefined {
  return state !== undefined && shape.test(state) ? sha256(`upstream state\n${state}`) : undefined
}
