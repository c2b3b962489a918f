import { z } from 'zod'
import { changeClient, deleteClient, noSuchClient, rotateClientSecret } from '../../accounts/change-client.ts'
import { createClient, type MadeClient } from '../../accounts/create-client.ts'
import { printCredentials } from '../../accounts/client-credentials.ts'
import { findClient, listClients, printClient } from '../../accounts/find-client.ts'
import type { Client } from '../../domain/client.ts'
import { operation, type Operation } from '../operation.ts'
import { pageOf, pageQuery, printPage, readPage } from '../page.ts'
import { administrator, administratorJustNow, reader } from '../policy.ts'
import {
  client,
  clientChange,
  clientId,
  exampleClient,
  exampleSecret,
  newClient,
  newSecret,
  secretRotation,
} from './client-shape.ts'

const one = '/api/v1/clients/{client_id}'
const params = z.strictObject({ client_id: clientId })
/** Room for a hundred long redirect URIs. */
const bodyLimit = 1_048_576
const onceShown = { client_secret: exampleSecret, client_secret_expires_at: 0 } as const

export const clientOperations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/api/v1/clients',
    id: 'listClients',
    tag: 'Clients',
    summary: 'List clients',
    policy: reader,
    query: z.strictObject(pageQuery),
    answer: { status: 200, schema: pageOf(client) },
    refusals: ['invalid_cursor'],
    example: { answer: { items: [exampleClient], next: null } },
    async perform({ context, query }) {
      const asked = readPage(context.keys, 'clients', query)
      if ('refused' in asked) return asked
      const { clients, next } = await listClients(context, asked)
      return { done: printPage(context.keys, { list: 'clients', items: clients.map(shown), next }) }
    },
  }),
  operation({
    method: 'POST',
    path: '/api/v1/clients',
    id: 'createClient',
    tag: 'Clients',
    summary: 'Make a client',
    description:
      'The answer holds the secret of a confidential client, this once. Nobody gives a client a power that he lacks; a client that acts for itself gives scopes of its own alone. One that administers for itself (`client_credentials` and `admin`) is made with no other scope that its maker’s account lacks, since it gives accounts what it has.',
    policy: administratorJustNow,
    body: newClient,
    bodyLimit,
    answer: { status: 201, schema: client },
    refusals: ['conflict'],
    example: {
      body: {
        client_id: 'web',
        client_name: 'My web app',
        redirect_uris: ['https://app.example/cb'],
        grant_types: ['authorization_code', 'refresh_token'],
      },
      answer: { ...exampleClient, ...onceShown },
    },
    async perform({ context, caller, body }) {
      const made = await createClient(context, caller.actor, body)
      if ('refused' in made) return made
      return { done: shownOnce(made.done), location: `/api/v1/clients/${made.done.client.clientId}` }
    },
  }),
  operation({
    method: 'GET',
    path: one,
    id: 'getClient',
    tag: 'Clients',
    summary: 'Show a client',
    policy: reader,
    params,
    answer: { status: 200, schema: client },
    refusals: ['not_found'],
    example: { answer: exampleClient },
    async perform({ context, params }) {
      const found = await findClient(context, params.client_id)
      return found === undefined ? { refused: noSuchClient } : { done: shown(found) }
    },
  }),
  operation({
    method: 'PATCH',
    path: one,
    id: 'updateClient',
    tag: 'Clients',
    summary: 'Change a client',
    description: 'A client that becomes confidential gets a secret, which this answer alone holds.',
    policy: administratorJustNow,
    params,
    body: clientChange,
    bodyLimit,
    answer: { status: 200, schema: client },
    refusals: ['not_found', 'managed_by_file'],
    example: { body: { client_name: 'Our web app' }, answer: { ...exampleClient, client_name: 'Our web app' } },
    async perform({ context, caller, params, body }) {
      const changed = await changeClient(context, { actor: caller.actor, clientId: params.client_id, fields: body })
      return 'refused' in changed ? changed : { done: shownOnce(changed.done) }
    },
  }),
  operation({
    method: 'DELETE',
    path: one,
    id: 'deleteClient',
    tag: 'Clients',
    summary: 'Delete a client',
    description: 'All that was issued to it is dead. Its id is never given to another.',
    policy: administrator,
    params,
    answer: { status: 204 },
    refusals: ['not_found', 'managed_by_file'],
    example: {},
    async perform({ context, caller, params }) {
      const deleted = await deleteClient(context, { actor: caller.actor, clientId: params.client_id })
      return 'refused' in deleted ? deleted : { done: undefined }
    },
  }),
  operation({
    method: 'POST',
    path: `${one}/secret`,
    id: 'rotateClientSecret',
    tag: 'Clients',
    summary: 'Give a client a new secret',
    description: 'The old one dies at once, or after `overlap_seconds`.',
    policy: administratorJustNow,
    params,
    body: secretRotation,
    bodyOptional: true,
    answer: { status: 201, schema: newSecret },
    refusals: ['not_found', 'managed_by_file'],
    example: { body: { overlap_seconds: 3_600 }, answer: { client_id: 'web', ...onceShown } },
    async perform({ context, caller, params, body }) {
      const rotated = await rotateClientSecret(context, {
        actor: caller.actor,
        clientId: params.client_id,
        ...(body.overlap_seconds !== undefined && { overlapSeconds: body.overlap_seconds }),
      })
      if ('refused' in rotated) return rotated
      const { secret } = rotated.done
      if (secret === undefined) throw new Error('a rotation made no secret')
      return { done: { client_id: params.client_id, client_secret: secret, client_secret_expires_at: 0 as const } }
    },
  }),
]

type Shown = z.input<typeof client>

/** Printed in the names of RFC 7591, which know no types; that they are these is what the tests of the answers check. */
const shown = (of: Client): Shown => printClient(of) as Shown

const shownOnce = (made: MadeClient): Shown => ({ ...shown(made.client), ...printCredentials(made) })
