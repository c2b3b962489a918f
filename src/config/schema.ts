import { z } from 'zod'
import { accessTokenClaims } from '../protocol/claims.ts'
import { assertionAlgorithms, secretAssertionAlgorithm, signingAlgorithms } from '../protocol/algorithm.ts'
import { isClientId } from '../protocol/client-id.ts'
import { hasControlCharacter } from '../protocol/control-character.ts'
import { authenticationMethods } from '../protocol/client-authentication.ts'
import { legacySwitches } from '../protocol/client-metadata.ts'
import { isRefusal } from '../protocol/errors.ts'
import { grantTypes } from '../protocol/grant-type.ts'
import { parseScope } from '../protocol/scope.ts'
import { webUriProblem } from '../protocol/web-uri.ts'
import { isAddressRange } from './address-range.ts'
import { logLevels } from './config.ts'
import { providerEntry } from './provider-entry.ts'
import { secretReference } from './secret-reference.ts'

/** Longest life of an access token: offline verification can only end at its `exp`. */
export const longestAccessTokenTtl = 3600

/** Longest time that audit events are kept: a store that deletes by its own clock counts on none longer. */
export const longestKeepDays = 3650

const scopes = z
  .string()
  .refine(
    (value) => value === '' || !isRefusal(parseScope(value)),
    'must be scope names with exactly one space between them',
  )

const text = z.string().min(1, 'must not be empty').max(200, 'is longer than 200 characters')
const httpsUrl = z
  .string()
  .refine((value) => value.startsWith('https://') && webUriProblem(value) === undefined, 'must be an https URL')
const uri = z.string()

const strongSecret = secretReference.meta({
  description:
    '`{ env: NAME }` or `{ file: PATH }`, at least 256 bits. With `client_secret_jwt` and `http_message_signature` one that `gatehouse key create --client-secret` made. A value in clear is refused.',
})

/** Shapes only: what the values must be, alone and together, is decided where every client is read (`protocol/client-metadata.ts`). */
const clientEntry = z.strictObject({
  client_id: z
    .string()
    .refine(isClientId, 'must be 1 to 128 letters, digits or -._~, and not begin like a user id (usr_)')
    .meta({
      description: 'The name by which the client introduces itself. Chosen here; a deleted one is never used again.',
    }),
  client_name: z.string().optional().meta({ description: 'What people read on the consent page.' }),
  client_uri: z.string().optional().meta({ description: 'Home page of the application.' }),
  logo_uri: z
    .string()
    .optional()
    .meta({ description: 'Kept and told by the API; our pages load nothing from elsewhere.' }),
  policy_uri: z.string().optional().meta({ description: 'Privacy policy of the application.' }),
  tos_uri: z.string().optional().meta({ description: 'Terms of the application.' }),
  redirect_uris: z.array(z.string()).optional().meta({
    description:
      'Where answers may go. Compared letter by letter; only http on 127.0.0.1 or [::1] may change its port.',
  }),
  post_logout_redirect_uris: z.array(z.string()).optional().meta({ description: 'Where sign-out may lead back to.' }),
  grant_types: z
    .array(z.enum([...grantTypes, 'implicit']))
    .optional()
    .meta({
      description: 'What it may do at the token endpoint; `urn:…:token-exchange` is the name of RFC 8693 §2.1.',
      default: ['authorization_code'],
    }),
  response_types: z
    .array(z.enum(['code', 'token']))
    .optional()
    .meta({ description: 'Must agree with `grant_types`; may be left out.' }),
  token_endpoint_auth_method: z
    .enum(authenticationMethods)
    .optional()
    .meta({ description: 'How it proves itself. `none` makes a public client.', default: 'client_secret_basic' }),
  token_endpoint_auth_signing_alg: z
    .enum([...assertionAlgorithms, secretAssertionAlgorithm])
    .optional()
    .meta({
      description:
        'With `private_key_jwt`: the one algorithm that is accepted; absent: whichever fits the key. With `client_secret_jwt`: HS256.',
    }),
  jwks: z
    .strictObject({ keys: z.array(z.record(z.string(), z.unknown())) })
    .optional()
    .meta({ description: 'With `private_key_jwt` or `http_message_signature`: the public keys, as a JWK Set.' }),
  require_one_time_code: z.boolean().optional().meta({
    description:
      'A one-time code in each signed request. Its secret is shown once, so such a client is made by the API or on the command line.',
    default: false,
  }),
  client_secret: strongSecret.optional(),
  scope: z.string().optional().meta({
    description: 'The most it may ask for, separated by spaces.',
    default: 'openid profile email',
  }),
  resources: z.array(z.string()).optional().meta({ description: 'APIs it may name. Absent: every API.' }),
  id_token_signed_response_alg: z
    .enum(signingAlgorithms)
    .optional()
    .meta({ description: 'Algorithm of its ID tokens.', default: 'RS256' }),
  legacy: z.array(z.enum(legacySwitches)).optional().meta({
    description:
      'Behaviour that OAuth 2.1 dropped, for this client alone; `open_redirector` ends answers with `#_` for one that redirects on. `gatehouse doctor` lists each.',
    default: [],
  }),
  loopback_only: z
    .boolean()
    .optional()
    .meta({ description: 'Works only between two ends on this machine.', default: false }),
  require_second_factor: z.boolean().optional().meta({
    description: 'Nobody gets a token for it without a second factor; who has none is asked to set one up.',
    default: false,
  }),
})

