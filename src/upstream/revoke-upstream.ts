import * as oauth from 'oauth4webapi'
import type { OAuthProvider } from '../config/provider.ts'
import type { SecretValue } from '../config/secret-value.ts'
import { authenticationOf, clientOf, through } from './client-of.ts'
import type { UpstreamContext } from './context.ts'
import { serverOf } from './server-metadata.ts'
import { asUnavailable, readFailure, type UpstreamRefused, type UpstreamUnavailable } from './upstream-answer.ts'

export type Revoked = { readonly kind: 'done' | 'unsupported' } | UpstreamUnavailable | UpstreamRefused

/** Refusals of who we are, whatever the token: whoever wrote our entry may mend it (RFC 6749 §5.2). */
const ours: ReadonlySet<string> = new Set(['invalid_client', 'unauthorized_client', oauth.WWW_AUTHENTICATE_CHALLENGE])

/** Give a token back (RFC 7009). `unsupported`: the provider has no way to; the person does it there himself. */
export async function revokeUpstream(
  context: UpstreamContext,
  provider: OAuthProvider,
  token: SecretValue,
): Promise<Revoked> {
  try {
    const server = await serverOf(context, provider)
    if (server.revocation_endpoint === undefined) return { kind: 'unsupported' }
    const client = clientOf(provider)
    const authentication = authenticationOf(provider)
    const options = through(context, provider, 'document')
    const response = await oauth.revocationRequest(server, client, authentication, token.reveal(), options)
    await oauth.processRevocationResponse(response)
    return { kind: 'done' }
  } catch (error) {
    const failure = readFailure(error)
    return failure.kind === 'refused' && ours.has(failure.why) ? asUnavailable(failure) : failure
  }
}
