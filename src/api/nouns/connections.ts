import type { Outcome } from '../../accounts/context.ts'
import { mayEnd } from '../../accounts/end-grant.ts'
import { actorName } from '../../accounts/permit.ts'
import type { Actor } from '../../domain/authority.ts'
import { ownerKey } from '../../domain/connection.ts'
import { ref } from '../../domain/record.ts'
import { readAlive } from '../../store/read-alive.ts'
import { disconnect } from '../../vault/end-connection.ts'
import { printConnection } from '../../vault/print-connection.ts'
import type { CallerOf } from '../caller.ts'
import type { ApiContext } from '../context.ts'
import { operation, type Operation } from '../operation.ts'
import { connectionOwner } from '../policy.ts'
import { operationsOfUsers, shapesOf } from './belonging-operations.ts'
import { find, listKey, pageFor, type Belonging, type Listed } from './belongings.ts'
import { connection, connectionId, exampleConnection, noSuchConnection, standingContext } from './connection-shape.ts'

export const connectionBelonging: Belonging<'connection', typeof connection, Listed> = {
  kind: 'connection',
  noun: 'connections',
  one: 'Connection',
  idName: 'connection_id',
  idShape: connectionId,
  item: connection,
  example: exampleConnection,
  ending: 'Nothing is fetched from it any more; its tokens are given back to the provider as soon as that takes them.',
  recordId: (_user, id) => id,
  async show(context, owner, record) {
    if (ownerKey(record.value.owner) !== listKey(owner)) return undefined
    const printed = printConnection(await standingContext(context), record.id, record.value)
    return printed.state === 'active' || printed.state === 'needs_reauth' ? printed : undefined
  },
  async end(context, ending, id) {
    const refused = mayEnd(ending)
    return refused === undefined ? endOwn(context, { ...ending, owner: ending.user }, id) : { refused }
  },
}

type EndingOwn = { readonly actor: Actor; readonly owner: Listed; readonly address: string }

/** Somebody else's is the same as none (L13). */
async function endOwn(
  context: ApiContext,
  { actor, owner, address }: EndingOwn,
  id: string,
): Promise<Outcome<{ readonly connectionId: string }>> {
  const found = await readAlive(context.transition.store, ref('connection', id), context.clock.seconds())
  if (found === undefined || ownerKey(found.owner) !== listKey(owner)) return { refused: noSuchConnection }
  const ended = await disconnect(context, id, { connection: found, by: { actor: actorName(actor), address } })
  return ended ? { done: { connectionId: id } } : { refused: noSuchConnection }
}

/** Whose connections a token is about: its person's, or those of the client that acts for itself. */
const listed = ({ actor }: CallerOf<typeof connectionOwner>): Listed =>
  actor.kind === 'user' ? actor.user : actor.client

const { id, query, list, shown, listExample, shownExample } = shapesOf(connectionBelonging)
const mine = '/api/v1/me/connections'
const one = `${mine}/{connection_id}`
const own = { tag: 'Oneself', policy: connectionOwner } as const

export const connectionOperations: readonly Operation[] = [
  operation({
    ...own,
    method: 'GET',
    path: mine,
    id: 'listMyConnections',
    summary: 'List my connections',
    query,
    answer: list,
    refusals: ['invalid_cursor'],
    example: listExample,
    perform: ({ context, caller, query: asked }) =>
      pageFor(connectionBelonging, context, { user: listed(caller), query: asked }),
  }),
  operation({
    ...own,
    method: 'GET',
    path: one,
    id: 'getMyConnection',
    summary: 'Show one of my connections',
    params: id,
    answer: shown,
    refusals: ['not_found'],
    example: shownExample,
    perform: ({ context, caller, params }) =>
      find(connectionBelonging, context, { user: listed(caller), id: String(params['connection_id']) }),
  }),
  operation({
    ...own,
    method: 'DELETE',
    path: one,
    id: 'endMyConnection',
    summary: 'End one of my connections',
    description: connectionBelonging.ending,
    params: id,
    answer: { status: 204 },
    refusals: ['not_found'],
    example: {},
    async perform({ context, caller, params, address }) {
      const ending = { actor: caller.actor, owner: listed(caller), address }
      const ended = await endOwn(context, ending, String(params['connection_id']))
      return 'refused' in ended ? ended : { done: undefined }
    },
  }),
  ...operationsOfUsers(connectionBelonging),
]
