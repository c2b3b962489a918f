import { z } from 'zod'
import { jsonPointer } from '../protocol/json-pointer.ts'
import { secretReference } from './secret-reference.ts'

const url = z.string().min(1).max(2048)
const claim = z.string().regex(/^[A-Za-z0-9_.:/-]{1,100}$/, 'must be the name of a member')
const parameters = z.record(z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/), z.string().max(500))
const headers = z.record(
  z.string().regex(/^[a-z0-9-]{1,64}$/, 'must be a header name in lower case'),
  z
    .string()
    .max(500)
    .regex(/^[\x20-\x7e]*$/, 'must be printable ASCII'),
)
const pointer = z.string().max(200).regex(jsonPointer, 'must be a JSON pointer such as /name/first')
const word = z.union([z.string().max(200), z.number(), z.boolean()])
const repair = z.strictObject({
  at: z.union([pointer, z.array(pointer).min(1).max(4)]).optional(),
  find: z.strictObject({ where: z.record(claim, word), take: pointer }).optional(),
  as: z.enum(['text', 'boolean', 'list']).optional(),
})
const saidWhen = z.strictObject({ at: pointer, is: z.union([word, z.array(word).min(1).max(20)]) })
/** From the root, in the one spelling that every server reads the same. */
const path = z
  .string()
  .max(500)
  .regex(/^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*){1,8}$/, 'must be a path such as /v1/ping')
const scope = z.string().max(2000)

/** Ninety days: a choice beyond that would promise what no session keeps. */
export const longestSiteSession = 7_776_000
const sessionLength = z
  .int()
  .min(60)
  .refine(
    (seconds) => seconds <= longestSiteSession,
    `must be at most ${longestSiteSession}: no session lives longer than 90 days`,
  )
  .meta({ maximum: longestSiteSession })

export const presetNames = [
  'etsy',
  'github',
  'google',
  'orcid',
  'gitlab',
  'wikimedia',
  'oidc',
  'oauth2',
  'site-login',
] as const

