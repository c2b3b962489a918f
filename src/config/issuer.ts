import { isLoopbackHost } from '../protocol/loopback.ts'

export type IssuerResult = { readonly issuer: string } | { readonly problem: string }

/**
 * Checks an issuer (RFC 8414 §2, OIDC Discovery §3: https, neither query nor fragment) and asks for more: an origin in canonical
 * form, because `iss` is compared octet by octet and `__Host-` cookies belong to a whole origin.
 */
export function parseIssuer(text: string): IssuerResult {
  const url = URL.parse(text)
  if (url === null || !/^https?:\/\//i.test(text)) {
    return { problem: 'is no absolute http(s) URL; write for example https://login.example.org' }
  }
  if (url.username !== '' || url.password !== '') return { problem: 'carries a user name or password; leave it out' }
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) {
    return { problem: 'must be https: plain http is for loopback hosts alone; put TLS in front and write https://…' }
  }
  if (text.includes('?') || text.includes('#')) return { problem: 'has a query or fragment; leave it out' }
  if (text.endsWith('/'))
    return { problem: 'ends in a slash; leave it out, clients compare the issuer letter by letter' }
  if (url.pathname !== '/')
    return { problem: `has a path; Gatehouse wants an origin of its own, for example ${url.origin}` }
  if (text !== url.origin) return { problem: `isn't in canonical form; write ${url.origin}` }
  return { issuer: text }
}
