/**
 * What a request path is worth (A32). `alias`: another spelling of something that has one canonical spelling, or of nothing;
 * there is never anything at it. `malformed`: no URI path at all.
 */
export type PathJudgement = 'canonical' | 'alias' | 'malformed'

export function judgePath(path: string): PathJudgement {
  if (path === '/') return 'canonical'
  if (!uriPath.test(path)) return 'malformed'
  let alias = !canonicalShape.test(path)
  if (path.includes('%')) {
    let text: string
    try {
      text = decodeURIComponent(path)
    } catch {
      return 'malformed'
    }
    if (control.test(text)) return 'malformed'
    // RFC 3986 §2.3: an escaped unreserved character is the same as a bare one. §2.1: hex digits are upper case.
    alias ||= needlessEscape.test(path) || lowerCaseEscape.test(path)
  }
  return alias ? 'alias' : 'canonical'
}

/** RFC 3986 §3.3: what a path may consist of at all. */
const uriPath = /^\/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*$/

/** No empty segment, hence no slash at the end; no `.` or `..`; no `;` parameters. */
const canonicalShape = /^(?:\/(?!\.{1,2}(?:\/|$))[^/;]+)+$/

/** Escapes of `A-Z a-z 0-9 - . _ ~`. */
const needlessEscape = /%(?:4[1-9A-Fa-f]|5[0-9Aa]|6[1-9A-Fa-f]|7[0-9Aa]|3[0-9]|2[Dd]|2[Ee]|5[Ff]|7[Ee])/
const lowerCaseEscape = /%(?:[a-f]|[0-9A-F][a-f])/
const control = /[\0-\x1f\x7f-\x9f\u2028\u2029]/
