import type { AuthorizationRequest } from '../domain/interaction.ts'

type Challenged = Pick<AuthorizationRequest, 'codeChallenge' | 'state' | 'nonce'>

/**
 * Whether a client sends a challenge again that it sent with its request before (RFC 9700 §2.1.1: one for each transaction). The
 * same request once more, as after going back or reloading, is no repetition: it has the same `state` and `nonce`, and one that
 * has neither tells nothing. Remembers the last of each client, and clients are as many as the operator registered.
 */
export function createChallengeWatch(): (clientId: string, request: Challenged) => boolean {
  const last = new Map<string, { readonly codeChallenge: string; readonly request: string }>()
  return (clientId, { codeChallenge, state, nonce }) => {
    if (codeChallenge === undefined || (state === undefined && nonce === undefined)) return false
    const request = JSON.stringify([state, nonce])
    const before = last.get(clientId)
    last.set(clientId, { codeChallenge, request })
    return before?.codeChallenge === codeChallenge && before.request !== request
  }
}
