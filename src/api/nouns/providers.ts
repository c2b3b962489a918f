import { z } from 'zod'
import { problem } from '../../protocol/problem.ts'
import { printProvider } from '../../upstream/print-provider.ts'
import { recallConnections, recallProgress } from '../../vault/recall-connections.ts'
import type { ApiContext } from '../context.ts'
import { operation, type Operation } from '../operation.ts'
import { pageOf, pageQuery, printPage, readPage } from '../page.ts'
import { reader, superuser } from '../policy.ts'
import { instant } from './user-shape.ts'

const provider = z
  .strictObject({
    name: z.string(),
    title: z.string(),
    kind: z.enum(['oidc', 'oauth2', 'site-login']),
    issuer: z.string(),
    sign_in: z.enum(['off', 'existing', 'create']),
    client_id: z.string().nullable(),
    callback_path: z.string().nullable(),
    callback_uri: z
      .string()
      .nullable()
      .meta({ description: 'What is to be registered there. null: it sends nobody back.' }),
    login_endpoint: z.string().nullable(),
    scope: z.string().nullable(),
    connect_scope: z.string().nullable(),
    refresh: z.enum(['rotating', 'static', 'none']).nullable(),
    anonymous: z.boolean(),
    allow_insecure: z.boolean(),
  })
  .meta({ id: 'Provider', description: 'A provider of the configuration file, without its secrets.' })

const recall = z
  .strictObject({
    provider: z.string(),
    revoked_at: instant.nullable().meta({ description: 'What was started until then is worth nothing. null: never.' }),
    finished_at: instant.nullable().meta({ description: 'When the last of them had been ended.' }),
    left: z.int().min(0).meta({ description: 'Connections that are worth nothing already, and wait for their end.' }),
    waiting: z.int().min(0).meta({
      description: 'Ended connections whose tokens the provider has not taken back yet, whatever ended them.',
    }),
  })
  .meta({ id: 'Recall', description: 'How far ending all connections of a provider is.' })

const recallPath = '/api/v1/providers/{provider}/revoke-connections'
export const providerName = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/)
const recallParams = z.strictObject({ provider: providerName })
const exampleRecall = {
  provider: 'etsy',
  revoked_at: 1_795_000_000,
  finished_at: null,
  left: 81_000,
  waiting: 19_000,
}
const noProvider = problem('not_found', { detail: 'there is no such provider' })

export const providerOperations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/api/v1/providers',
    id: 'listProviders',
    tag: 'APIs',
    summary: 'List the servers through which people sign in',
    policy: reader,
    query: z.strictObject(pageQuery),
    answer: { status: 200, schema: pageOf(provider) },
    refusals: ['invalid_cursor'],
    example: {
      answer: {
        items: [
          {
            name: 'github',
            title: 'GitHub',
            kind: 'oauth2',
            issuer: 'https://github.com',
            sign_in: 'existing',
            client_id: 'Iv1.8a61f9b3a7aba766',
            callback_path: '/vault/callback/github',
            callback_uri: 'https://login.example.org/vault/callback/github',
            login_endpoint: null,
            scope: 'read:user user:email',
            connect_scope: 'repo',
            refresh: 'none',
            anonymous: false,
            allow_insecure: false,
          },
        ],
        next: null,
      },
    },
    async perform({ context, query }) {
      const asked = readPage(context.keys, 'providers', query)
      if ('refused' in asked) return asked
      const { after, limit } = asked
      const sorted = [...context.upstream.providers.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
      const rest = sorted.filter(({ name }) => after === undefined || name > after)
      const items = rest.slice(0, limit)
      const last = items.at(-1)
      const next = last === undefined || rest.length <= limit ? null : last.name
      const printed = items.map((one) => printProvider(one, { issuer: context.issuer, users: context.usersPolicy() }))
      return { done: printPage(context.keys, { list: 'providers', items: printed, next }) }
    },
  }),
  operation({
    method: 'POST',
    path: recallPath,
    id: 'revokeConnectionsOfProvider',
    tag: 'APIs',
    summary: 'End every connection of a provider',
    description:
      'As after a break-in there. What was started until now gives no token any more, on any node, from the answer on; each connection is then ended, and its tokens are given back to the provider as soon as that takes them. What is started afterwards counts.',
    policy: superuser,
    params: recallParams,
    answer: { status: 200, schema: recall },
    example: { answer: exampleRecall },
    async perform({ context, caller, params: { provider: name }, address }) {
      if (!context.upstream.providers.has(name)) return { refused: noProvider }
      const recalled = await recallConnections(context, { actor: caller.actor, provider: name, address })
      if ('refused' in recalled) return recalled
      context.vault.finishRecalls()
      return { done: await printRecall(context, name) }
    },
  }),
  operation({
    method: 'GET',
    path: recallPath,
    id: 'showRevokedConnectionsOfProvider',
    tag: 'APIs',
    summary: 'See how far ending the connections of a provider is',
    policy: reader,
    params: recallParams,
    answer: { status: 200, schema: recall },
    example: { answer: exampleRecall },
    async perform({ context, params: { provider: name } }) {
      return context.upstream.providers.has(name) ? { done: await printRecall(context, name) } : { refused: noProvider }
    },
  }),
]

async function printRecall(context: ApiContext, name: string): Promise<z.input<typeof recall>> {
  const { recall: last, left, waiting } = await recallProgress(context, name)
  return {
    provider: name,
    revoked_at: last?.at ?? null,
    finished_at: last?.finishedAt ?? null,
    left,
    waiting,
  }
}
