import { presets } from './presets/presets.ts'
import { checkClaims } from './check-claims.ts'
import { claimRepairs } from './claim-repairs.ts'
import { checkHeaders } from './check-headers.ts'
import type { Explained } from './explain.ts'
import { byRegistration, type OAuthProvider, type Provider, type SaidWhen, type SiteLoginProvider } from './provider.ts'
import type { ProviderDescription, ProviderEntry } from './provider-entry.ts'
import { leftOut, readForeignSecret, type SecretPlaces, type SecretReference } from './read-secret.ts'
import type { SecretValue } from './secret-value.ts'

/** First segments of our own paths: a callback path in one of them would stand in the way of a page, now or later. */
export const ownSegments: ReadonlySet<string> = new Set(
  (
    '.well-known account api authorize connect consent console continue device docs email healthz identities invitation jwks ' +
    'language letter logout metrics oauth passkey.js password readyz recover register second-factor signin signout signup static token vault'
  ).split(' '),
)

type Complain = (key: string, problem: string) => void
type Merged = Omit<ProviderEntry, keyof ProviderDescription> & ProviderDescription

/** What a provider of the file must be by itself. Paths begin at the entry; each sentence begins after its key. */
export function checkProvider(
  entry: ProviderEntry,
  { places }: { readonly places: SecretPlaces | typeof leftOut },
): { readonly provider: Provider } | { readonly problems: readonly Explained[] } {
  const problems: Explained[] = []
  const complain: Complain = (key, problem) => void problems.push({ path: [key], problem })
  const merged: Merged = { ...presets[entry.preset], ...entry }
  checkUrls(merged, complain)
  const every = {
    name: entry.name,
    title: merged.title ?? entry.name,
    issuer: merged.issuer ?? '',
    signIn: merged.sign_in ?? byRegistration,
    allowInsecure: entry.allow_insecure,
    claims: claimRepairs(merged),
  } as const
  checkClaims(merged, complain)
  checkHeaders(merged, complain)
  const provider =
    entry.preset === 'site-login' ? siteLogin(merged, every, complain) : oauth(merged, every, { places, complain })
  return provider === undefined || problems.length > 0 ? { problems } : { provider }
}

type Every = Pick<Provider, 'name' | 'title' | 'issuer' | 'signIn' | 'allowInsecure' | 'claims'>

function oauth(
  merged: Merged,
  every: Every,
  { places, complain }: { readonly places: SecretPlaces | typeof leftOut; readonly complain: Complain },
): OAuthProvider | undefined {
  const { authorization_endpoint: authorization, token_endpoint: token, userinfo_endpoint: userinfo } = merged
  const kind = merged.subject?.from === 'id_token' ? 'oidc' : 'oauth2'
  const method = merged.token_endpoint_auth_method ?? 'client_secret_basic'
  if (merged.issuer === undefined) complain('issuer', 'is missing; say under which address its identities are kept')
  if (kind === 'oauth2' && (authorization === undefined || token === undefined))
    complain('token_endpoint', 'and authorization_endpoint are needed where there is no discovery; add them')
  if (merged.subject?.from === 'userinfo' && userinfo === undefined)
    complain('userinfo_endpoint', 'is needed, since the subject comes from there; add it')

  const secretOf = (key: 'client_secret' | 'shared_secret', needed: boolean): SecretValue | undefined => {
    const reference = merged[key]
    if (reference === undefined) {
      if (needed) complain(key, 'is missing; add { env: NAME } or { file: PATH }')
      return undefined
    }
    return foreign(reference, key, { places, complain })
  }
  const clientId =
    typeof merged.client_id === 'object'
      ? places === leftOut
        ? ''
        : foreign(merged.client_id, 'client_id', { places, complain })?.reveal()
      : merged.client_id
  if (merged.client_id === undefined) complain('client_id', 'is missing; it is what the provider calls this server')
  const clientSecret = secretOf('client_secret', method !== 'none')
  const [apiHeaders, tokenHeaders] = [merged.api_headers ?? {}, merged.token_headers ?? {}]
  const sharedSecret = secretOf(
    'shared_secret',
    [apiHeaders, tokenHeaders].flatMap(Object.values).some((template: string) => template.includes('{shared_secret}')),
  )
  if (merged.api_probe !== undefined && merged.api_base === undefined)
    complain('api_probe', 'is a path below api_base, which is missing; add that')
  const callbackPath = merged.callback_path ?? `/vault/callback/${every.name}`
  if (merged.callback_path !== undefined && ownSegments.has(merged.callback_path.split('/')[1] ?? ''))
    complain('callback_path', 'shadows a path of this server; choose another')
  // Without a stable id there is nobody to sign in.
  const signIn = merged.subject === undefined ? 'off' : every.signIn
  if (merged.subject === undefined && merged.sign_in !== undefined && merged.sign_in !== 'off')
    complain('subject', 'is missing; signing in needs the stable id of a person')

  return {
    ...every,
    kind,
    signIn,
    clientId: clientId ?? '',
    ...(clientSecret !== undefined && { clientSecret }),
    ...(sharedSecret !== undefined && { sharedSecret }),
    tokenEndpointAuthMethod: method,
    endpoints: {
      ...(authorization !== undefined && { authorization }),
      ...(token !== undefined && { token }),
      ...(userinfo !== undefined && { userinfo }),
      ...(merged.revocation_endpoint !== undefined && { revocation: merged.revocation_endpoint }),
      ...(merged.jwks_uri !== undefined && { jwks: merged.jwks_uri }),
      ...(merged.emails_endpoint !== undefined && { emails: merged.emails_endpoint }),
    },
    issuerAliases: merged.issuer_aliases ?? [],
    ...(merged.id_token_signed_response_alg !== undefined && { idTokenAlgorithm: merged.id_token_signed_response_alg }),
    responseIss: merged.authorization_response_iss_parameter_supported ?? false,
    pkce: merged.pkce ?? 'send',
    scope: words(merged.scope),
    connectScope: words(merged.connect_scope ?? merged.scope),
    scopeSeparator: merged.scope_separator ?? ' ',
    requestScopeSeparator: merged.request_scope_separator ?? ' ',
    authorizeParameters: merged.authorize_parameters ?? {},
    offlineParameters: merged.offline_parameters ?? {},
    tokenHeaders,
    tokenResponse: merged.token_response ?? 'json',
    errorInSuccess: merged.error_in_success ?? false,
    subject: merged.subject ?? { from: 'nowhere' },
    requiredClaims: Object.fromEntries(
      Object.entries(merged.required_claims ?? {}).map(([name, values]) => [name, [values].flat()]),
    ),
    ...(merged.subject_format !== undefined && { subjectFormat: merged.subject_format }),
    usernameClaims: merged.username_claims ?? [],
    nameClaim: merged.name_claim ?? 'name',
    refresh: merged.refresh ?? 'rotating',
    refreshErrors: merged.refresh_errors ?? [],
    ...(merged.expires_in !== undefined && { expiresIn: merged.expires_in }),
    ...(merged.refresh_ttl !== undefined && { refreshTtl: merged.refresh_ttl }),
    ...(merged.api_base !== undefined && { apiBase: merged.api_base.replace(/\/$/, '') }),
    apiHeaders,
    ...(merged.api_probe !== undefined && { apiProbe: merged.api_probe }),
    callbackPath,
    anonymous: merged.anonymous,
  }
}

