import { parseClaims } from '../protocol/claims.ts'
import { isRefusal, refuse, type Refusal } from '../protocol/errors.ts'
import { parseMaxAge } from '../protocol/max-age.ts'
import { refuseRepeated, type Parameters } from '../protocol/parameters.ts'
import { parseCodeChallenge } from '../protocol/pkce.ts'
import { parsePrompt } from '../protocol/prompt.ts'
import { verifyRedirectUri, type RedirectTarget } from '../protocol/redirect-uri.ts'
import { parseResources } from '../protocol/resource.ts'
import {
  codeResponseModes,
  defaultResponseMode,
  parseResponseMode,
  type ResponseMode,
  type ResponseType,
} from '../protocol/response-mode.ts'
import { isReservedScope, isSubset, parseScope } from '../protocol/scope.ts'
import { authenticationContexts } from './authentication-context.ts'
import type { Client } from './client.ts'
import type { AuthorizationRequest } from './interaction.ts'
import { claimsWithin } from './requested-claims.ts'

/** Octets of UTF-8 or characters; what is longer helps nobody but an attacker. */
export const authorizeLimits = {
  state: 2_048,
  nonce: 512,
  loginHint: 256,
  uiLocales: 8,
  listItem: 128,
} as const

/**
 * What became of an authorization request. `page`: for the person alone, nothing may go anywhere. `redirect`: for the client,
 * whose address is verified. `request`: every check that needs no person is passed.
 */
export type AuthorizeOutcome =
  | { readonly page: Refusal }
  | {
      readonly redirect: Refusal
      readonly client: Client
      readonly target: RedirectTarget
      readonly mode: ResponseMode
      readonly state: string | undefined
    }
  | { readonly request: AuthorizationRequest; readonly client: Client; readonly target: RedirectTarget }

/**
 * Judges an authorization request (RFC 6749 §4.1.1, §4.1.2.1; OIDC Core §3.1.2.1, §3.1.2.2). The first three checks decide whether
 * the redirect URI can be trusted; only after them does a refusal go to the client. `client` is whoever `client_id` names.
 */
export function parseAuthorizeRequest(parameters: Parameters, client: Client | undefined): AuthorizeOutcome {
  // 1. One value each: with two, another parser might take the other one.
  const repeated = refuseRepeated(parameters)
  if (repeated !== undefined) return { page: repeated }

  // 2. A client that we know, and that may still ask.
  if (parameters.get('client_id') === undefined)
    return { page: refuse('invalid_request', 'parameter_missing', 'client_id is required') }
  if (client === undefined || client.clientId !== parameters.get('client_id'))
    return { page: refuse('unauthorized_client', 'client_unknown') }
  if (client.disabled) return { page: refuse('unauthorized_client', 'client_disabled') }

  // 3. A redirect URI that this client registered.
  const target = verifyRedirectUri(client.redirectUris, parameters.get('redirect_uri'))
  if (isRefusal(target)) return { page: target }

  // 4. From here on the client hears of it.
  const state = parameters.get('state')
  const request = parseForClient(parameters, client, target)
  if (isRefusal(request)) {
    const echoed = state !== undefined && utf8Length(state) <= authorizeLimits.state ? state : undefined
    return { redirect: request, client, target, mode: refusalMode(parameters, client, target), state: echoed }
  }
  return { request, client, target }
}

/** The checks whose refusal goes to the client, in their order. */
function parseForClient(
  parameters: Parameters,
  client: Client,
  target: RedirectTarget,
): AuthorizationRequest | Refusal {
  // 4a. What we don't do, before anything in it could be believed (OIDC Core §3.1.2.6, §6.1, §6.2, §7.2.1).
  const unsupported = refuseUnsupported(parameters)
  if (unsupported !== undefined) return unsupported
  // 4b. state: echoed as it came, or not at all.
  const state = parameters.get('state')
  if (state !== undefined && utf8Length(state) > authorizeLimits.state) {
    return refuse('invalid_request', 'state_too_long', 'state is longer than 2048 octets')
  }
  // 4c. response_type and response_mode.
  const responseType = parseResponseType(parameters.get('response_type'), client)
  if (isRefusal(responseType)) return responseType
  const responseMode = parseResponseMode(parameters.get('response_mode'), responseType)
  if (isRefusal(responseMode)) return responseMode
  if (responseMode === 'form_post' && !takesForms(target)) {
    return refuse(
      'invalid_request',
      'response_mode_unsupported',
      'response_mode form_post needs an http(s) redirect URI',
    )
  }
  // 4d. PKCE of every client (RFC 9700 §2.1.1); a token response has no code that it could protect.
  const codeChallenge =
    responseType === 'code'
      ? parseCodeChallenge(parameters.get('code_challenge'), parameters.get('code_challenge_method'))
      : undefined
  if (isRefusal(codeChallenge)) return codeChallenge
  // 4e. scope and resource, within what the client may ask for.
  const scope = parseRequestedScope(parameters.get('scope'), client)
  if (isRefusal(scope)) return scope
  const resources = parseRequestedResources(parameters.all('resource'), client)
  if (isRefusal(resources)) return resources
  // 4f. What OpenID Connect asks about the sign-in.
  const nonce = parameters.get('nonce')
  const loginHint = parameters.get('login_hint')
  if (nonce !== undefined && nonce.length > authorizeLimits.nonce) return tooLong('nonce is longer than 512 characters')
  if (loginHint !== undefined && loginHint.length > authorizeLimits.loginHint)
    return tooLong('login_hint is longer than 256 characters')
  const prompt = optional(parameters.get('prompt'), parsePrompt)
  if (isRefusal(prompt)) return prompt
  const maxAge = optional(parameters.get('max_age'), parseMaxAge)
  if (isRefusal(maxAge)) return maxAge
  const claims = optional(parameters.get('claims'), parseClaims)
  if (isRefusal(claims)) return claims
  const subject = claims?.idToken['sub']?.value
  const acrValues = parseAcrValues(parameters.get('acr_values'))

  return {
    clientId: client.clientId,
    redirectUri: target,
    responseType,
    responseMode,
    scope,
    resources,
    ...(state === undefined ? {} : { state }),
    ...(nonce === undefined ? {} : { nonce }),
    ...(codeChallenge === undefined ? {} : { codeChallenge }),
    prompt: prompt ?? [],
    ...(maxAge === undefined ? {} : { maxAge }),
    ...(loginHint === undefined ? {} : { loginHint }),
    uiLocales: parseLocales(parameters.get('ui_locales')),
    // Like scope: the most it may ask for is what it registered. What is beyond that is left out (OIDC Core §5.5.1).
    ...(claims === undefined ? {} : { claims: claimsWithin(claims, client.scope) }),
    ...(acrValues.length === 0 ? {} : { acrValues }),
    ...(subject === undefined ? {} : { subject }),
  }
}

