import type { Seconds } from './time.ts'

/** Whether the browser may send it over plain http: only where the issuer is http on a loopback host. */
export type CookieScheme = 'https' | 'http'

export type Cookie = {
  /** Without prefix. */
  readonly name: string
  readonly value: string
  readonly scheme: CookieScheme
  /** Absent: until the browser ends. 0: remove it. */
  readonly maxAge?: Seconds
}

const longestHeader = 16_384
/** RFC 6265 §4.1.1 token and cookie-octet. */
const cookieName = /^[A-Za-z0-9_-]{1,64}$/
const cookieValue = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/

/**
 * Reads a `Cookie` header (RFC 6265 §4.2.1). A name that comes twice counts as absent: one of the two was put there by
 * somebody else, and nobody can tell which.
 */
export function parseCookies(header: string | undefined): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>()
  if (header === undefined || header.length > longestHeader) return cookies
  const twice = new Set<string>()
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    if (equals === -1) continue
    const name = pair.slice(0, equals).trim()
    const value = pair.slice(equals + 1).trim()
    if (cookies.has(name)) twice.add(name)
    else cookies.set(name, value)
  }
  for (const name of twice) cookies.delete(name)
  return cookies
}

/** The name in the browser: `__Host-` binds it to this very host and to https (RFC 6265bis §4.1.3.2); plain http can't have it. */
export function cookieNameOf(name: string, scheme: CookieScheme): string {
  return scheme === 'https' ? `__Host-${name}` : name
}

/** One `Set-Cookie` value: for the whole host, out of reach of scripts and of cross-site posts. */
export function printSetCookie(cookie: Cookie): string {
  if (!cookieName.test(cookie.name) || !cookieValue.test(cookie.value))
    throw new TypeError('cookie outside RFC 6265 §4.1.1')
  return [
    `${cookieNameOf(cookie.name, cookie.scheme)}=${cookie.value}`,
    'Path=/',
    ...(cookie.maxAge === undefined ? [] : [`Max-Age=${cookie.maxAge}`]),
    'HttpOnly',
    'SameSite=Lax',
    ...(cookie.scheme === 'https' ? ['Secure'] : []),
  ].join('; ')
}

/** Makes the browser forget it. */
export function printRemoveCookie(name: string, scheme: CookieScheme): string {
  return printSetCookie({ name, value: '', scheme, maxAge: 0 })
}
