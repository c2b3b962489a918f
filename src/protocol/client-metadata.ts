import { signingAlgorithms, type SigningAlgorithm } from './algorithm.ts'
import { readAuthentication, type RegisteredAuthentication } from './client-authentication.ts'
import { refuse, type Refusal } from './errors.ts'
import { grantTypes, isGrantType, tokenExchangeGrant, type GrantType } from './grant-type.ts'
import {
  FieldProblem,
  oneOf,
  readBoolean,
  readClientId,
  readDisplayName,
  readField,
  readRedirectUris,
  readResources,
  readScope,
  readWebUri,
  someOf,
} from './metadata-field.ts'
import { printScope } from './scope.ts'

/**
 * Behaviour that OAuth 2.1 dropped, kept for single clients that still need it. Off by default; `doctor` shows each.
 * `open_redirector`: its redirect URI sends browsers on to wherever it is told, so an answer carries a fragment that takes the place
 * of any other (RFC 9700 §4.1.3).
 */
export const legacySwitches = ['implicit', 'password', 'assertion_audience', 'open_redirector'] as const
export type LegacySwitch = (typeof legacySwitches)[number]

/** Client metadata (RFC 7591 §2) in our names, checked and complete. */
export type ClientMetadata = {
  readonly clientId?: string
  readonly name?: string
  readonly uri?: string
  readonly logoUri?: string
  readonly policyUri?: string
  readonly tosUri?: string
  readonly authentication: RegisteredAuthentication
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris: readonly string[]
  readonly grantTypes: readonly GrantType[]
  readonly scope: readonly string[]
  readonly resources?: readonly string[]
  readonly idTokenAlgorithm: SigningAlgorithm
  readonly legacy: readonly LegacySwitch[]
  readonly loopbackOnly: boolean
  readonly requireSecondFactor?: true
}

/** A refusal that names the field, in wire names. Its hint is the whole sentence: field, what is wrong, the mend. */
export type FieldRefusal = Refusal & { readonly field: string }

/** The same in RFC 7591 names. `legacy`, `loopback_only`, `require_second_factor` and `resources` are ours. */
export type ClientDocument = Readonly<Record<string, unknown>>

/** Registered names that change nothing for us: taken and not kept (RFC 7591 §2 lets a server ignore what it has no use for). */
const unused: ReadonlySet<string> = new Set(['contacts', 'software_id', 'software_version', 'application_type'])

const known: ReadonlySet<string> = new Set([
  'client_id',
  'client_name',
  'client_uri',
  'logo_uri',
  'policy_uri',
  'tos_uri',
  'redirect_uris',
  'post_logout_redirect_uris',
  'grant_types',
  'response_types',
  'token_endpoint_auth_method',
  'token_endpoint_auth_signing_alg',
  'jwks',
  'require_one_time_code',
  'scope',
  'resources',
  'id_token_signed_response_alg',
  'subject_type',
  'legacy',
  'loopback_only',
  'require_second_factor',
])

/** Registered names that ask for something which isn't here. Saying so is better than a client that believes it has it. */
const unsupported: Readonly<Record<string, string>> = {
  client_secret: 'is made by the server; leave it out',
  jwks_uri: 'is not supported yet; send the public keys in jwks',
  sector_identifier_uri: 'is not supported; subjects are public',
  request_uris: 'is not supported; send the parameters themselves',
  backchannel_logout_uri: 'is not supported yet; leave it out',
  frontchannel_logout_uri: 'is not supported; leave it out',
  tls_client_certificate_bound_access_tokens: 'is not supported yet; leave it out',
  dpop_bound_access_tokens: 'is not supported yet; leave it out',
  require_pushed_authorization_requests: 'is not supported yet; leave it out',
  userinfo_signed_response_alg: 'is not supported; userinfo answers plain JSON',
  id_token_encrypted_response_alg: 'is not supported; leave it out',
  software_statement: 'is not supported; leave it out',
}

/**
 * Reads client metadata (RFC 7591 §2) from JSON, YAML or flags. A member that is null counts as absent (RFC 7592 §2.2);
 * one that doesn't exist is refused, since a misspelt restriction would otherwise restrict nothing.
 */
export function parseClientMetadata(value: unknown): ClientMetadata | FieldRefusal {
  try {
    return readClientMetadata(value)
  } catch (error) {
    if (!(error instanceof FieldProblem)) throw error
    // RFC 7591 §3.2.2 has a code of its own for redirect URIs.
    const code = error.field.startsWith('redirect_uris') ? 'invalid_redirect_uri' : 'invalid_client_metadata'
    return { ...refuse(code, error.reason, `${error.field} ${error.message}`), field: error.field }
  }
}

