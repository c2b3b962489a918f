import { z } from 'zod'
import type { Outcome } from '../../accounts/context.ts'
import { mayEnd } from '../../accounts/end-grant.ts'
import { actorName } from '../../accounts/permit.ts'
import type { Actor } from '../../domain/authority.ts'
import { isHeld, ownerKey } from '../../domain/connection.ts'
import { ref } from '../../domain/record.ts'
import { problem } from '../../protocol/problem.ts'
import { readAlive } from '../../store/read-alive.ts'
import { disconnect } from '../../vault/end-connection.ts'
import { standingOf, type StandingContext } from '../../vault/standing.ts'
import type { CallerOf } from '../caller.ts'
import type { ApiContext } from '../context.ts'
import { operation, type Operation } from '../operation.ts'
import { connectionOwner } from '../policy.ts'
import { operationsOfUsers, shapesOf } from './belonging-operations.ts'
import { find, pageFor, type Belonging, type Listed } from './belongings.ts'
import { instant } from './user-shape.ts'

const connection = z
  .strictObject({
    connection_id: z.string(),
    provider: z.string(),
    account: z.string().meta({ description: 'Id of the person there; empty where the provider says none.' }),
    scope: z.string(),
    state: z.enum(['active', 'needs_reauth']).meta({
      description:
        '`needs_reauth`: the provider takes the tokens no more, or nobody has renewed them in time; the person must connect anew.',
    }),
    reason: z.string().nullable().meta({ description: 'Why it needs that.' }),
    unsure: z.boolean().meta({
      description: 'The answer to a refresh was lost, and its refresh token may be used up: the next refresh tells.',
    }),
    client_id: z.string().nullable().meta({ description: 'Through which client it was made.' }),
    created_at: instant,
    last_used_at: instant,
    expires_at: instant
      .nullable()
      .meta({ description: 'When the present access token ends; it is renewed by itself.' }),
  })
  .meta({
    id: 'Connection',
    description: 'Tokens of another service that are kept for an account. They are never shown here.',
  })

export const connectionId = z.string().regex(/^[A-Za-z0-9_:-]{1,80}$/)
export const noSuchConnection = problem('not_found', { detail: 'there is no such connection' })

export const connectionBelonging: Belonging<'connection', typeof connection, Listed> = {
  kind: 'connection',
  noun: 'connections',
  one: 'Connection',
  idName: 'connection_id',
  idShape: connectionId,
  item: connection,
  example: {
    connection_id: '019b1a2f3c4d0KxGmZ8Tn3YbQw5RsE1uVh',
    provider: 'etsy',
    account: '123456789',
    scope: 'listings_r listings_w',
    state: 'active',
    reason: null,
    unsure: false,
    client_id: 'web',
    created_at: 1_795_000_000,
    last_used_at: 1_795_000_600,
    expires_at: 1_795_004_200,
  },
  ending: 'Nothing is fetched from it any more; its tokens are given back to the provider as soon as that takes them.',
  recordId: (_user, id) => id,
  async show(context, user, record) {
    const found = record.value
    if (!isHeld(found) || ownerKey(found.owner) !== user.userId) return undefined
    const { state, reason = null } = standingOf(await standingContext(context), found)
    if (state !== 'active' && state !== 'needs_reauth') return undefined
    return {
      connection_id: record.id,
      provider: found.provider,
      account: found.account,
      scope: found.scope.join(' '),
      state,
      reason,
      unsure: found.unsure ?? false,
      client_id: found.clientId ?? null,
      created_at: found.createdAt,
      last_used_at: found.lastUsedAt,
      expires_at: found.expiresAt ?? null,
    }
  },
  async end(context, ending, id) {
    const refused = mayEnd(ending)
    return refused === undefined ? endOwn(context, ending, id) : { refused }
  },
}

/** What a connection is worth goes by what this node knows at the moment. */
export async function standingContext({
  directory,
  upstream,
  clock,
}: Pick<ApiContext, 'directory' | 'upstream' | 'clock'>): Promise<StandingContext> {
  return { instance: await directory.instance(), providers: upstream.providers, now: clock.seconds() }
}

type EndingOwn = { readonly actor: Actor; readonly user: Listed; readonly address: string }

/** Somebody else's is the same as none (L13). */
async function endOwn(
  context: ApiContext,
  { actor, user, address }: EndingOwn,
  id: string,
): Promise<Outcome<{ readonly connectionId: string }>> {
  const found = await readAlive(context.transition.store, ref('connection', id), context.clock.seconds())
  if (found === undefined || ownerKey(found.owner) !== user.userId) return { refused: noSuchConnection }
  const ended = await disconnect(context, id, { connection: found, by: { actor: actorName(actor), address } })
  return ended ? { done: { connectionId: id } } : { refused: noSuchConnection }
}

/** Whose connections a token is about: its person's, or those of the client that acts for itself. */
const listed = ({ actor }: CallerOf<typeof connectionOwner>): Listed =>
  actor.kind === 'user' ? actor.user : { userId: ownerKey({ kind: 'client', clientId: actor.client.clientId }) }

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
      const ending = { actor: caller.actor, user: listed(caller), address }
      const ended = await endOwn(context, ending, String(params['connection_id']))
      return 'refused' in ended ? ended : { done: undefined }
    },
  }),
  ...operationsOfUsers(connectionBelonging),
]
