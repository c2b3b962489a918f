import * as oauth from 'oauth4webapi'
import { decodeBase64url } from '../crypto/encoding.ts'
import { parseJsonObject } from '../crypto/strict-json.ts'
import type { OAuthProvider } from '../config/provider.ts'
import type { Flow } from '../domain/flow.ts'
import type { Parameters } from '../protocol/parameters.ts'
import type { Reason } from '../protocol/reasons.ts'
import { clockTolerance, type EpochSeconds } from '../protocol/time.ts'
import { isOpenId } from './begin-upstream.ts'
import { authenticationOf, clientOf, through } from './client-of.ts'
import type { UpstreamContext } from './context.ts'
import type { FlowSecrets } from './flow-secrets.ts'
import { identify, type UpstreamIdentity } from './identify.ts'
import { serverOf } from './server-metadata.ts'
import { codeOf, readFailure, type UpstreamRefused, type UpstreamUnavailable } from './upstream-answer.ts'
import { readTokens, type UpstreamTokens } from './upstream-tokens.ts'

export type Finished =
  | {
      readonly kind: 'done'
      readonly tokens: UpstreamTokens
      /** The scope that was asked for; what was granted stands in the tokens. */
      readonly asked: readonly string[]
      readonly identity?: UpstreamIdentity
      /** When the person proved himself there, if its ID token says it. */
      readonly authTime?: EpochSeconds
    }
  /** The person, or the provider, said no: its error code. */
  | { readonly kind: 'denied'; readonly why: string }
  | UpstreamRefused
  | UpstreamUnavailable

/**
 * What a browser brought back from a provider is worth. The state was redeemed before; here come RFC 9207, the code, the tokens,
 * and the ID token with everything that OIDC Core §3.1.3.7 asks of it.
 */
export async function finishUpstream(
  context: UpstreamContext,
  provider: OAuthProvider,
  returned: {
    readonly parameters: Parameters
    readonly state: string
    readonly flow: Pick<Flow, 'redirectUri' | 'scope'>
    readonly secrets: FlowSecrets
  },
): Promise<Finished> {
  const { flow, secrets, state } = returned
  try {
    const server = await serverOf(context, provider)
    const client = clientOf(provider)
    const callback = checkCallback(server, client, { parameters: returned.parameters, state })
    if ('kind' in callback) return callback
    const verifier = provider.pkce === 'off' ? oauth.nopkce : secrets.verifier
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      authenticationOf(provider),
      callback.parameters,
      flow.redirectUri,
      verifier,
      through(context, provider, 'token'),
    )
    const wantsIdToken = isOpenId(provider, flow.scope)
    const speaking = wantsIdToken ? await asItCallsItself(provider, server, response) : server
    const reason = wantsIdToken ? 'upstream_id_token' : 'upstream_malformed'
    const expected = wantsIdToken ? { expectedNonce: secrets.nonce, requireIdToken: true } : {}
    const read = await orFailure(oauth.processAuthorizationCodeResponse(speaking, client, response, expected), reason)
    if ('failure' in read) return read.failure
    const answer = read.value
    const idTokenClaims = wantsIdToken ? oauth.getValidatedIdTokenClaims(answer) : undefined
    if (wantsIdToken) {
      // OIDC Core §3.1.3.7 item 6: the signature too, though TLS vouches for the token endpoint.
      const options = through(context, provider, 'document')
      const signed = await orFailure(oauth.validateApplicationLevelSignature(speaking, response, options), reason)
      if ('failure' in signed) return signed.failure
      if ((idTokenClaims?.iat ?? 0) > context.clock.seconds() + clockTolerance)
        return { kind: 'refused', reason, why: 'iat' }
      // OIDC Core §3.1.3.7 item 5; oauth4webapi looks only where there are several audiences.
      if (idTokenClaims?.azp !== undefined && idTokenClaims.azp !== provider.clientId)
        return { kind: 'refused', reason, why: 'azp' }
    }
    if (!meetsDemands(provider, idTokenClaims)) return { kind: 'denied', why: 'required_claims' }
    const { from } = provider.subject
    const identifiable = from === 'id_token' ? wantsIdToken : from !== 'nowhere'
    const accessToken = answer.access_token
    const identity = identifiable
      ? await identify(context, provider, { server, accessToken, idTokenClaims })
      : undefined
    if (identifiable && identity === undefined) return { kind: 'refused', reason: 'upstream_subject', why: from }
    const now = context.clock.seconds()
    const tokens = readTokens(provider, answer, { now, asked: flow.scope, account: identity?.subject })
    const authTime = idTokenClaims?.auth_time
    return {
      kind: 'done',
      tokens,
      asked: flow.scope,
      ...(identity !== undefined && { identity }),
      ...(authTime !== undefined && { authTime: Math.floor(authTime) }),
    }
  } catch (error) {
    return readFailure(error)
  }
}

