import type { OAuthProvider } from '../config/provider.ts'
import type { UpstreamContext } from './context.ts'
import { explainFailure } from './explain-failure.ts'
import { filledHeaders } from './filled-headers.ts'
import type { Finding } from './judge-metadata.ts'
import { readFailure } from './upstream-answer.ts'

/**
 * Asks the API what anybody may ask who has the headers of the entry: they are looked at there and nowhere else, so that a wrong
 * secret would show with the first call of a person.
 */
export async function tryApi(
  { outbound }: Pick<UpstreamContext, 'outbound'>,
  provider: OAuthProvider,
): Promise<readonly Finding[]> {
  const { apiBase, apiProbe, allowInsecure } = provider
  if (apiBase === undefined || apiProbe === undefined) return []
  const fail = (detail: string): readonly Finding[] => [{ status: 'fail', detail: `its API at ${apiProbe}: ${detail}` }]
  try {
    const headers = { ...filledHeaders(provider, provider.apiHeaders), accept: 'application/json' }
    const { status } = await outbound.fetch({ url: apiBase + apiProbe, headers, allowInsecure })
    if (status >= 200 && status < 300) return [{ status: 'ok', detail: `its API takes api_headers (at ${apiProbe})` }]
    if (status === 401 || status === 403)
      return fail(`it refuses api_headers (status ${status}); check client_id and shared_secret`)
    if (status === 404 || status === 405)
      return fail(`it is not there (status ${status}); check api_base and api_probe`)
    return fail(explainFailure({ kind: 'unavailable', reason: 'upstream_unavailable', why: `status ${status}` }))
  } catch (error) {
    return fail(explainFailure(readFailure(error)))
  }
}
