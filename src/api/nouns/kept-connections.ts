import { z } from 'zod'
import { findUser } from '../../accounts/find-user.ts'
import { mayEnd } from '../../accounts/end-grant.ts'
import { actorName } from '../../accounts/permit.ts'
import type { Connection } from '../../domain/connection.ts'
import { ref } from '../../domain/record.ts'
import { readAlive } from '../../store/read-alive.ts'
import { disconnect } from '../../vault/end-connection.ts'
import { printConnection } from '../../vault/print-connection.ts'
import { operation, type Operation } from '../operation.ts'
import { pageOf, pageQuery, printPage, readPage } from '../page.ts'
import { administrator, reader } from '../policy.ts'
import { connection, connectionId, exampleConnection, noSuchConnection, standingContext } from './connection-shape.ts'
import { providerName } from './providers.ts'

const example = { ...exampleConnection, owner: null, client_id: null }

const one = '/api/v1/connections/{connection_id}'
const params = z.strictObject({ connection_id: connectionId })

/** Connections of accounts, clients and nobody, for whoever administers. */
export const keptConnectionOperations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/api/v1/providers/{provider}/connections',
    id: 'listConnectionsOfProvider',
    tag: 'APIs',
    summary: 'List the connections of a provider, whoever owns them',
    policy: reader,
    params: z.strictObject({ provider: providerName }),
    query: z.strictObject(pageQuery),
    answer: { status: 200, schema: pageOf(connection) },
    refusals: ['invalid_cursor'],
    example: { answer: { items: [example], next: null } },
    async perform({ context, params: { provider }, query }) {
      const list = `connections of ${provider}`
      const asked = readPage(context.keys, list, query)
      if ('refused' in asked) return asked
      const page = await context.transition.store.list('connection', `provider:${provider}`, asked)
      const standing = await standingContext(context)
      const items = page.records
        .filter(({ expiresAt }) => expiresAt === undefined || standing.now < expiresAt)
        .map(({ id, value }) => printConnection(standing, id, value as Connection))
      return { done: printPage(context.keys, { list, items, next: page.next }) }
    },
  }),
  operation({
    method: 'GET',
    path: one,
    id: 'getConnection',
    tag: 'APIs',
    summary: 'Show a connection, whoever owns it',
    policy: reader,
    params,
    answer: { status: 200, schema: connection },
    refusals: ['not_found'],
    example: { answer: example },
    async perform({ context, params: { connection_id: id } }) {
      const found = await readAlive(context.transition.store, ref('connection', id), context.clock.seconds())
      if (found === undefined) return { refused: noSuchConnection }
      return { done: printConnection(await standingContext(context), id, found) }
    },
  }),
  operation({
    method: 'DELETE',
    path: one,
    id: 'endConnection',
    tag: 'APIs',
    summary: 'End a connection, whoever owns it',
    description:
      'An account’s takes what ending its tokens takes. Its tokens are given back as soon as the provider takes them.',
    policy: administrator,
    params,
    answer: { status: 204 },
    refusals: ['not_found'],
    example: {},
    async perform({ context, caller: { actor }, params: { connection_id: id }, address }) {
      const found = await readAlive(context.transition.store, ref('connection', id), context.clock.seconds())
      if (found === undefined) return { refused: noSuchConnection }
      const user = found.owner.kind === 'user' ? await findUser(context, found.owner.userId) : undefined
      const refused = user === undefined ? undefined : mayEnd({ actor, user })
      if (refused !== undefined) return { refused }
      const ended = await disconnect(context, id, { connection: found, by: { actor: actorName(actor), address } })
      return ended ? { done: undefined } : { refused: noSuchConnection }
    },
  }),
]
