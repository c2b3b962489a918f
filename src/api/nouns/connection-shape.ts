import { z } from 'zod'
import { problem } from '../../protocol/problem.ts'
import type { StandingContext } from '../../vault/standing.ts'
import type { ApiContext } from '../context.ts'
import { instant } from './user-shape.ts'

/** As `printConnection` prints it, for its owner and for whoever administers. */
export const connection = z
  .strictObject({
    connection_id: z.string(),
    provider: z.string(),
    owner: z
      .string()
      .nullable()
      .meta({ description: 'Id of the account or the client whose it is. null: of whoever holds its handle.' }),
    client_id: z.string().nullable().meta({ description: 'Through which client it was made.' }),
    state: z.enum(['pending', 'active', 'needs_reauth', 'denied', 'revoked']).meta({
      description:
        '`needs_reauth`: the provider takes the tokens no more, or nobody has renewed them in time; the person must connect anew.',
    }),
    account: z.string().nullable().meta({
      description: 'Id of the person there; empty where the provider says none. null: nobody yet, or no more.',
    }),
    scope: z.string().nullable(),
    reason: z.string().nullable().meta({ description: 'Why its person must connect anew.' }),
    failure: z.string().nullable().meta({
      description:
        'Why the last refresh came to nothing: an error code of the provider (`invalid_client`: it refuses this server), `timeout`, `status 503`. null: it did, or there was none.',
    }),
    unsure: z.boolean().meta({
      description: 'The answer to a refresh was lost, and its refresh token may be used up: the next refresh tells.',
    }),
    created_at: instant,
    last_used_at: instant.nullable(),
    expires_at: instant
      .nullable()
      .meta({ description: 'When the present access token ends; it is renewed by itself.' }),
  })
  .meta({
    id: 'Connection',
    description: 'Tokens of another service that are kept for somebody. They are never shown here.',
  })

export const exampleConnection = {
  connection_id: '019b1a2f3c4d0KxGmZ8Tn3YbQw5RsE1uVh',
  provider: 'etsy',
  owner: 'usr_5cQ0dJzYwVbW9o0mUj6B4Q',
  client_id: 'web',
  state: 'active',
  account: '123456789',
  scope: 'listings_r listings_w',
  reason: null,
  failure: null,
  unsure: false,
  created_at: 1_795_000_000,
  last_used_at: 1_795_000_600,
  expires_at: 1_795_004_200,
} as const

export const connectionId = z.string().regex(/^[A-Za-z0-9_:-]{1,80}$/)
export const noSuchConnection = problem('not_found', { detail: 'there is no such connection' })

/** What a connection is worth goes by what this node knows at the moment. */
export async function standingContext({
  directory,
  upstream,
  clock,
}: Pick<ApiContext, 'directory' | 'upstream' | 'clock'>): Promise<StandingContext> {
  return { instance: await directory.instance(), providers: upstream.providers, now: clock.seconds() }
}