/** What describes a provider, in the names of RFC 8414 where it has one. A preset is nothing else. */
export const providerDescription = z.strictObject({
  title: z.string().min(1).max(60).optional().meta({ description: 'What people read on its button.' }),
  issuer: url.optional().meta({
    description: 'Identities are kept under it. With `oidc` its discovery document says the endpoints.',
  }),
  issuer_aliases: z.array(z.string().max(500)).max(5).optional().meta({ description: 'Other `iss` of its ID tokens.' }),
  authorization_endpoint: url.optional(),
  token_endpoint: url.optional(),
  userinfo_endpoint: url.optional(),
  revocation_endpoint: url.optional(),
  jwks_uri: url.optional(),
  emails_endpoint: url.optional().meta({
    description: 'Asked too; what it answers is the claim `emails`, a list with `email`, `primary`, `verified`.',
  }),
  token_endpoint_auth_method: z.enum(['client_secret_basic', 'client_secret_post', 'none']).optional(),
  id_token_signed_response_alg: z.enum(['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']).optional(),
  authorization_response_iss_parameter_supported: z
    .boolean()
    .optional()
    .meta({ description: 'Callbacks must carry `iss` (RFC 9207), even if its metadata promise nothing.' }),
  pkce: z
    .enum(['required', 'send', 'off'])
    .optional()
    .meta({ description: '`required` refuses a provider whose metadata lack S256.', default: 'send' }),
  scope: scope.optional().meta({ description: 'What signing in asks for.' }),
  connect_scope: scope.optional().meta({ description: 'What a connection asks for that names no scope.' }),
  scope_separator: z.enum([' ', ',']).optional().meta({ description: 'Between the scopes of its answers.' }),
  request_scope_separator: z
    .enum([' ', ','])
    .optional()
    .meta({ description: 'Between the scopes that it is asked for; here they are written with spaces.', default: ' ' }),
  authorize_parameters: parameters.optional().meta({ description: 'Sent with every authorization request.' }),
  offline_parameters: parameters.optional().meta({ description: 'Sent too where a refresh token is wanted.' }),
  token_headers: headers.optional().meta({
    description: 'Sent with token requests; `{client_id}` and `{shared_secret}` are filled in.',
  }),
  token_response: z.enum(['json', 'form']).optional().meta({ description: '`form`: may be form-encoded.' }),
  error_in_success: z.boolean().optional().meta({ description: 'Errors may come with status 200.' }),
  subject: z
    .union([
      z.strictObject({ from: z.enum(['id_token', 'token_prefix']) }),
      z.strictObject({ from: z.literal('userinfo'), claim }),
    ])
    .optional()
    .meta({ description: 'Where the stable id of a person comes from; never a name or an address.' }),
  claims: z.record(claim, repair).optional().meta({
    description:
      'Repairs, by claim: `at` says where it stands (a JSON pointer; several are joined), `find` what to take of the first entry of a list that fits `where`, `as` whether to write it as `text`, `boolean` or `list`.',
  }),
  required_claims: z
    .record(claim, z.union([z.string().max(200), z.array(z.string().max(200)).min(1).max(50)]))
    .optional()
    .meta({ description: 'What its ID tokens must say, or one of several: `{ hd: example.org }`.' }),
  subject_format: z.literal('orcid').optional(),
  sign_in: z.enum(['off', 'existing', 'create']).optional().meta({
    description:
      'Whether people come in through it: never, with a linked account, as newcomers too. Absent: newcomers where registration is open.',
  }),
  username_claims: z.array(claim).max(5).optional().meta({ description: 'What a user name is suggested from.' }),
  name_claim: claim.optional(),
  refresh: z
    .enum(['rotating', 'static', 'none'])
    .optional()
    .meta({ description: 'What refreshing does to the refresh token; with `none`, none is kept.' }),
  refresh_errors: z
    .array(z.string().regex(/^[a-z_]{1,60}$/, 'must be an error code such as bad_refresh_token'))
    .max(10)
    .optional()
    .meta({
      description:
        'Error codes, besides `invalid_grant`, with which it says that a refresh token is dead: its person must connect anew.',
    }),
  expires_in: z.int().min(1).max(4_000_000_000).optional().meta({ description: 'Where its answers do not say.' }),
  refresh_ttl: z.int().min(1).max(4_000_000_000).optional().meta({
    description: 'Seconds that an unused refresh token lives; after them its person is asked, and not the provider.',
  }),
  api_base: url.optional().meta({ description: 'The only place that the proxy calls.' }),
  api_headers: headers.optional().meta({
    description: 'Sent with calls of its API; `{client_id}` and `{shared_secret}` are filled in.',
  }),
  api_probe: path.optional().meta({
    description: 'A path below `api_base` that answers with `api_headers` alone; `provider check` asks it.',
  }),
  login_endpoint: url.optional().meta({ description: '`site-login`: takes name and password.' }),
  session_endpoint: url.optional().meta({ description: '`site-login`: says whose credential it is.' }),
  login_request: z.enum(['json', 'form']).optional(),
  login_fields: z
    .strictObject({ username: claim, password: claim, session_length: claim.optional() })
    .optional()
    .meta({ description: 'What the login endpoint calls them.' }),
  session_lengths: z
    .array(sessionLength)
    .max(8)
    .optional()
    .meta({ description: 'Seconds that people choose from, at most 90 days; the first is chosen at first.' }),
  credential_field: claim.optional().meta({ description: "Member that holds the site's own credential." }),
  subject_claim: claim.optional(),
  username_claim: claim.optional(),
  wrong_statuses: z.array(z.int().min(400).max(599)).max(10).optional(),
  locked_statuses: z.array(z.int().min(400).max(599)).max(10).optional(),
  wrong_when: saidWhen.optional().meta({
    description:
      '`site-login`: how an answer in JSON says that the password is wrong, whatever its status: `at` where (a JSON pointer), `is` what stands there, or one of several.',
  }),
  locked_when: saidWhen.optional().meta({ description: 'The same of a locked account; looked at first.' }),
})

export type ProviderDescription = z.output<typeof providerDescription>

/** One entry of `providers:`. */
export const providerEntry = providerDescription.extend({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be 1 to 32 lower-case letters, digits or hyphens, a letter first')
    .meta({ description: 'Its name in paths, buttons and commands.' }),
  preset: z.enum(presetNames).meta({ description: 'What it is like. Every key below may differ from it.' }),
  client_id: z.union([z.string().min(1).max(500), secretReference]).optional(),
  client_secret: secretReference.optional().meta({ description: '`{ env: NAME }` or `{ file: PATH }`.' }),
  shared_secret: secretReference.optional().meta({ description: 'A second secret, for `api_headers`.' }),
  callback_path: z
    .string()
    .regex(/^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*){1,5}$/, 'must be a path such as /etsy')
    .optional()
    .meta({ description: 'Keeps a path that is registered there already.', default: '/vault/callback/<name>' }),
  anonymous: z.boolean().default(false).meta({ description: 'Connections without an account or client.' }),
  allow_insecure: z.boolean().default(false).meta({ description: 'http and private addresses: tests and intranets.' }),
  credential_clients: z
    .array(z.string().min(1).max(128))
    .max(100)
    .optional()
    .meta({ description: "`site-login`: clients that may fetch the site's credential." }),
})

export type ProviderEntry = z.output<typeof providerEntry>
