import { z } from 'zod'
import { lifetimes } from '../domain/lifetimes.ts'
import { problem, problemCodes, type ProblemCode } from '../protocol/problem.ts'
import { jsonSchemaOf, type JsonSchema } from './json-schema.ts'
import type { Operation, Tag } from './operation.ts'
import type { Policy } from './policy.ts'
import { refusalsOf } from './refusals.ts'

export const openApiPath = '/api/openapi.json'

type Json = Readonly<Record<string, unknown>>

const tags: Readonly<Record<Tag, string>> = {
  Oneself: 'What a person may see and change about himself, with the scope `me`.',
  Accounts: 'Accounts, for whoever administers.',
  Clients: 'OAuth clients. What stands in the configuration file is read-only here.',
  APIs: 'APIs that take our access tokens. What stands in the configuration file is read-only here.',
  Keys: 'The rings of keys, without the keys.',
  Events: 'Who did what, when, from where.',
}

const problemSchema = z
  .object({
    type: z.string().meta({ description: '`urn:gatehouse:problem:<code>`' }),
    title: z.string(),
    status: z.int(),
    code: z.enum(problemCodes),
    detail: z.string().exactOptional().meta({ description: 'What is wrong here, and how to fix it.' }),
    field: z.string().exactOptional().meta({ description: 'The member concerned.' }),
  })
  .meta({ id: 'Problem', description: 'An error (RFC 9457). Programs go by `code`.' })

/** The OpenAPI 3.1 document of a table of calls. The same table gives the same bytes. */
export function openApiDocument(operations: readonly Operation[], issuer: string): Json {
  const schemas = new Map<string, JsonSchema>()
  const collect = (schema: z.ZodType): JsonSchema => {
    const { schema: converted, named } = jsonSchemaOf(schema)
    for (const [name, one] of Object.entries(named)) schemas.set(name, one)
    return converted
  }
  const problemRef = collect(problemSchema)
  const paths: Record<string, Record<string, Json>> = {}
  for (const operation of operations) {
    const methods = (paths[operation.path] ??= {})
    methods[operation.method.toLowerCase()] = printOperation(operation, collect, problemRef)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Gatehouse',
      version: '1',
      summary: 'Accounts, clients, APIs and oneself.',
      description:
        'JSON in and out. Instants are seconds since 1970. Send an access token whose audience is this server (get it without a `resource` parameter). Members and parameters that do not exist are refused, and nothing is converted: a number is not a text.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: issuer }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: Object.fromEntries([...schemas].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes: {
        token: { type: 'openIdConnect', openIdConnectUrl: `${issuer}/.well-known/openid-configuration` },
        signature: {
          type: 'apiKey',
          in: 'header',
          name: 'Signature',
          description: 'RFC 9421, with `Signature-Input` and `Content-Digest` beside it.',
        },
      },
    },
  }
}

function printOperation(
  operation: Operation,
  collect: (schema: z.ZodType) => JsonSchema,
  problemRef: JsonSchema,
): Json {
  const { policy, body, answer, example } = operation
  const answered = answer.schema !== undefined && { content: printContent(collect(answer.schema), example.answer) }
  return {
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    description: [operation.description, policyInWords(policy)].filter((text) => text !== undefined).join('\n\n'),
    security: securityOf(policy),
    'x-gatehouse-policy': printPolicy(policy),
    parameters: [
      ...printParameters(operation.params, 'path', collect),
      ...printParameters(operation.query, 'query', collect),
    ],
    ...(body !== undefined && {
      requestBody: { required: !operation.bodyOptional, content: printContent(collect(body), example.body) },
    }),
    responses: {
      [answer.status]: {
        description: answer.status === 204 ? 'Done.' : answer.status === 201 ? 'Made.' : 'The answer.',
        ...answered,
      },
      ...(operation.found !== undefined && { 200: { description: operation.found, ...answered } }),
      ...(operation.accepted !== undefined && {
        202: {
          description: operation.accepted,
          content: printContent({ type: 'object', additionalProperties: false }, {}),
        },
      }),
      ...Object.fromEntries(
        [...refusalsOf(operation)].map(([status, codes]) => [status, printRefusals(status, codes, problemRef)]),
      ),
    },
  }
}

