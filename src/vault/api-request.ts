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
  const root = rootOf(base)
  const text = `${root}${path}`
  if (!URL.canParse(text) || !URL.canParse(root)) return undefined
  const [url, below] = [new URL(text), new URL(root)]
  const prefix = below.pathname === '/' ? '' : below.pathname
  const isThere = url.origin === below.origin && url.pathname === `${prefix}${path}` && url.search === ''
  if (!isThere || url.username !== '' || url.hash !== '') return undefined
  return query === '' ? text : `${text}?${query}`
}

/** A base without the slash at its end: every path brings one. */
export function rootOf(base: string): string {
  return base.endsWith('/') ? base.slice(0, -1) : base
}
