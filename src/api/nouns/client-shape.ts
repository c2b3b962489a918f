import { z } from 'zod'
import { assertionAlgorithms, secretAssertionAlgorithm, signingAlgorithms } from '../../protocol/algorithm.ts'
import { isClientId } from '../../protocol/client-id.ts'
import { authenticationMethods } from '../../protocol/client-authentication.ts'
import { legacySwitches } from '../../protocol/client-metadata.ts'
import { grantTypes } from '../../protocol/grant-type.ts'
import { epoch, instant } from './user-shape.ts'

export const clientId = z
  .string()
  .min(1)
  .max(128)
  .refine(isClientId, 'must be 1 to 128 letters, digits or -._~, and not begin like a user id (usr_)')

const uri = z.string().max(2_000)
const jwks = z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())).max(20) })

/** Members in RFC 7591 names, as they are kept. What each must be, alone and together, `protocol/client-metadata.ts` decides. */
const members = {
  client_name: z.string().max(400).meta({ description: 'What people read on the consent page.' }),
  client_uri: uri.meta({ description: 'Home page of the application.' }),
  logo_uri: uri,
  policy_uri: uri.meta({ description: 'Privacy policy of the application.' }),
  tos_uri: uri.meta({ description: 'Terms of the application.' }),
  redirect_uris: z.array(uri).max(100).meta({
    description:
      'Where answers may go. Compared letter by letter; only http on 127.0.0.1 or [::1] may change its port.',
  }),
  post_logout_redirect_uris: z.array(uri).max(100),
  grant_types: z.array(z.enum([...grantTypes, 'implicit'])).max(10),
  response_types: z
    .array(z.enum(['code', 'token']))
    .max(4)
    .meta({ description: 'Must agree with `grant_types`; may be left out.' }),
  token_endpoint_auth_method: z.enum(authenticationMethods).meta({ description: '`none` makes a public client.' }),
  token_endpoint_auth_signing_alg: z.enum([...assertionAlgorithms, secretAssertionAlgorithm]),
  jwks: jwks.meta({
    description:
      'With `private_key_jwt` or `http_message_signature`: the public keys. A client that signs messages without them has a secret.',
  }),
  require_one_time_code: z
    .boolean()
    .meta({ description: 'With `http_message_signature`: each request carries a one-time code (RFC 6238), signed.' }),
  scope: z.string().max(2_048).meta({
    description:
      'The most it may ask for, separated by spaces. Powers over this server (`admin`, `vault`, `introspect`, …) only whoever holds them gives.',
  }),
  resources: z.array(z.string().max(1_024)).max(100).meta({ description: 'APIs that it may name. Absent: every API.' }),
  id_token_signed_response_alg: z.enum(signingAlgorithms),
  legacy: z.array(z.enum(legacySwitches)).max(6).meta({
    description:
      'Behaviour that OAuth 2.1 dropped, for this client alone; `open_redirector` ends answers with `#_` for one that redirects on.',
  }),
  loopback_only: z.boolean().meta({ description: 'Works only between two ends on this machine.' }),
  require_second_factor: z
    .boolean()
    .meta({ description: 'Nobody gets a token for it without a second factor; who has none is asked to set one up.' }),
} as const

/** Registered names that are taken and not kept (RFC 7591 §2). */
const unused = {
  subject_type: z.literal('public'),
  contacts: z.array(z.string().max(400)).max(20),
  software_id: z.string().max(400),
  software_version: z.string().max(400),
  application_type: z.string().max(40),
} as const

type Members = typeof members & typeof unused
type Loose = { [Name in keyof Members]: z.ZodExactOptional<z.ZodNullable<Members[Name]>> }

const written = Object.fromEntries(
  Object.entries({ ...members, ...unused }).map(([name, schema]) => [name, schema.nullable().exactOptional()]),
) as Loose

/**
 * A member that isn't here is refused all the same: where client metadata is read, which knows more to say about it than that
 * it doesn't exist. A document may say so already.
 */
