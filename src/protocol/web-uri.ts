/** RFC 3986 without `[` and `]` (only a loopback host may hold them), percent escapes complete. */
const uriCharacters = /^(?:[A-Za-z0-9\-._~:/?@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$/
/** Escapes of controls, and of `%`, `.`, `/`, `\`, which one parser decodes before it walks the path and another after. */
const escapedOddity = /%(?:[01][0-9a-f]|7f|25|2e|2f|5c)/i
const escapedControl = /%(?:[01][0-9a-f]|7f)/i
const dotSegment = /\/\.{1,2}(?:\/|$)/
const webUri = /^(https?):\/\/([^/?#]*)((?:\/[^?#]*)?)(?:\?([^#]*))?$/
const hostLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
/** What URL parsers of browsers take for a number and so for an IPv4 address, whatever stands before it. */
const numericLabel = /^(?:[0-9]+|0x[0-9a-f]*)$/
const ipv4 = /^(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}$/
const outsideAscii = /[^ -~]/
const port = /^[1-9][0-9]{0,4}$/

/**
 * Why a URI is no https URI (or http one on 127.0.0.1, [::1] or localhost) that every parser reads alike, as a sentence
 * that begins after its name; nothing if it is one. Demands the one spelling: lower case, no user name, no dot segments.
 */
export function webUriProblem(uri: string): string | undefined {
  const [, scheme, authority, path = '', query] = webUri.exec(uri) ?? []
  if (scheme === undefined || authority === undefined)
    return 'is no http(s) URI without fragment, as in https://app.example/cb'
  return authorityProblem(authority, scheme === 'http') ?? pathProblem(path) ?? queryProblem(query)
}

export function pathProblem(path: string): string | undefined {
  if (!uriCharacters.test(path)) return 'has a character in its path that no URI may hold; percent-encode it'
  if (escapedOddity.test(path))
    return 'has a percent-encoded control character, dot, slash, backslash or percent sign in its path; leave it out'
  if (dotSegment.test(path)) return 'has a . or .. segment in its path; write the path that is meant'
  return undefined
}

export function queryProblem(query: string | undefined): string | undefined {
  if (query === undefined) return undefined
  if (query === '') return 'ends in an empty query; leave out the ?'
  if (!uriCharacters.test(query)) return 'has a character in its query that no URI may hold; percent-encode it'
  if (escapedControl.test(query)) return 'has a percent-encoded control character in its query; leave it out'
  return undefined
}

/** 1 to 65535 in one spelling. */
function isPort(text: string): boolean {
  return port.test(text) && Number(text) <= 65_535
}

function authorityProblem(authority: string, mustBeLoopback: boolean): string | undefined {
  if (authority.includes('@')) return 'has a user name before the host; leave it out'
  const isSix = authority.startsWith('[')
  const hostEnd = isSix ? authority.indexOf(']') + 1 : authority.indexOf(':')
  const host = hostEnd <= 0 ? authority : authority.slice(0, hostEnd)
  const rest = authority.slice(host.length)
  if (rest !== '' && !(rest.startsWith(':') && isPort(rest.slice(1))))
    return 'has a malformed port; write 1 to 65535 without leading zeros'
  if (isSix) return host === '[::1]' ? undefined : 'has an IPv6 address other than [::1] as host; use a host name'
  const problem = hostProblem(host)
  if (problem !== undefined) return problem
  if (mustBeLoopback && host !== '127.0.0.1' && host !== 'localhost') {
    return 'must be https; plain http is for http://127.0.0.1, http://[::1] and http://localhost alone'
  }
  return undefined
}

function hostProblem(host: string): string | undefined {
  if (host === '') return 'lacks a host'
  if (host.length > 253) return 'has too long a host'
  if (outsideAscii.test(host)) return 'has a host outside ASCII; write its A-labels (xn--...)'
  const labels = host.split('.')
  if (numericLabel.test(labels.at(-1) ?? '')) {
    return ipv4.test(host)
      ? undefined
      : 'has a malformed IP address as host; write four decimal numbers, or a host name'
  }
  if (labels.every((label) => hostLabel.test(label))) return undefined
  return 'has a malformed host; write letters in lower case, digits, hyphens and single dots'
}
