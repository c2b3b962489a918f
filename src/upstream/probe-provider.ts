import type { AuthorizationServer } from 'oauth4webapi'
import type { OAuthProvider } from '../config/provider.ts'
import { parseJsonObject } from '../crypto/strict-json.ts'
import { filledHeaders } from './filled-headers.ts'
import type { UpstreamContext } from './context.ts'
import { explainFailure } from './explain-failure.ts'
import { judgeMetadata, type Finding } from './judge-metadata.ts'
import { serverOf } from './server-metadata.ts'
import { tryApi } from './try-api.ts'
import { tryAuthorize } from './try-authorize.ts'
import { tryToken } from './try-token.ts'
import { readFailure } from './upstream-answer.ts'

/**
 * Asks a provider itself whether its entry fits: what is wrong, and the mend. It sends a code and a token that are made up, and no
 * secret but our own. What takes a person to find out (whether he gets in, what his tokens may do) stays open.
 */
export async function probeProvider(
  context: UpstreamContext,
  provider: OAuthProvider,
  callback: string,
): Promise<readonly Finding[]> {
  let server: AuthorizationServer
  try {
    server = await serverOf(context, provider)
  } catch (error) {
    return [{ status: 'fail', detail: `discovery at ${provider.issuer}: ${explainFailure(readFailure(error))}` }]
  }
  const asked = await Promise.all([
    tryAuthorize(context, provider, { server, callback }),
    tryToken(context, provider, { server, callback }),
    tryKeys(context, provider, server),
    tryUserinfo(context, provider),
    tryApi(context, provider),
  ])
  return [...judgeMetadata(provider, server), ...asked.flat()]
}

const keyKinds: Readonly<Record<string, string>> = { RS: 'RSA', PS: 'RSA', ES: 'EC', Ed: 'OKP' }

/** The keys of ID tokens: there, and one of them of the kind that signs them. */
async function tryKeys(
  context: UpstreamContext,
  provider: OAuthProvider,
  { jwks_uri: url }: AuthorizationServer,
): Promise<readonly Finding[]> {
  if (provider.kind !== 'oidc' || url === undefined) return []
  const fail = (detail: string): readonly Finding[] => [{ status: 'fail', detail: `its jwks_uri: ${detail}` }]
  try {
    const { status, body } = await context.outbound.fetch({ url, allowInsecure: provider.allowInsecure })
    if (status !== 200) return fail(`it answers with status ${status}; check the address`)
    const keys = parseJsonObject(body)?.['keys']
    if (!Array.isArray(keys)) return fail('it answers with something that is no key set; check the address')
    const wanted = provider.idTokenAlgorithm ?? 'RS256'
    const fits = (keys as readonly unknown[]).some(
      (key) => typeof key === 'object' && key !== null && 'kty' in key && key.kty === keyKinds[wanted.slice(0, 2)],
    )
    return fits ? [] : fail(`none of its keys is for ${wanted}; say the right id_token_signed_response_alg`)
  } catch (error) {
    return fail(explainFailure(readFailure(error)))
  }
}

/** Where an endpoint says who the person is: it must refuse a token that is made up. */
async function tryUserinfo(context: UpstreamContext, provider: OAuthProvider): Promise<readonly Finding[]> {
  const { userinfo: url } = provider.endpoints
  if (provider.subject.from !== 'userinfo' || url === undefined) return []
  const fail = (detail: string): readonly Finding[] => [{ status: 'fail', detail: `its userinfo_endpoint: ${detail}` }]
  try {
    const headers = {
      ...filledHeaders(provider, provider.apiHeaders),
      accept: 'application/json',
      authorization: 'Bearer made-up',
    }
    const { status } = await context.outbound.fetch({ url, headers, allowInsecure: provider.allowInsecure })
    if (status === 200) return fail('it answers 200 to a token that was made up; check that it is no page')
    if (status === 404 || status === 405) return fail(`it is not there (status ${status}); check the address`)
    if (status >= 500) return fail(`it has trouble of its own (status ${status}); try again later`)
    return [{ status: 'ok', detail: `its userinfo_endpoint refuses a made-up token (status ${status})` }]
  } catch (error) {
    return fail(explainFailure(readFailure(error)))
  }
}
