import { z } from 'zod'
import { findResource, listResources, printResource } from '../../accounts/find-resource.ts'
import { changeResource, createResource, deleteResource, noSuchResource } from '../../accounts/write-resource.ts'
import { decodeBase64url, decodeUtf8, encodeTextBase64url } from '../../crypto/encoding.ts'
import type { Resource } from '../../domain/resource.ts'
import { accessTokenClaims } from '../../protocol/claims.ts'
import { operation, type Operation } from '../operation.ts'
import { pageOf, pageQuery, printPage, readPage } from '../page.ts'
import { administrator, reader } from '../policy.ts'
import { clientId } from './client-shape.ts'
import { instant } from './user-shape.ts'

const one = '/api/v1/resources/{resource_id}'

/**
 * An API's identifier is a URI, whose slashes no path segment can hold: in a path it stands in base64url, which has one
 * spelling and needs no escape.
 */
const params = z.strictObject({
  resource_id: z
    .string()
    .max(1_366)
    .refine((text) => identifierOf(text) !== undefined)
    .meta({
      description:
        'The identifier of the API in base64url without padding (RFC 4648 §5); every answer about it holds it.',
    }),
})

const identifier = z.string().min(1).max(1_024)
const name = z.string().min(1).max(200).meta({ description: 'What people read on the consent page.' })
const scope = z.string().max(2_048).meta({ description: 'The scopes that this API understands, separated by spaces.' })
const scopeDescriptions = z
  .record(z.string().min(1).max(128), z.string().min(1).max(200))
  .meta({ description: 'What people read on the consent page for a scope of this API, in words. Given as a whole.' })
const heldScopes = z.array(z.string().min(1).max(128)).max(64).meta({
  description:
    'Those of its scopes that a token for a person has only if his account holds them; nobody but a superuser gives one that he lacks, to an account or to a client with `client_credentials`. Given as a whole; nobody but a superuser takes one out that he does not hold himself.',
})
const accessToken = z
  .strictObject({
    format: z.enum(['jwt', 'opaque', 'macaroon']).meta({
      description: '`jwt` is verified offline, `opaque` and `macaroon` by introspection.',
    }),
    ttl: z.int().min(30).max(3_600).meta({ description: 'Seconds that an access token lives.' }),
    claims: z.array(z.enum(accessTokenClaims)).max(8).meta({
      description:
        'Claims about the user that this API gets beyond the standard ones, in every token that speaks for somebody.',
    }),
  })
  .meta({ description: 'What tokens for this API look like. Given as a whole.' })
const introspectionClients = z
  .array(clientId)
  .max(100)
  .meta({ description: 'Clients that may introspect tokens for this API.' })

const resource = z
  .strictObject({
    resource_id: z.string(),
    resource: identifier.meta({ description: 'The identifier: an absolute URI without fragment (RFC 8707 §2).' }),
    resource_name: name.exactOptional(),
    scope,
    held_scopes: heldScopes.exactOptional(),
    scope_descriptions: scopeDescriptions.exactOptional(),
    access_token: accessToken,
    introspection_clients: introspectionClients,
    managed_by: z.enum(['file', 'administrator']),
    disabled: z.boolean(),
    created_at: instant,
  })
  .meta({ id: 'Resource', description: 'An API that takes our access tokens.' })

const newResource = z
  .strictObject({
    resource: identifier,
    resource_name: name.nullable().exactOptional(),
    scope: scope.nullable().exactOptional(),
    held_scopes: heldScopes.nullable().exactOptional(),
    scope_descriptions: scopeDescriptions.nullable().exactOptional(),
    access_token: accessToken.nullable().exactOptional(),
    introspection_clients: introspectionClients.nullable().exactOptional(),
  })
  .meta({ id: 'NewResource', description: 'In the names of the configuration file. null counts as absent.' })

const resourceChange = newResource
  .omit({ resource: true })
  .meta({ id: 'ResourceChange', description: 'Members left out stay as they are; null takes one back to its default.' })

