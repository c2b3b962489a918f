import { refuse, type Refusal } from './errors.ts'
import { decodeFormText } from './parameters.ts'
import { remembering } from './remembering.ts'
import { pathProblem, queryProblem, webUriProblem } from './web-uri.ts'

/** Also the cap of what is compared: nothing longer was ever registered. */
export const redirectUriLimits = { characters: 2_000, perClient: 100 } as const

declare const verified: unique symbol
/**
 * A redirect URI that the client of this very request registered. Only `verifyRedirectUri` makes one, so nothing, not even
 * an error, can be sent to an address that nobody verified.
 */
export type RedirectTarget = string & { readonly [verified]: true }

/** Parameters that we put into authorization responses. A registered URI holding one of them could yield two `code`s (OAuch: CodePollution). */
const responseParameters: ReadonlySet<string> = new Set([
  'code',
  'state',
  'iss',
  'error',
  'error_description',
  'error_uri',
  'access_token',
  'token_type',
  'expires_in',
  'scope',
  'id_token',
  'response',
  'session_state',
])

const privateUri = /^([a-z][a-z0-9.-]*):(\/[^?]*)(?:\?(.*))?$/
/** RFC 8252 §7.1: a domain name in reverse, so that it belongs to somebody. */
const reverseDomain = /^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+$/
/** RFC 8252 §7.3: the loopback addresses whose port the app learns only when it starts. */
const loopback = /^http:\/\/(127\.0\.0\.1|\[::1\])(?::[0-9]*)?/
const schemeOf = /^([A-Za-z][A-Za-z0-9+.-]*):/

/**
 * Why a redirect URI can't be registered, as a sentence that begins after its name; nothing if it can.
 * Allowed: https; http on 127.0.0.1, [::1] and localhost; private-use schemes (RFC 8252 §7). Always in one spelling only,
 * since requests are compared with it letter by letter (RFC 9700 §2.1). Post-logout URIs keep to the same rules
 * (OIDC RP-Initiated Logout §3.1).
 */
export function redirectUriProblem(uri: string): string | undefined {
  if (uri === '') return 'is empty'
  if (uri.length > redirectUriLimits.characters) return `is longer than ${redirectUriLimits.characters} characters`
  if (uri.includes('#')) return 'has a fragment; leave it out (RFC 6749 3.1.2)'
  if (uri.includes('*'))
    return 'has a wildcard; register each URI as it is, redirect URIs are compared letter by letter'
  if (uri.includes('\\')) return 'has a backslash; write /'
  const scheme = schemeOf.exec(uri)?.[1]
  if (scheme === undefined) return 'is no absolute URI; it begins with its scheme, as in https://app.example/cb'
  if (scheme !== scheme.toLowerCase()) return 'has a scheme in capitals; write it in lower case'
  const problem = scheme === 'https' || scheme === 'http' ? webUriProblem(uri) : privateUseProblem(uri, scheme)
  return problem ?? responseNameProblem(uri.includes('?') ? uri.slice(uri.indexOf('?') + 1) : '')
}

/**
 * The one way to a `RedirectTarget`: the requested URI is, octet by octet, one that is registered; only the port of a
 * loopback address may differ (RFC 8252 §7.3, RFC 9700 §2.1). Where exactly one is registered it may be left out (RFC 6749 §3.1.2.3).
 */
export function verifyRedirectUri(
  registered: readonly string[],
  requested: string | undefined,
): RedirectTarget | Refusal {
  if (requested === undefined) {
    const [only, another] = registered
    if (only === undefined || another !== undefined) {
      return refuse(
        'invalid_request',
        'redirect_uri_missing',
        'redirect_uri is required: the client does not have exactly one',
      )
    }
    return registeredTarget(only)
  }
  const same = registered.find((uri) => uri === requested)
  if (same !== undefined) return registeredTarget(same)
  const withoutPort = withoutLoopbackPort(requested)
  if (withoutPort !== undefined && registered.some((uri) => withoutLoopbackPort(uri) === withoutPort))
    return asTarget(requested)
  return mismatch()
}

/** The registration rules once more: they judge the port that was asked for, and no record of another hand opens what they close. */
function asTarget(uri: string): RedirectTarget | Refusal {
  return redirectUriProblem(uri) === undefined ? (uri as RedirectTarget) : mismatch()
}

/** The same of one as its client's record spells it: asked for again and again, and nobody who asks can push others out. */
const registeredTarget = remembering(256, asTarget)

function mismatch(): Refusal {
  return refuse('invalid_request', 'redirect_uri_mismatch', 'redirect_uri is not registered for this client')
}

function withoutLoopbackPort(uri: string): string | undefined {
  const match = loopback.exec(uri)
  if (match === null) return undefined
  return `http://${match[1]}${uri.slice(match[0].length)}`
}

function privateUseProblem(uri: string, scheme: string): string | undefined {
  // RFC 8252 §7.1: without a dot the scheme is nobody's, or (javascript:, data:, file:, …) the browser's own.
  if (!reverseDomain.test(scheme)) {
    return 'has a scheme that is not allowed; use https, or for an app its domain in reverse, as in com.example.app:/cb'
  }
  if (uri.startsWith('//', scheme.length + 1))
    return 'has // after its private-use scheme; write a single slash, as in com.example.app:/cb'
  const [, , path, query] = privateUri.exec(uri) ?? []
  if (path === undefined) return 'lacks a slash after its private-use scheme, as in com.example.app:/cb'
  return pathProblem(path) ?? queryProblem(query)
}

/** Two `code`s can't meet in a response if no registered query holds one. */
function responseNameProblem(query: string): string | undefined {
  // `;` separates for some frameworks still.
  for (const pair of query.split(/[&;]/)) {
    const name = decodeFormText(pair.split('=', 1)[0] ?? '')
    if (name === undefined) return 'has a broken percent escape in its query'
    // `code[]` counts as `code`: some frameworks read it so.
    if (responseParameters.has((name.split('[', 1)[0] ?? '').toLowerCase().trim())) {
      return 'has a parameter in its query that authorization responses use (code, state, iss, error, ...); rename it'
    }
  }
  return undefined
}