const noOthers = { additionalProperties: false } as const

export const newClient = z
  .looseObject({
    client_id: clientId
      .nullable()
      .exactOptional()
      .meta({ description: 'Chosen, or made up if absent. One that ever was somebody’s is refused.' }),
    ...written,
  })
  .meta({ id: 'NewClient', description: 'Client metadata (RFC 7591 §2). null counts as absent.', ...noOthers })

const disabled = z
  .boolean()
  .meta({ description: 'Switched off: it gets nothing, and all that it holds is dead for good.' })

export const clientChange = z.looseObject({ ...written, disabled: disabled.exactOptional() }).meta({
  id: 'ClientChange',
  description:
    'Members left out stay as they are; null takes one away. A client that may do less afterwards loses every token.',
  ...noOthers,
})

const secret = {
  client_secret: z.string().meta({ description: 'Shown in this answer and never again.', readOnly: true }),
  client_secret_expires_at: z.literal(0).meta({ description: 'It does not expire (RFC 7591 §3.2.1).' }),
} as const

export const client = z
  .strictObject({
    client_id: clientId,
    client_name: members.client_name.exactOptional(),
    client_uri: members.client_uri.exactOptional(),
    logo_uri: members.logo_uri.exactOptional(),
    policy_uri: members.policy_uri.exactOptional(),
    tos_uri: members.tos_uri.exactOptional(),
    redirect_uris: members.redirect_uris,
    post_logout_redirect_uris: members.post_logout_redirect_uris,
    grant_types: z.array(z.enum(grantTypes)),
    response_types: members.response_types,
    token_endpoint_auth_method: members.token_endpoint_auth_method,
    token_endpoint_auth_signing_alg: members.token_endpoint_auth_signing_alg.exactOptional(),
    jwks: jwks.exactOptional(),
    require_one_time_code: members.require_one_time_code.exactOptional(),
    scope: members.scope,
    resources: members.resources.exactOptional(),
    id_token_signed_response_alg: members.id_token_signed_response_alg,
    legacy: members.legacy,
    loopback_only: members.loopback_only,
    require_second_factor: members.require_second_factor.exactOptional(),
    client_id_issued_at: instant,
    managed_by: z
      .enum(['file', 'administrator'])
      .meta({ description: '`file`: stands in the configuration file and is changed there.' }),
    disabled,
    epoch,
    client_secret: secret.client_secret.exactOptional(),
    client_secret_expires_at: secret.client_secret_expires_at.exactOptional(),
    one_time_code_secret: z
      .string()
      .meta({
        description: 'base32, for SHA1, 6 digits, 30 seconds. Shown in this answer and never again.',
        readOnly: true,
      })
      .exactOptional(),
  })
  .meta({ id: 'Client', description: 'An OAuth client, in RFC 7591 names.' })

export const secretRotation = z
  .strictObject({
    overlap_seconds: z
      .int()
      .min(0)
      .max(604_800)
      .exactOptional()
      .meta({ description: 'How long the old secret goes on working. Default: not at all.' }),
  })
  .meta({ id: 'SecretRotation' })

export const newSecret = z.strictObject({ client_id: clientId, ...secret }).meta({ id: 'NewSecret' })

export const exampleClient: z.input<typeof client> = {
  client_id: 'web',
  client_name: 'My web app',
  redirect_uris: ['https://app.example/cb'],
  post_logout_redirect_uris: [],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'client_secret_basic',
  scope: 'openid profile email offline_access',
  id_token_signed_response_alg: 'RS256',
  legacy: [],
  loopback_only: false,
  client_id_issued_at: 1_795_000_000,
  managed_by: 'administrator',
  disabled: false,
  epoch: 1,
}

/** Fits the shape of secrets and is none: its checksum is wrong. */
export const exampleSecret = 'gth_cs_00000000_example-of-a-secret-which-appears-only-once'
