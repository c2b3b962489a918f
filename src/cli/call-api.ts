import { isLoopbackHost } from '../protocol/loopback.ts'
import type { Document } from './administration.ts'
import { CliFailure } from './failure.ts'

const patienceMillis = 30_000
const pageSize = 100

/** One call of the REST API. Throws CliFailure with what the server said. */
export type Call = (method: string, path: string, body?: Document) => Promise<Document>

export function createCaller(server: string, token: string): Call {
  const url = URL.parse(server)
  if (url === null || (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(url.hostname)))) {
    throw new CliFailure(
      '--server must be an https URL, or http on this machine: the token would be readable on the way',
      { exitCode: 2 },
    )
  }
  return async (method, path, body) => {
    let response: Response
    try {
      response = await fetch(`${url.origin}/api/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          accept: 'application/json',
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        // A redirect would carry the token to wherever it points.
        redirect: 'error',
        signal: AbortSignal.timeout(patienceMillis),
      })
    } catch {
      throw new CliFailure(`${url.origin} doesn't answer; check that the server runs and that the URL is its own`)
    }
    const answer: unknown = response.status === 204 ? {} : await response.json().catch(() => undefined)
    if (response.ok && isDocument(answer)) return answer
    throw new CliFailure(`${url.origin} answered ${response.status}${sentenceOf(answer)}`)
  }
}

/** Everything that a list of the API holds. */
export async function* pages(
  call: Call,
  path: string,
  filter: Readonly<Record<string, string>> = {},
): AsyncGenerator<Document> {
  for (let cursor: string | undefined; ;) {
    const query = new URLSearchParams({ ...filter, limit: String(pageSize), ...(cursor !== undefined && { cursor }) })
    const page = await call('GET', `${path}?${query.toString()}`)
    if (Array.isArray(page['items'])) yield* page['items'] as readonly Document[]
    if (typeof page['next'] !== 'string') return
    cursor = page['next']
  }
}

/** RFC 9457 §3.1.4, and the OAuth answers of whoever stands in front. */
function sentenceOf(answer: unknown): string {
  if (typeof answer !== 'object' || answer === null) return ': no JSON; is it a Gatehouse?'
  for (const member of ['detail', 'title', 'error_description', 'error']) {
    const value = (answer as Document)[member]
    if (typeof value === 'string') return `: ${value}`
  }
  return ''
}

function isDocument(answer: unknown): answer is Document {
  return typeof answer === 'object' && answer !== null && !Array.isArray(answer)
}