/** What the entry demands counts as the provider signed it: not what was asked for on the way out, nor what userinfo says. */
function meetsDemands(
  { requiredClaims }: OAuthProvider,
  claims: Readonly<Record<string, unknown>> | undefined,
): boolean {
  return Object.entries(requiredClaims).every(([name, allowed]) => allowed.some((value) => value === claims?.[name]))
}

/** The value, or what its exception means: of the checks on an ID token another thing than of the transport. */
async function orFailure<T>(
  checking: Promise<T>,
  reason: Reason,
): Promise<{ readonly value: T } | { readonly failure: UpstreamRefused | UpstreamUnavailable }> {
  try {
    return { value: await checking }
  } catch (error) {
    return { failure: readFailure(error, reason) }
  }
}

/** RFC 6749 §4.1.2, RFC 9207 §2.4: `iss` where it was promised, and never another's (L10); before the code goes anywhere. */
function checkCallback(
  server: oauth.AuthorizationServer,
  client: oauth.Client,
  { parameters, state }: { readonly parameters: Parameters; readonly state: string },
): { readonly parameters: URLSearchParams } | { readonly kind: 'denied'; readonly why: string } | UpstreamRefused {
  const given = new URLSearchParams()
  for (const name of ['state', 'code', 'iss', 'error', 'response', 'id_token', 'token']) {
    const value = parameters.get(name)
    if (value !== undefined) given.set(name, value)
  }
  try {
    const checked = oauth.validateAuthResponse(server, client, given, state)
    if (!checked.has('code')) return { kind: 'refused', reason: 'upstream_malformed', why: 'no code' }
    return { parameters: checked }
  } catch (error) {
    if (error instanceof oauth.AuthorizationResponseError) return { kind: 'denied', why: codeOf(error.error) }
    if (error instanceof oauth.OperationProcessingError)
      return { kind: 'refused', reason: 'upstream_issuer', why: error.code ?? 'callback' }
    return { kind: 'refused', reason: 'upstream_malformed', why: 'callback' }
  }
}

/**
 * The server under the spelling of its issuer that its ID token uses, if that is one of the aliases in its entry; everything
 * is verified against that spelling then.
 */
async function asItCallsItself(
  provider: OAuthProvider,
  server: oauth.AuthorizationServer,
  response: Response,
): Promise<oauth.AuthorizationServer> {
  if (provider.issuerAliases.length === 0 || response.status !== 200) return server
  const body = parseJsonObject(Buffer.from(await response.clone().arrayBuffer()))
  const idToken = body?.['id_token']
  const payload = typeof idToken === 'string' ? decodeBase64url(idToken.split('.')[1] ?? '') : undefined
  const issuer = payload === undefined ? undefined : parseJsonObject(payload)?.['iss']
  return typeof issuer === 'string' && provider.issuerAliases.includes(issuer) ? { ...server, issuer } : server
}
