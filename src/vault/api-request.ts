import type { HttpRequest } from '../protocol/http.ts'

/**
 * Headers of a caller that an API gets to see. Everything else stays here: his credentials and cookies, what names him or proxies on
 * the way, what changes the method, what is said from hop to hop, and `range`, which could cut an answer in the middle of a secret.
 */
const passedOn = [
  'accept',
  'accept-language',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-unmodified-since',
  'prefer',
] as const

/** The headers of a call to a provider. Its own, which `own` holds, win. */
export function requestHeaders(
  { headers }: Pick<HttpRequest, 'headers'>,
  own: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {}
  for (const name of passedOn) {
    const value = headers[name]
    if (value !== undefined) kept[name] = value
  }
  return { ...kept, ...own }
}

/**
 * The address of a call below a base, or undefined if it isn't exactly there. `path` is one that `isApiPath` lets through; what a URL
 * parser makes of the whole is compared with it once more, since that is what will be asked.
 */
export function apiUrl(base: string, path: string, query: string): string | undefined {
  const text = `${base}${path}`
  if (!URL.canParse(text) || !URL.canParse(base)) return undefined
  const [url, below] = [new URL(text), new URL(base)]
  const prefix = below.pathname === '/' ? '' : below.pathname
  const isThere = url.origin === below.origin && url.pathname === `${prefix}${path}` && url.search === ''
  if (!isThere || url.username !== '' || url.hash !== '') return undefined
  return query === '' ? text : `${text}?${query}`
}