const exampleIdentifier = 'https://api.example'
const exampleResource: z.input<typeof resource> = {
  resource_id: encodeTextBase64url(exampleIdentifier),
  resource: exampleIdentifier,
  resource_name: 'The API',
  scope: 'read write',
  access_token: { format: 'jwt', ttl: 900, claims: [] },
  introspection_clients: [],
  managed_by: 'administrator',
  disabled: false,
  created_at: 1_795_000_000,
}

export const resourceOperations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/api/v1/resources',
    id: 'listResources',
    tag: 'APIs',
    summary: 'List APIs',
    description: 'With `resource` the one API of that identifier, or none.',
    policy: reader,
    query: z.strictObject({ ...pageQuery, resource: identifier.exactOptional() }),
    answer: { status: 200, schema: pageOf(resource) },
    refusals: ['invalid_cursor'],
    example: { answer: { items: [exampleResource], next: null } },
    async perform({ context, query }) {
      const list = query.resource === undefined ? 'resources' : 'resources of one identifier'
      const asked = readPage(context.keys, list, query)
      if ('refused' in asked) return asked
      if (query.resource !== undefined) {
        const found = await findResource(context, query.resource)
        return { done: { items: found === undefined ? [] : [shown(found)], next: null } }
      }
      const { resources, next } = await listResources(context, asked)
      return { done: printPage(context.keys, { list, items: resources.map(shown), next }) }
    },
  }),
  operation({
    method: 'POST',
    path: '/api/v1/resources',
    id: 'createResource',
    tag: 'APIs',
    summary: 'Make an API known',
    policy: administrator,
    body: newResource,
    answer: { status: 201, schema: resource },
    refusals: ['conflict'],
    example: {
      body: { resource: exampleIdentifier, resource_name: 'The API', scope: 'read write' },
      answer: exampleResource,
    },
    async perform({ context, caller, body }) {
      const made = await createResource(context, { actor: caller.actor, issuer: context.issuer }, body)
      if ('refused' in made) return made
      const done = shown(made.done)
      return { done, location: `/api/v1/resources/${done.resource_id}` }
    },
  }),
  operation({
    method: 'GET',
    path: one,
    id: 'getResource',
    tag: 'APIs',
    summary: 'Show an API',
    policy: reader,
    params,
    answer: { status: 200, schema: resource },
    refusals: ['not_found'],
    example: { answer: exampleResource },
    async perform({ context, params }) {
      const found = await findResource(context, identifierOf(params.resource_id) ?? '')
      return found === undefined ? { refused: noSuchResource } : { done: shown(found) }
    },
  }),
  operation({
    method: 'PATCH',
    path: one,
    id: 'updateResource',
    tag: 'APIs',
    summary: 'Change an API',
    policy: administrator,
    params,
    body: resourceChange,
    answer: { status: 200, schema: resource },
    refusals: ['not_found', 'managed_by_file'],
    example: { body: { scope: 'read write delete' }, answer: { ...exampleResource, scope: 'read write delete' } },
    async perform({ context, caller, params, body }) {
      const place = { actor: caller.actor, issuer: context.issuer }
      const changed = await changeResource(context, place, {
        resource: identifierOf(params.resource_id) ?? '',
        fields: body,
      })
      return 'refused' in changed ? changed : { done: shown(changed.done) }
    },
  }),
  operation({
    method: 'DELETE',
    path: one,
    id: 'deleteResource',
    tag: 'APIs',
    summary: 'Forget an API',
    description: 'No token is made for it any more. JWTs that are out live until they expire.',
    policy: administrator,
    params,
    answer: { status: 204 },
    refusals: ['not_found', 'managed_by_file'],
    example: {},
    async perform({ context, caller, params }) {
      const deleted = await deleteResource(context, caller.actor, identifierOf(params.resource_id) ?? '')
      return 'refused' in deleted ? deleted : { done: undefined }
    },
  }),
]

type Shown = z.input<typeof resource>

const shown = (of: Resource): Shown =>
  ({ resource_id: encodeTextBase64url(of.resource), ...printResource(of) }) as Shown

function identifierOf(resourceId: string): string | undefined {
  const bytes = decodeBase64url(resourceId)
  return bytes === undefined || bytes.length === 0 ? undefined : decodeUtf8(bytes)
}