const printContent = (schema: JsonSchema, example: unknown): Json => ({
  'application/json': { schema, ...(example !== undefined && { example }) },
})

function printParameters(
  schema: z.ZodObject,
  where: 'path' | 'query',
  collect: (schema: z.ZodType) => JsonSchema,
): readonly Json[] {
  const { properties = {}, required = [] } = collect(schema) as {
    properties?: Record<string, JsonSchema>
    required?: readonly string[]
  }
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: where,
    required: required.includes(name),
    ...(description !== undefined && { description }),
    schema: rest,
  }))
}

function printRefusals(status: number, codes: readonly ProblemCode[], problemRef: JsonSchema): Json {
  const headers = {
    ...(status === 401 && {
      'WWW-Authenticate': { description: 'RFC 6750 §3, RFC 9470 §3.', schema: { type: 'string' } },
    }),
    ...((status === 429 || status === 503) && {
      'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' } },
    }),
  }
  return {
    description: codes.map((code) => `\`${code}\`: ${problem(code).title}.`).join(' '),
    ...(Object.keys(headers).length > 0 && { headers }),
    content: {
      'application/problem+json': { schema: problemRef, example: problem(codes[0] ?? 'server_error') },
    },
  }
}

/** One requirement for each scope that is enough. */
function securityOf(policy: Policy): readonly Json[] {
  if (policy.who === 'anybody') return []
  if (policy.who === 'signer') return [{ signature: [] }]
  if (policy.who === 'bearer') return [{ token: [] }]
  const scopes = policy.who === 'owner' ? [...policy.scopes, ...policy.clientScopes] : policy.scopes
  return scopes.map((scope) => ({ token: [scope] }))
}

function printPolicy(policy: Policy): Json {
  return {
    who: policy.who,
    ...('scopes' in policy && { scopes: policy.scopes }),
    ...('scope' in policy && { scope: policy.scope }),
    ...('clientScopes' in policy && { client_scopes: policy.clientScopes }),
    ...('role' in policy && { role: policy.role }),
    ...('recentSignIn' in policy && policy.recentSignIn !== 'never' && { recent_sign_in: policy.recentSignIn }),
  }
}

/** Who may, in a sentence that documents share. */
export function policyInWords(policy: Policy): string {
  if (policy.who === 'anybody') return 'For everybody, without a token.'
  if (policy.who === 'bearer') return 'For every live token whose audience is this server.'
  if (policy.who === 'signer')
    return `Needs no token: a client that acts for itself, holds the scope \`${policy.scope}\` and registered the method \`http_message_signature\` signs the call (RFC 9421). Each signature works once.`
  const scopes = inWords(policy.scopes)
  if (policy.who === 'owner')
    return `Needs the scope ${scopes} and a token of a person, or the scope ${inWords(policy.clientScopes)} and a token of a client that acts for itself.`
  if (policy.who === 'holder')
    return `Needs the scope ${scopes}, of a client that acts for itself or of an account that was given it.`
  const who =
    policy.who === 'oneself'
      ? `Needs the scope ${scopes} and a token of a person.`
      : `Needs the scope ${scopes} and the role \`${policy.role}\`${policy.role === 'admin' ? ' (or a client that acts for itself)' : ''}.`
  const { recentSignIn } = policy
  if (recentSignIn === 'never') return who
  const when =
    recentSignIn === 'always' ? '' : ` where it names ${recentSignIn.map((field) => `\`${field}\``).join(', ')}`
  return `${who} Needs a sign-in of the last ${lifetimes.recentSignIn / 60} minutes${when}.`
}

const inWords = (scopes: readonly string[]): string => scopes.map((scope) => `\`${scope}\``).join(' or ')
