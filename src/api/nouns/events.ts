import { z } from 'zod'
import { idAt } from '../../audit/collect-events.ts'
import { listEvents } from '../../audit/list-events.ts'
import { printEvent } from '../../audit/print-event.ts'
import { parseDecimal } from '../../protocol/numbers.ts'
import { operation, type Operation } from '../operation.ts'
import { pageOf, pageQuery, printPage, readPage } from '../page.ts'
import { reader } from '../policy.ts'
import { instant } from './user-shape.ts'

const text = z.string().exactOptional()

export const event = z
  .strictObject({
    id: z.string().meta({ description: 'Begins with the instant; ids are in the order of time.' }),
    type: z.string().meta({ description: 'What happened: a noun, a dot, a verb in the past tense.' }),
    at: instant,
    actor: text.meta({
      description:
        'Id of the account or client that acted, or `cli`, `file`, `first start`. Absent: the person or client itself.',
    }),
    address: text.meta({ description: 'From where.' }),
    user_id: text,
    client_id: text,
    grant_id: text,
    session_id: text,
    jti: text,
    grant_type: text,
    scope: text,
    audience: z.array(z.string()).exactOptional(),
    target: text.meta({ description: 'Id of the API, key or other record concerned.' }),
    reason: text.meta({ description: 'Why it was refused.' }),
    count: z.int().exactOptional().meta({ description: 'How many, where an event speaks of several.' }),
  })
  .meta({
    id: 'Event',
    description:
      'Who did what to what, and from where. Members that say nothing are left out; no secret is among them.',
  })

export const since = z
  .string()
  .refine((given) => parseDecimal(given) !== undefined, 'must be a number of seconds since 1970')
  .transform(Number)
  .meta({ type: 'integer', minimum: 0, description: 'Where to begin: seconds since 1970-01-01T00:00:00Z.' })

const ofOne = z.string().min(1).max(256).exactOptional()

export const eventOperations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/api/v1/events',
    id: 'listEvents',
    tag: 'Events',
    summary: 'List audit events, the oldest first',
    description:
      'To follow them, ask with `since` a minute before the newest that you have: of several nodes, one may write a little later what happened a little earlier. That none is missing is proven by `gatehouse events export` and `events verify`.',
    policy: reader,
    query: z.strictObject({
      ...pageQuery,
      since: since.exactOptional(),
      type: ofOne.meta({ description: 'Of one type alone, such as `client.created`.' }),
      user: ofOne.meta({ description: 'About one account alone, by its id.' }),
      client: ofOne.meta({ description: 'About one client alone, by its id.' }),
    }),
    answer: { status: 200, schema: pageOf(event) },
    refusals: ['invalid_cursor'],
    example: {
      answer: {
        items: [
          {
            id: '01a1f0d4c3b2K7pQmZ8Tn3YbQw5RsE1uVh',
            type: 'client.created',
            at: 1_795_000_000,
            actor: 'usr_nO0VhVVwSMivHCPF8bUqkA',
            client_id: 'web',
          },
        ],
        next: null,
      },
    },
    async perform({ context, query }) {
      const asked = readPage(context.keys, 'events', query)
      if ('refused' in asked) return asked
      const from = { ...(query.since !== undefined && { after: idAt(query.since * 1000) }), ...asked }
      const { events, next } = await listEvents(context.transition.store, from, query)
      return { done: printPage(context.keys, { list: 'events', items: events.map(printEvent), next }) }
    },
  }),
]