export const resourceEntry = z.strictObject({
  resource: uri.meta({ description: 'Identifier of the API: an absolute URI without fragment (RFC 8707).' }),
  resource_name: text.optional().meta({ description: 'What people read on the consent page.' }),
  scope: scopes.default('').meta({ description: 'The scopes that this API understands.' }),
  held_scopes: z.array(z.string().min(1).max(128)).max(64).optional().meta({
    description:
      'Those of its scopes that a token for a person has only if his account holds them (`gatehouse user set-scopes`). Nobody but a superuser gives one that he lacks, to an account or to a client that acts for itself (`client_credentials`).',
    default: [],
  }),
  scope_descriptions: z
    .record(
      z.string(),
      text.refine((words) => !hasControlCharacter(words), 'must stand on one line'),
    )
    .optional()
    .meta({ description: 'What people read on the consent page for a scope of this API, in words.' }),
  access_token: z
    .strictObject({
      format: z.enum(['jwt', 'opaque', 'macaroon']).default('jwt').meta({
        description:
          '`jwt` is verified offline, `opaque` by introspection; so is `macaroon`, which its holder can narrow offline.',
      }),
      ttl: z
        .int()
        .min(30)
        .max(longestAccessTokenTtl)
        .default(900)
        .meta({ description: 'Seconds that an access token lives.' }),
      claims: z.array(z.enum(accessTokenClaims)).default([]).meta({
        description:
          'Claims about the user that this API gets beyond the standard ones, in every token for it that speaks for somebody, also one that was made without a sign-in; of imported macaroons at introspection. What he was given beyond his role is none of them: what counts here stands in `scope` (decision 0019).',
      }),
    })
    .prefault({})
    .meta({ description: 'What tokens for this API look like.' }),
  introspection_clients: z
    .array(z.string().min(1).max(128))
    .max(100)
    .default([])
    .meta({ description: 'Clients that may introspect tokens for this API.' }),
})

