import * as oauth from 'oauth4webapi'
import type { OAuthProvider } from '../config/provider.ts'
import { authenticationOf, clientOf, through } from './client-of.ts'
import type { UpstreamContext } from './context.ts'
import { explainFailure } from './explain-failure.ts'
import type { Finding } from './judge-metadata.ts'
import { readFailure, unknownCode } from './upstream-answer.ts'

const credentials = 'check client_id, client_secret, token_endpoint_auth_method, and whether it wants token_headers'

/** What a token endpoint says no with, of a code that was made up; whoever refuses the code has accepted the credentials. */
const refusals: Readonly<Record<string, Finding>> = {
  invalid_client: {
    status: 'fail',
    detail: `it does not accept client_id and client_secret (invalid_client); ${credentials}`,
  },
  incorrect_client_credentials: {
    status: 'fail',
    detail: `it does not accept client_id and client_secret (incorrect_client_credentials); ${credentials}`,
  },
  unauthorized_client: {
    status: 'fail',
    detail: 'it knows this client, but not for the code flow (unauthorized_client); allow authorization_code there',
  },
  unsupported_grant_type: {
    status: 'fail',
    detail: 'its token endpoint knows no authorization_code (unsupported_grant_type); check the address',
  },
  redirect_uri_mismatch: { status: 'fail', detail: 'the callback is not registered there (redirect_uri_mismatch)' },
}

/** Asks for tokens with a code that was made up. */
export async function tryToken(
  context: UpstreamContext,
  provider: OAuthProvider,
  { server, callback }: { readonly server: oauth.AuthorizationServer; readonly callback: string },
): Promise<readonly Finding[]> {
  if (server.token_endpoint === undefined) return []
  try {
    const client = clientOf(provider)
    const response = await oauth.genericTokenEndpointRequest(
      server,
      client,
      authenticationOf(provider),
      'authorization_code',
      { code: 'gatehouse-provider-check', redirect_uri: callback, code_verifier: 'x'.repeat(43) },
      through(context, provider, 'token'),
    )
    // Many an API says this in JSON with a member `error`, as if somebody had looked at the client.
    if (response.status === 404 || response.status === 405)
      return [
        {
          status: 'fail',
          detail: `its token endpoint: it is not there (status ${response.status}); check the address`,
        },
      ]
    await oauth.processGenericTokenEndpointResponse(server, client, response)
    return [{ status: 'fail', detail: 'it gave tokens for a code that was made up; do not use it' }]
  } catch (error) {
    const failure = readFailure(error)
    if (failure.kind === 'refused' && failure.reason === 'upstream_refused') return [judge(failure.why)]
    return [{ status: 'fail', detail: `its token endpoint: ${explainFailure(failure)}` }]
  }
}

function judge(why: string): Finding {
  if (why === unknownCode)
    return {
      status: 'warn',
      detail:
        'its token endpoint refuses a made-up code with no word of RFC 6749, so nobody can tell whether it knows this client; check token_endpoint',
    }
  // J01: the word is another server's.
  const known = Object.hasOwn(refusals, why) ? refusals[why] : undefined
  return known ?? { status: 'ok', detail: `it knows this client (a made-up code was refused: ${why})` }
}