function siteLogin(merged: Merged, every: Every, complain: Complain): SiteLoginProvider | undefined {
  const { login_endpoint: loginEndpoint, login_fields: fields } = merged
  if (loginEndpoint === undefined) complain('login_endpoint', 'is missing; it takes name and password')
  if (merged.issuer === undefined) complain('issuer', 'is missing; say under which address its identities are kept')
  if (merged.anonymous) complain('anonymous', 'has no meaning for a site-login; leave it out')
  if (loginEndpoint === undefined || fields === undefined) return undefined
  return {
    ...every,
    kind: 'site-login',
    loginEndpoint,
    ...(merged.session_endpoint !== undefined && { sessionEndpoint: merged.session_endpoint }),
    request: merged.login_request ?? 'json',
    fields: {
      username: fields.username,
      password: fields.password,
      ...(fields.session_length !== undefined && { sessionLength: fields.session_length }),
    },
    sessionLengths: merged.session_lengths ?? [],
    tokenField: merged.credential_field ?? 'access_token',
    subjectClaim: merged.subject_claim ?? 'sub',
    usernameClaim: merged.username_claim ?? 'username',
    wrongStatuses: merged.wrong_statuses ?? [401],
    lockedStatuses: merged.locked_statuses ?? [],
    ...(merged.wrong_when !== undefined && { wrongWhen: saidWhen(merged.wrong_when) }),
    ...(merged.locked_when !== undefined && { lockedWhen: saidWhen(merged.locked_when) }),
    credentialClients: merged.credential_clients ?? [],
  }
}

const saidWhen = ({ at, is }: NonNullable<Merged['wrong_when']>): SaidWhen => ({ at, is: [is].flat() })

function foreign(
  reference: SecretReference,
  key: string,
  { places, complain }: { readonly places: SecretPlaces | typeof leftOut; readonly complain: Complain },
): SecretValue | undefined {
  const read = readForeignSecret(reference, places)
  if ('secret' in read) return read.secret
  complain(key, read.problem)
  return undefined
}

const urlKeys = [
  'issuer',
  'authorization_endpoint',
  'token_endpoint',
  'userinfo_endpoint',
  'revocation_endpoint',
  'jwks_uri',
  'emails_endpoint',
  'api_base',
  'login_endpoint',
  'session_endpoint',
] as const satisfies readonly (keyof ProviderDescription)[]

/** F12, F14: https, whoever names it, unless the entry says that it may be less. */
function checkUrls(merged: Merged, complain: Complain): void {
  for (const key of urlKeys) {
    const text = merged[key]
    if (text === undefined) continue
    const url = URL.canParse(text) ? new URL(text) : undefined
    const plain = url?.username === '' && url.password === '' && url.hash === ''
    if (url === undefined || !plain || (url.protocol !== 'https:' && url.protocol !== 'http:'))
      complain(key, 'must be an https URL without user name and fragment')
    else if (url.protocol === 'http:' && !merged.allow_insecure)
      complain(key, 'must be https; for a test or an intranet add allow_insecure: true')
  }
}

function words(scope: string | undefined): readonly string[] {
  return [...new Set((scope ?? '').split(' ').filter((word) => word !== ''))]
}