/** `gatehouse.yaml`. Documentation and JSON Schema are generated from here. */
export const fileSchema = z.strictObject({
  issuer: z.string().optional().meta({
    description: 'The origin under which everybody reaches this server. Must be https unless its host is loopback.',
    default: 'http://localhost:<port>',
  }),
  listen: z
    .strictObject({
      host: z.string().min(1).max(255).optional().meta({ description: 'Address to listen on.', default: '127.0.0.1' }),
      port: z.int().min(0).max(65535).optional().meta({ description: 'Port to listen on.', default: 8080 }),
    })
    .optional()
    .meta({ description: 'Where the server listens. TLS ends at a proxy in front of it.' }),
  data: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Directory of the SQLite file and the key file. Relative to this file.', default: './data' }),
  store: z.string().optional().meta({
    description:
      '`sqlite:PATH` (relative to this file), `postgres://USER:PASSWORD@HOST/DATABASE`, `mysql://USER:PASSWORD@HOST/DATABASE`, `dynamodb://REGION/TABLE` or `memory:`.',
    default: 'sqlite:<data>/gatehouse.db',
  }),
  trusted_proxies: z
    .array(z.string().refine(isAddressRange, 'must be an IP address or a range such as 10.0.0.0/8'))
    .default([])
    .meta({ description: 'Proxies whose forwarding headers count. Nobody else has any say in addresses.' }),
  users: z
    .strictObject({
      registration: z.enum(['closed', 'invite', 'open']).default('closed').meta({
        description:
          'Who may make an account. `closed`: administrators alone. `invite`: whoever one of them invites. `open`: everybody; with `mail` it takes the link in a letter.',
      }),
      second_factor: z
        .array(z.enum(['editor', 'admin', 'superuser']))
        .default([])
        .meta({
          description:
            'Roles that get no token in a browser without a second factor; who has none is asked to set one up.',
        }),
    })
    .prefault({})
    .meta({ description: 'Policy for accounts.' }),
  mail: z
    .strictObject({
      smtp: z
        .union([z.string(), strongSecret], {
          error: 'must be smtp://… or smtps://…, or { env: NAME } or { file: PATH }',
        })
        .meta({
          description:
            'The mail server: `smtps://HOST` or `smtp://HOST` (which must offer STARTTLS unless it is on this machine). With a password in it, `{ env: NAME }` or `{ file: PATH }`.',
        }),
      from: z.string().min(3).max(254).meta({ description: 'Address that letters come from: `login@example.org`.' }),
    })
    .optional()
    .meta({ description: 'Letters: registration, confirmed addresses, forgotten passwords. Absent: none of these.' }),
  audit: z
    .strictObject({
      sink: z.string().min(1, 'must be stdout, file:PATH or https://…').meta({
        description:
          '`stdout`, `file:PATH` (relative to this file) or `https://…`, to which each event is sent as a JSON line (POST, `application/x-ndjson`).',
      }),
      authorization: strongSecret.optional().meta({
        description: 'With https: the value of the `Authorization` header, as `{ env: NAME }` or `{ file: PATH }`.',
      }),
      allow_insecure: z
        .boolean()
        .default(false)
        .meta({ description: 'The collector may be reached over http and at private addresses.' }),
    })
    .optional()
    .meta({
      description:
        'A second place for audit events. While it takes none, nothing is issued or changed (503); what is out already is verified. See docs/audit.md.',
    }),
  events: z
    .strictObject({
      keep_days: z
        .int()
        .min(7, 'must be at least 7')
        .max(longestKeepDays, `must be at most ${longestKeepDays}`)
        .default(400)
        .meta({
          description:
            'How long audit events are kept. Less counts for what is there already, more only for what comes; see docs/audit.md.',
        }),
    })
    .prefault({})
    .meta({ description: 'The audit events.' }),
  pages: z
    .strictObject({
      product_name: text.optional().meta({ description: 'What the place calls itself.', default: 'Gatehouse' }),
      logo: z
        .string()
        .optional()
        .meta({ description: 'A PNG, JPEG, WebP or SVG file of at most 48 KiB, relative to this file.' }),
      privacy_policy: httpsUrl.optional().meta({ description: 'Linked at the foot of every page.' }),
      terms: httpsUrl.optional().meta({ description: 'Linked at the foot of every page.' }),
      accent: z
        .string()
        .regex(/^#[\da-fA-F]{6}$/, 'must be a colour such as "#2457c5" (in quotes: # begins a comment)')
        .optional()
        .meta({ description: 'Colour of buttons and links, for example `"#2457c5"`.' }),
    })
    .prefault({})
    .meta({ description: 'How pages look.' }),
  metrics: z
    .strictObject({
      port: z.int().min(1).max(65535).meta({ description: 'Port on 127.0.0.1 that serves `/metrics`.' }),
    })
    .optional()
    .meta({ description: 'Prometheus metrics, on a listener of their own. Absent: none.' }),
  log: z
    .strictObject({
      level: z.enum(logLevels).optional().meta({ description: 'How much is logged.', default: 'info' }),
    })
    .optional()
    .meta({ description: 'One JSON line per event, on standard output.' }),
  clients: z.array(clientEntry).max(10_000).default([]).meta({
    description: 'OAuth clients, in RFC 7591 names. Read-only everywhere else.',
  }),
  resources: z.array(resourceEntry).max(10_000).default([]).meta({
    description: 'APIs that take our access tokens. Read-only everywhere else.',
  }),
  providers: z.array(providerEntry).max(100).default([]).meta({
    description: 'Other servers, through which people sign in and whose tokens are kept.',
  }),
})

export type FileShape = z.output<typeof fileSchema>
export type ClientEntry = FileShape['clients'][number]
export type ResourceEntry = FileShape['resources'][number]
