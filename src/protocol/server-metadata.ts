import type { SigningAlgorithm } from './algorithm.ts'
import type { AuthenticationMethod } from './client-authentication.ts'
import type { GrantType } from './grant-type.ts'
import { codeChallengeMethod } from './pkce.ts'
import type { Prompt } from './prompt.ts'
import type { ResponseMode, ResponseType } from './response-mode.ts'

/** What is switched on, as whoever switches it on says. An absent endpoint doesn't exist. */
export type Capabilities = {
  readonly issuer: string
  readonly endpoints: {
    readonly jwks: string
    readonly authorization?: string
    readonly token?: string
    readonly userinfo?: string
    readonly introspection?: string
    /** Ours: who signed a request to an API. */
    readonly signedRequest?: string
    readonly revocation?: string
    readonly endSession?: string
  }
  readonly grantTypes: readonly GrantType[]
  readonly responseTypes: readonly ResponseType[]
  readonly responseModes: readonly ResponseMode[]
  readonly authenticationMethods: readonly AuthenticationMethod[]
  /** Algorithms of client assertions, where `private_key_jwt` is on. */
  readonly assertionAlgorithms: readonly string[]
  readonly idTokenAlgorithms: readonly SigningAlgorithm[]
  readonly scopes: readonly string[]
  readonly claims: readonly string[]
  readonly prompts: readonly Prompt[]
  readonly acrValues: readonly string[]
  readonly uiLocales: readonly string[]
  readonly documentation?: string
  readonly policy?: string
  readonly terms?: string
}

export type ServerMetadata = Readonly<Record<string, string | boolean | readonly string[]>>

/**
 * The discovery document, one for both of its addresses (RFC 8414 §2, OIDC Discovery §3, RP-Initiated Logout §2.1, RFC 9207 §3).
 * Members stand in this order always, so the bytes depend on nothing but what is switched on.
 */
export function buildServerMetadata(can: Capabilities): ServerMetadata {
  const { endpoints } = can
  // Introspection and revocation of confidential clients: `none` proves nothing at introspection (RFC 7662 §2.1).
  const confidential = can.authenticationMethods.filter((method) => method !== 'none')
  const assertions = can.authenticationMethods.includes('private_key_jwt') ? can.assertionAlgorithms : undefined
  const members: readonly (readonly [string, string | boolean | readonly string[] | undefined])[] = [
    ['issuer', can.issuer],
    ['authorization_endpoint', endpoints.authorization],
    ['token_endpoint', endpoints.token],
    ['userinfo_endpoint', endpoints.userinfo],
    ['jwks_uri', endpoints.jwks],
    ['introspection_endpoint', endpoints.introspection],
    ['signed_request_endpoint', endpoints.signedRequest],
    ['revocation_endpoint', endpoints.revocation],
    ['end_session_endpoint', endpoints.endSession],
    ['scopes_supported', can.scopes],
    // RFC 8414 §2: required even where there is no authorization endpoint, and empty then.
    ['response_types_supported', can.responseTypes],
    ['response_modes_supported', ifAny(can.responseModes)],
    ['grant_types_supported', impliedGrantTypes(can)],
    ['acr_values_supported', ifAny(can.acrValues)],
    ['subject_types_supported', ['public']],
    ['id_token_signing_alg_values_supported', can.idTokenAlgorithms],
    ['token_endpoint_auth_methods_supported', when(endpoints.token, can.authenticationMethods)],
    ['token_endpoint_auth_signing_alg_values_supported', when(endpoints.token, assertions)],
    ['introspection_endpoint_auth_methods_supported', when(endpoints.introspection, confidential)],
    ['introspection_endpoint_auth_signing_alg_values_supported', when(endpoints.introspection, assertions)],
    ['revocation_endpoint_auth_methods_supported', when(endpoints.revocation, can.authenticationMethods)],
    ['revocation_endpoint_auth_signing_alg_values_supported', when(endpoints.revocation, assertions)],
    ['code_challenge_methods_supported', can.responseTypes.includes('code') ? [codeChallengeMethod] : undefined],
    ['authorization_response_iss_parameter_supported', when(endpoints.authorization, true)],
    ['prompt_values_supported', ifAny(can.prompts)],
    ['claim_types_supported', ['normal']],
    ['claims_supported', ifAny(can.claims)],
    ['claims_parameter_supported', when(endpoints.authorization, true)],
    ['request_parameter_supported', false],
    // OIDC Discovery §3: its default would be true.
    ['request_uri_parameter_supported', false],
    ['ui_locales_supported', ifAny(can.uiLocales)],
    ['service_documentation', can.documentation],
    ['op_policy_uri', can.policy],
    ['op_tos_uri', can.terms],
  ]
  return Object.fromEntries(
    members.filter((member): member is [string, string | boolean | readonly string[]] => member[1] !== undefined),
  )
}

/** RFC 7591 §2.1: a response type `token` goes with the grant type `implicit`. */
function impliedGrantTypes(can: Capabilities): readonly string[] {
  return can.responseTypes.includes('token') ? [...can.grantTypes, 'implicit'] : can.grantTypes
}

function when<T>(endpoint: string | undefined, value: T): T | undefined {
  return endpoint === undefined ? undefined : value
}

function ifAny(values: readonly string[]): readonly string[] | undefined {
  return values.length === 0 ? undefined : values
}
