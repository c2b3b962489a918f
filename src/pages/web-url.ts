/**
 * A URL that a page may link to, or undefined. Clients register links of their own (RFC 7591 §2 `policy_uri`, `tos_uri`): one that
 * isn't http(s), or that hides its host behind a user name, is left out rather than shown.
 */
export function webUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined
  if (url.username !== '' || url.password !== '') return undefined
  return url.href
}