function refuseUnsupported(parameters: Parameters): Refusal | undefined {
  if (parameters.get('request') !== undefined) return refuse('request_not_supported', 'request_object_unsupported')
  if (parameters.get('request_uri') !== undefined)
    return refuse('request_uri_not_supported', 'request_object_unsupported')
  if (parameters.get('registration') !== undefined)
    return refuse('registration_not_supported', 'request_object_unsupported')
  return undefined
}

function parseResponseType(text: string | undefined, client: Client): ResponseType | Refusal {
  if (text === undefined) return refuse('invalid_request', 'response_type_missing', 'response_type is required')
  if (text === 'code') {
    return client.grantTypes.includes('authorization_code')
      ? text
      : refuse('unauthorized_client', 'response_type_not_allowed')
  }
  if (text !== 'token') return refuse('unsupported_response_type', 'response_type_unsupported')
  return client.legacy.includes('implicit') ? text : refuse('unauthorized_client', 'response_type_not_allowed')
}

/** Where no scope is named, what the client registered (RFC 6749 §3.3), without the powers over this server, which must be asked for by name. */
function parseRequestedScope(text: string | undefined, client: Client): readonly string[] | Refusal {
  if (text === undefined) return client.scope.filter((scope) => !isReservedScope(scope))
  const scope = parseScope(text)
  if (isRefusal(scope) || isSubset(scope, client.scope)) return scope
  return refuse('invalid_scope', 'scope_not_allowed', 'the client is not registered for all of this scope')
}

function parseRequestedResources(texts: readonly string[], client: Client): readonly string[] | Refusal {
  const resources = parseResources(texts)
  if (isRefusal(resources) || client.resources === undefined || isSubset(resources, client.resources)) return resources
  return refuse('invalid_target', 'resource_not_allowed')
}

/** No browser can post a form to an app's own scheme (RFC 8252 §7.1): the answer would be lost on the way. */
function takesForms(target: RedirectTarget): boolean {
  return target.startsWith('https:') || target.startsWith('http:')
}

/** How a refusal goes back: the way that was asked for where that is possible, else the response type's own. */
function refusalMode(parameters: Parameters, client: Client, target: RedirectTarget): ResponseMode {
  if (parameters.get('response_type') === 'token' && client.legacy.includes('implicit'))
    return defaultResponseMode('token')
  const asked = parameters.get('response_mode')
  const mode = codeResponseModes.find((candidate) => candidate === asked) ?? defaultResponseMode('code')
  return mode === 'form_post' && !takesForms(target) ? defaultResponseMode('code') : mode
}

/** In order of preference (OIDC Core §3.1.2.1); what can't be read is left out. */
function parseLocales(text: string | undefined): readonly string[] {
  if (text === undefined) return []
  const shape = /^[\x21-\x7e]+$/
  return [...new Set(text.slice(0, 1_024).split(' '))]
    .filter((one) => one.length <= authorizeLimits.listItem && shape.test(one))
    .slice(0, authorizeLimits.uiLocales)
}

/** Those that we know: a wish that means nothing to us is none (OIDC Core §3.1.2.1). */
function parseAcrValues(text: string | undefined): readonly string[] {
  const asked = new Set((text ?? '').slice(0, 1_024).split(' '))
  const known: ReadonlySet<string> = new Set(authenticationContexts)
  return [...asked].filter((value) => known.has(value))
}

function optional<T>(text: string | undefined, parse: (text: string) => T | Refusal): T | Refusal | undefined {
  return text === undefined ? undefined : parse(text)
}

function tooLong(hint: string): Refusal {
  return refuse('invalid_request', 'parameter_too_long', hint)
}

/** Octets of the text in UTF-8; it is well-formed, since it came through the form parser. */
function utf8Length(text: string): number {
  let octets = text.length
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit > 0x7f) octets += unit > 0x7ff ? (unit >= 0xd800 && unit <= 0xdfff ? 1 : 2) : 1
  }
  return octets
}
