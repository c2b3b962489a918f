import { authenticateClient } from '../client-auth/authenticate.ts'
import type { Actor } from '../domain/authority.ts'
import { describe, isRefusal, refuse, type Refusal } from '../protocol/errors.ts'
import type { HttpRequest } from '../protocol/http.ts'
import { Parameters } from '../protocol/parameters.ts'
import { problem } from '../protocol/problem.ts'
import type { ApiContext } from './context.ts'
import type { Policy } from './policy.ts'
import type { Rejected } from './result.ts'

type SignerPolicy = Extract<Policy, { readonly who: 'signer' }>

export type Signer = { readonly who: 'signer'; readonly actor: Extract<Actor, { readonly kind: 'client' }> }

/**
 * Lets in the client that signed this very call with its own key (RFC 9421): address and body, within a minute, each signature once.
 * Whoever found one of its tokens, or recorded a call, is nobody here (K18).
 */
export async function admitSigner(
  context: ApiContext,
  request: HttpRequest,
  { scope: needed }: SignerPolicy,
): Promise<Signer | Rejected> {
  const { address } = request.peer
  const client =
    request.headers['signature-input'] === undefined
      ? refuse('invalid_client', 'credentials_missing')
      : await authenticateClient(context, request, new Parameters(new Map()))
  if (isRefusal(client)) return unsigned(context, client, address)
  const { clientId, scope: scopes } = client
  if (!scopes.includes(needed) || !client.grantTypes.includes('client_credentials')) {
    const refusal = refuse('access_denied', 'scope_not_allowed', `the client needs the scope ${needed}`)
    context.observer.refused('api', refusal, { address, clientId })
    return { refused: problem('forbidden', { detail: describe(refusal) }) }
  }
  return { who: 'signer', actor: { kind: 'client', client, scopes } }
}

/** One answer for every signature that isn't good here: what is wrong with it goes into the log alone. */
function unsigned(context: ApiContext, refusal: Refusal, address: string): Rejected {
  context.observer.refused('api', refusal, { address })
  if (refusal.retryAfter !== undefined)
    return { refused: problem('rate_limited', { detail: describe(refusal) }), retryAfter: refusal.retryAfter }
  return {
    refused: problem('invalid_signature', {
      detail: 'sign the call as a client: Signature-Input and Signature (RFC 9421), see docs/signed-requests.md',
    }),
    challenge: 'Signature realm="gatehouse"',
  }
}
