import { z } from 'zod'
import type { Provider } from '../../config/provider.ts'
import { operation, type Operation } from '../operation.ts'
import { pageOf, pageQuery, printPage, readPage } from '../page.ts'
import { reader } from '../policy.ts'

const provider = z
  .strictObject({
    name: z.string(),
    title: z.string(),
    kind: z.enum(['oidc', 'oauth2', 'site-login']),
    issuer: z.string(),
    sign_in: z.enum(['off', 'existing', 'create']),
    callback_path: z.string().nullable(),
    anonymous: z.boolean(),
    allow_insecure: z.boolean(),
  })
  .meta({ id: 'Provider', description: 'A provider of the configuration file, without its secrets.' })

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
            callback_path: '/vault/callback/github',
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
      return { done: printPage(context.keys, { list: 'providers', items: items.map(printProvider), next }) }
    },
  }),
]

function printProvider(one: Provider): z.input<typeof provider> {
  const isOAuth = one.kind !== 'site-login'
  return {
    name: one.name,
    title: one.title,
    kind: one.kind,
    issuer: one.issuer,
    sign_in: one.signIn,
    callback_path: isOAuth ? one.callbackPath : null,
    anonymous: isOAuth && one.anonymous,
    allow_insecure: one.allowInsecure,
  }
}
