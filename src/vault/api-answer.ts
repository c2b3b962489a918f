import { isApiPath, isApiQuery } from '../protocol/api-path.ts'
import type { HeaderLine } from '../protocol/http.ts'

/** Headers of an API that its caller gets to see: no cookies, no policies for browsers, nothing from hop to hop. */
const passedOn: ReadonlySet<string> = new Set([
  'content-language',
  'content-length',
  'etag',
  'last-modified',
  'link',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
  'x-request-id',
  'x-total-count',
])
/** What APIs call their budgets. Etsy: `x-limit-per-second`, `x-remaining-today`. */
const budgets = /^(?:ratelimit-|x-ratelimit-|x-rate-limit-|x-limit-per-|x-remaining-)[a-z-]{1,40}$/

const mediaType = /^[A-Za-z0-9!#$&^_.+-]{1,100}\/[A-Za-z0-9!#$&^_.+-]{1,100}(?:[ \t]*;[\x20-\x7e]{0,200})?$/
const printable = /^[\x20-\x7e\t]*$/

/** Whatever an API sends, a browser that is led here makes nothing of it: no page, no script, no memory (CONTRACT, sandbox). */
const sandbox: readonly HeaderLine[] = [
  ['content-security-policy', "sandbox; default-src 'none'"],
  ['content-disposition', 'attachment'],
  ['cache-control', 'no-store'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-resource-policy', 'same-origin'],
]

export type ApiPlace = {
  readonly apiBase: string
  /** Where this server answers for it, without a slash at the end. */
  readonly here: string
  readonly provider: string
}

/** The headers of an answer as its caller gets them. `secrets`: texts that must not stand in one. */
export function answerHeaders(
  headers: Readonly<Record<string, string>>,
  { apiBase, here, provider }: ApiPlace,
  secrets: readonly string[],
): readonly HeaderLine[] {
  const type = headers['content-type'] ?? ''
  const kept = Object.entries(headers).flatMap(([name, value]): readonly HeaderLine[] => {
    if (!passedOn.has(name) && !budgets.test(name)) return []
    if (!printable.test(value) || secrets.some((secret) => value.includes(secret))) return []
    // RFC 8288: the next page is to be asked for here.
    return [[name, name === 'link' ? value.replaceAll(`<${apiBase}/`, `<${here}/`) : value]]
  })
  return [
    ['content-type', mediaType.test(type) ? type : 'application/octet-stream'],
    // Tells what the provider said from what this server says.
    ['gatehouse-provider', provider],
    ...kept,
    ...sandbox,
  ]
}

/** Where a redirect of an API goes to, as a path of ours; undefined: out of its base, or nowhere. It isn't followed here. */
export function redirectHere(location: string | undefined, asked: string, place: ApiPlace): string | undefined {
  if (location === undefined || !URL.canParse(location, asked)) return undefined
  const url = new URL(location, asked)
  const root = new URL(place.apiBase)
  const prefix = root.pathname === '/' ? '' : root.pathname
  if (url.origin !== root.origin || url.username !== '' || !url.pathname.startsWith(`${prefix}/`)) return undefined
  const path = url.pathname.slice(prefix.length)
  const query = url.search.slice(1)
  if (!isApiPath(path) || !isApiQuery(query)) return undefined
  return `${place.here}${path}${query === '' ? '' : `?${query}`}`
}
