import { isLoopbackHost } from '../protocol/loopback.ts'
import { CliFailure } from './failure.ts'

/** Longer than the server waits for a provider. */
const patienceMillis = 15_000

type Document = Readonly<Record<string, unknown>>

/** One request to a running server's vault. Throws CliFailure with what it said. */
export async function askVault(
  server: string,
  path: string,
  { form, bearer }: { readonly form: Readonly<Record<string, string>>; readonly bearer: string | undefined },
): Promise<Document> {
  const url = URL.parse(server)
  if (url === null || (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(url.hostname))))
    throw new CliFailure('--server must be an https URL, or http on this machine', { exitCode: 2 })
  let response: Response
  try {
    response = await fetch(`${url.origin}${path}`, {
      method: 'POST',
      headers: { accept: 'application/json', ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }) },
      body: new URLSearchParams(form),
      // A redirect would carry the handle to wherever it points.
      redirect: 'error',
      signal: AbortSignal.timeout(patienceMillis),
    })
  } catch {
    throw new CliFailure(`${url.origin} doesn't answer; start it, or name another one with --server`)
  }
  const answer: unknown = await response.json().catch(() => undefined)
  const document = typeof answer === 'object' && answer !== null ? (answer as Document) : {}
  if (response.ok) return document
  const wait = response.headers.get('retry-after')
  const code = textOf(document['error']) ?? String(response.status)
  const why = textOf(document['error_description']) ?? 'the server refused'
  throw new CliFailure(`${code}: ${why}${wait === null ? '' : ` (again in ${wait} s)`}`)
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
