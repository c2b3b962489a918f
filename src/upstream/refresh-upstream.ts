import * as oauth from 'oauth4webapi'
import type { OAuthProvider } from '../config/provider.ts'
import type { SecretValue } from '../config/secret-value.ts'
import { unsentFailures } from '../outbound/outbound-failed.ts'
import { authenticationOf, clientOf, through } from './client-of.ts'
import type { UpstreamContext } from './context.ts'
import { serverOf } from './server-metadata.ts'
import { asUnavailable, readFailure, type UpstreamUnavailable } from './upstream-answer.ts'
import { readTokens, type UpstreamTokens } from './upstream-tokens.ts'

export type Refreshed =
  | { readonly kind: 'done'; readonly tokens: UpstreamTokens }
  /** The refresh token is worth nothing any more: the person must connect anew. Never asked twice (L21). */
  | { readonly kind: 'denied'; readonly why: string }
  /** `maybeUsed`: the request may have reached the provider, so a rotating refresh token may be gone. */
  | (UpstreamUnavailable & { readonly maybeUsed: boolean })

/** RFC 6749 §5.2: this refresh token is dead. What else a provider calls it stands in its entry; all that is left may be mended without the person. */
const dead = 'invalid_grant'
const unsent: ReadonlySet<string> = new Set(unsentFailures)

/** Renew tokens (RFC 6749 §6). One request, never repeated here: whoever calls knows who else is asking. */
export async function refreshUpstream(
  context: UpstreamContext,
  provider: OAuthProvider,
  held: {
    readonly refreshToken: SecretValue
    readonly scope: readonly string[]
    readonly account?: string | undefined
  },
): Promise<Refreshed> {
  let server: oauth.AuthorizationServer
  try {
    server = await serverOf(context, provider)
  } catch (error) {
    return { ...asUnavailable(readFailure(error)), maybeUsed: false }
  }
  try {
    const client = clientOf(provider)
    const response = await oauth.refreshTokenGrantRequest(
      server,
      client,
      authenticationOf(provider),
      held.refreshToken.reveal(),
      // Its ID token, if there is one, is nobody's sign-in.
      through(context, { ...provider, kind: 'oauth2' }, 'token'),
    )
    const answer = await oauth.processRefreshTokenResponse(server, client, response)
    const now = context.clock.seconds()
    return { kind: 'done', tokens: readTokens(provider, answer, { now, asked: held.scope, account: held.account }) }
  } catch (error) {
    const failure = readFailure(error)
    const isDead = failure.why === dead || provider.refreshErrors.includes(failure.why)
    if (failure.kind === 'refused' && isDead) return { kind: 'denied', why: failure.why }
    // A refusal in the words of RFC 6749 §5.2 used nothing up; an answer that can't be read may have.
    const sent = failure.kind === 'unavailable' ? !unsent.has(failure.why) : failure.reason !== 'upstream_refused'
    return { ...asUnavailable(failure), maybeUsed: sent && provider.refresh === 'rotating' }
  }
}
