import { z } from 'zod'
import { actorName } from '../../accounts/permit.ts'
import { rings } from '../../domain/key-lifecycle.ts'
import type { KeySummary } from '../../keys/keys.ts'
import { printKey } from '../../keys/print-key.ts'
import { operation, type Operation } from '../operation.ts'
import { pageOf, pageQuery, printPage, readPage } from '../page.ts'
import { reader, superuser } from '../policy.ts'
import { instant } from './user-shape.ts'

const key = z
  .strictObject({
    key_id: z.string(),
    ring: z.enum(rings),
    state: z.enum(['announced', 'active', 'retired']),
    created_at: instant,
    active_from: instant,
    retired_at: instant.nullable(),
    remove_at: instant
      .nullable()
      .meta({ description: 'When the last thing that it protects has expired. null: not yet known, or never.' }),
  })
  .meta({
    id: 'Key',
    description: 'What is known of a key. The key itself leaves the server in no form but the public JWKS.',
  })

const announced = {
  key_id: 'b7a4mYQk2nRj0wWkLJmA3mYy0v0t6u7C8Q3QKfJxq1s',
  ring: 'signing-ES256',
  state: 'announced',
  created_at: 1_795_000_000,
  active_from: 1_795_000_900,
  retired_at: null,
  remove_at: null,
} as const

export const keyOperations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/api/v1/keys',
    id: 'listKeys',
    tag: 'Keys',
    summary: 'List keys, without anything secret',
    policy: reader,
    query: z.strictObject(pageQuery),
    answer: { status: 200, schema: pageOf(key) },
    refusals: ['invalid_cursor'],
    example: {
      answer: {
        items: [{ ...announced, state: 'active', active_from: 1_795_000_000 }],
        next: null,
      },
    },
    async perform({ context, query }) {
      const asked = readPage(context.keys, 'keys', query)
      if ('refused' in asked) return asked
      const { after, limit } = asked
      const sorted = context.keys.list().toSorted((a, b) => (positionOf(a) < positionOf(b) ? -1 : 1))
      const rest = sorted.filter((one) => after === undefined || positionOf(one) > after)
      const items = rest.slice(0, limit)
      const last = items.at(-1)
      const next = last === undefined || rest.length <= limit ? null : positionOf(last)
      return { done: printPage(context.keys, { list: 'keys', items: items.map(printKey), next }) }
    },
  }),
  operation({
    method: 'POST',
    path: '/api/v1/keys/{ring}/rotate',
    id: 'rotateKey',
    tag: 'Keys',
    summary: 'Announce the next key of a ring',
    description:
      'It takes over by itself when every cache has seen it. Where one waits already, that is the answer: it comes forward as far as caches allow, and nothing is made. A key from elsewhere is taken in on the server’s own machine alone: `gatehouse key import`.',
    policy: superuser,
    params: z.strictObject({ ring: z.enum(rings) }),
    answer: { status: 200, schema: key },
    example: { answer: announced },
    async perform({ context, caller, params }) {
      return { done: printKey(await context.keys.rotate(params.ring, actorName(caller.actor))) }
    },
  }),
]

const positionOf = ({ ring, keyId }: KeySummary): string => `${ring}/${keyId}`