function readClientMetadata(value: unknown): ClientMetadata {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FieldProblem('client metadata', 'must be a JSON object')
  }
  const document: ClientDocument = Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== null && member !== undefined),
  )
  for (const name of Object.keys(document)) refuseStrange(name)

  const clientId = readField(document, 'client_id', readClientId)
  const name = readField(document, 'client_name', readDisplayName)
  const uri = readField(document, 'client_uri', readWebUri)
  const logoUri = readField(document, 'logo_uri', readWebUri)
  const policyUri = readField(document, 'policy_uri', readWebUri)
  const tosUri = readField(document, 'tos_uri', readWebUri)
  const redirectUris = readField(document, 'redirect_uris', readRedirectUris) ?? []
  const postLogoutRedirectUris = readField(document, 'post_logout_redirect_uris', readRedirectUris) ?? []
  const legacy = readField(document, 'legacy', someOf(legacySwitches)) ?? []
  const resources = readField(document, 'resources', readResources)
  const authentication = readAuthentication(document, { assertionAudience: legacy.includes('assertion_audience') })
  const granted = readGrantTypes(document, {
    legacy,
    isPublic: authentication.method === 'none',
    hasRedirectUri: redirectUris.length > 0,
  })
  readField(document, 'subject_type', oneOf(['public']))
  return {
    ...(clientId === undefined ? {} : { clientId }),
    ...(name === undefined ? {} : { name }),
    ...(uri === undefined ? {} : { uri }),
    ...(logoUri === undefined ? {} : { logoUri }),
    ...(policyUri === undefined ? {} : { policyUri }),
    ...(tosUri === undefined ? {} : { tosUri }),
    authentication,
    redirectUris,
    postLogoutRedirectUris,
    grantTypes: granted,
    scope: readField(document, 'scope', readScope) ?? defaultScope(granted, legacy),
    ...(resources === undefined ? {} : { resources }),
    idTokenAlgorithm: readField(document, 'id_token_signed_response_alg', oneOf(signingAlgorithms)) ?? 'RS256',
    legacy,
    loopbackOnly: readField(document, 'loopback_only', readBoolean) ?? false,
    ...(readField(document, 'require_second_factor', readBoolean) === true && { requireSecondFactor: true }),
  }
}

/** The metadata in RFC 7591 names. Parsing the result gives the same metadata. */
export function printClientMetadata(metadata: ClientMetadata): ClientDocument {
  const { authentication: proof, legacy } = metadata
  const responseTypes = [
    ...(metadata.grantTypes.includes('authorization_code') ? ['code'] : []),
    ...(legacy.includes('implicit') ? ['token'] : []),
  ]
  const members: ClientDocument = {
    client_id: metadata.clientId,
    client_name: metadata.name,
    client_uri: metadata.uri,
    logo_uri: metadata.logoUri,
    policy_uri: metadata.policyUri,
    tos_uri: metadata.tosUri,
    redirect_uris: metadata.redirectUris,
    post_logout_redirect_uris: metadata.postLogoutRedirectUris,
    grant_types: metadata.grantTypes,
    response_types: responseTypes,
    token_endpoint_auth_method: proof.method,
    token_endpoint_auth_signing_alg: 'algorithm' in proof ? proof.algorithm : undefined,
    jwks: 'keys' in proof ? { keys: proof.keys } : undefined,
    require_one_time_code: 'requireOneTimeCode' in proof && proof.requireOneTimeCode ? true : undefined,
    scope: printScope(metadata.scope),
    resources: metadata.resources,
    id_token_signed_response_alg: metadata.idTokenAlgorithm,
    legacy,
    loopback_only: metadata.loopbackOnly,
    require_second_factor: metadata.requireSecondFactor,
  }
  return Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined))
}

function refuseStrange(name: string): void {
  if (known.has(name) || unused.has(name)) return
  if (Object.hasOwn(unsupported, name)) throw new FieldProblem(name, unsupported[name] ?? '', 'metadata_unsupported')
  // The name is a stranger's: it goes into no answer.
  throw new FieldProblem(
    'client metadata',
    `holds a field that does not exist; known are ${[...known].join(', ')}`,
    'metadata_unknown',
  )
}

type GrantContext = {
  readonly legacy: readonly LegacySwitch[]
  readonly isPublic: boolean
  readonly hasRedirectUri: boolean
}

/** Grant types, response types and legacy switches say parts of the same thing (RFC 7591 §2.1): they must agree. */
function readGrantTypes(
  document: ClientDocument,
  { legacy, isPublic, hasRedirectUri }: GrantContext,
): readonly GrantType[] {
  const asked = readField(document, 'grant_types', someOf([...grantTypes, 'implicit'])) ?? ['authorization_code']
  for (const old of ['implicit', 'password'] as const) {
    if (asked.includes(old) && !legacy.includes(old))
      throw grantConflict(`holds ${old}, which needs the legacy switch ${old}`)
  }
  // RFC 6749 §4.4: only confidential clients, since whoever knows a public client's id would be that client.
  for (const proven of ['client_credentials', tokenExchangeGrant] as const) {
    if (isPublic && asked.includes(proven))
      throw grantConflict(`holds ${proven}, which a client with token_endpoint_auth_method none cannot have`)
  }
  const granted = asked.filter(isGrantType)
  if (legacy.includes('password') && !granted.includes('password')) granted.push('password')
  if (granted.includes('refresh_token') && !granted.includes('authorization_code') && !granted.includes('password')) {
    throw grantConflict('holds refresh_token without authorization_code, which is where refresh tokens come from')
  }
  const redirects = granted.includes('authorization_code') || legacy.includes('implicit')
  if (redirects && !hasRedirectUri) {
    throw new FieldProblem('redirect_uris', 'must hold at least one URI for this kind of client', 'metadata_conflict')
  }
  for (const type of readField(document, 'response_types', someOf(['code', 'token'])) ?? []) {
    const fits = type === 'code' ? granted.includes('authorization_code') : legacy.includes('implicit')
    if (!fits) {
      throw new FieldProblem(
        'response_types',
        type === 'code'
          ? 'holds code without the grant type authorization_code'
          : 'holds token, which needs the legacy switch implicit',
        'metadata_conflict',
      )
    }
  }
  return granted
}

function grantConflict(text: string): FieldProblem {
  return new FieldProblem('grant_types', text, 'metadata_conflict')
}

/** RFC 7591 §2 `scope`: what a client that names none may ask for. Nothing beyond who the person is. */
function defaultScope(granted: readonly GrantType[], legacy: readonly LegacySwitch[]): readonly string[] {
  if (!granted.includes('authorization_code') && !legacy.includes('implicit')) return []
  return ['openid', 'profile', 'email', ...(granted.includes('refresh_token') ? ['offline_access'] : [])]
}
