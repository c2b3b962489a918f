import type { AuthorizationServer } from 'oauth4webapi'
import type { OAuthProvider } from '../config/provider.ts'
import { clockTolerance, type EpochSeconds } from '../protocol/time.ts'
import { beginUpstream } from './begin-upstream.ts'
import type { UpstreamContext } from './context.ts'
import { explainFailure } from './explain-failure.ts'
import type { Finding } from './judge-metadata.ts'
import { codeOf, readFailure } from './upstream-answer.ts'

const patience = 5_000

/**
 * Goes where a browser would be sent, without being anybody: a provider that knows client, callback and scopes shows its sign-in
 * page or leads to it, and one that doesn't says so at once.
 */
export async function tryAuthorize(
  context: UpstreamContext,
  provider: OAuthProvider,
  { server, callback }: { readonly server: AuthorizationServer; readonly callback: string },
): Promise<readonly Finding[]> {
  if (server.authorization_endpoint === undefined) return []
  const fail = (detail: string): readonly Finding[] => [
    { status: 'fail', detail: `its authorization endpoint: ${detail}` },
  ]
  const begun = await beginUpstream(context, provider, {
    state: 'gatehouse-provider-check',
    secrets: { verifier: 'x'.repeat(43), nonce: 'gatehouse-provider-check' },
    redirectUri: callback,
    scope: provider.scope,
    offline: false,
  })
  // What its metadata lack was said where they were judged.
  if (begun.kind !== 'begun')
    return begun.kind === 'refused' && begun.why === 'pkce' ? [] : fail('it is no web address')
  try {
    const { allowInsecure } = provider
    const signal = AbortSignal.timeout(patience)
    const answer = await context.outbound.open({
      url: begun.url,
      headers: { accept: 'text/html' },
      allowInsecure,
      signal,
    })
    answer.body.destroy()
    const { status, headers } = answer
    const skewed = skew(headers['date'], context.clock.seconds())
    return [...judge(status, headers['location'], { callback, fail }), ...skewed]
  } catch (error) {
    return fail(explainFailure(readFailure(error)))
  }
}

function judge(
  status: number,
  location: string | undefined,
  { callback, fail }: { readonly callback: string; readonly fail: (detail: string) => readonly Finding[] },
): readonly Finding[] {
  const error = location?.startsWith(callback) === true ? new URL(location).searchParams.get('error') : null
  if (error !== null && !['login_required', 'interaction_required', 'consent_required'].includes(error)) {
    const mend = error === 'invalid_scope' ? 'ask for scopes that this client may have' : 'look at the client there'
    return fail(`it sends people back with ${codeOf(error)}; ${mend}`)
  }
  if (status === 404 || status === 405) return fail(`it is not there (status ${status}); check the address`)
  if (status >= 500) return fail(`it has trouble of its own (status ${status}); try again later`)
  if (status >= 400)
    return fail(
      `it refuses to begin (status ${status}); check client_id, and that the callback is registered there letter by letter: ${callback}`,
    )
  return [{ status: 'ok', detail: 'its authorization endpoint begins a sign-in for this client and callback' }]
}

/** ID tokens are judged by the clock. */
function skew(date: string | undefined, now: EpochSeconds): readonly Finding[] {
  const there = date === undefined ? Number.NaN : Date.parse(date) / 1000
  const apart = Math.round(Math.abs(there - now))
  if (!(apart > clockTolerance)) return []
  return [
    { status: 'fail', detail: `its clock and the one of this machine are ${apart} seconds apart; set this one by NTP` },
  ]
}
