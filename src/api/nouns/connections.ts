import { z } from 'zod'
import { mayEnd } from '../../accounts/end-grant.ts'
import { actorName } from '../../accounts/permit.ts'
import { isHeld } from '../../domain/connection.ts'
import { isRecalled } from '../../domain/recall.ts'
import { ref } from '../../domain/record.ts'
import { problem } from '../../protocol/problem.ts'
import { readAlive } from '../../store/read-alive.ts'
import { disconnect } from '../../vault/end-connection.ts'
import { belongingOperations } from './belonging-operations.ts'
import type { Belonging } from './belongings.ts'
import { instant } from './user-shape.ts'

const connection = z
  .strictObject({
    connection_id: z.string(),
    provider: z.string(),
    account: z.string().meta({ description: 'Id of the person there; empty where the provider says none.' }),
    scope: z.string(),
    state: z.enum(['active', 'needs_reauth']).meta({
      description: '`needs_reauth`: the provider takes the tokens no more, and the person must connect anew.',
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

const gone = problem('not_found', { detail: 'there is no such connection' })

export const connectionBelonging: Belonging<'connection', typeof connection> = {
  kind: 'connection',
  noun: 'connections',
  one: 'Connection',
  idName: 'connection_id',
  idShape: z.string().regex(/^[A-Za-z0-9_:-]{1,80}$/),
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
  async show({ directory }, user, record) {
    const found = record.value
    if (isRecalled(await directory.instance(), found)) return undefined
    if (!isHeld(found) || found.owner.kind !== 'user' || found.owner.userId !== user.userId) return undefined
    return {
      connection_id: record.id,
      provider: found.provider,
      account: found.account,
      scope: found.scope.join(' '),
      state: found.state,
      reason: found.reason ?? null,
      unsure: found.unsure ?? false,
      client_id: found.clientId ?? null,
      created_at: found.createdAt,
      last_used_at: found.lastUsedAt,
      expires_at: found.expiresAt ?? null,
    }
  },
  async end(context, ending, id) {
    const refused = mayEnd(ending)
    if (refused !== undefined) return { refused }
    const { actor, user, address } = ending
    const found = await readAlive(context.transition.store, ref('connection', id), context.clock.seconds())
    if (found?.owner.kind !== 'user' || found.owner.userId !== user.userId) return { refused: gone }
    const ended = await disconnect(context, id, { connection: found, by: { actor: actorName(actor), address } })
    return ended ? { done: { connectionId: id } } : { refused: gone }
  },
}

export const connectionOperations = belongingOperations(connectionBelonging)
