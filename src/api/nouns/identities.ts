import { z } from 'zod'
import { linkIdentity } from '../../accounts/link-identity.ts'
import { printIdentity } from '../../accounts/print-identity.ts'
import { unlinkIdentity } from '../../accounts/unlink-identity.ts'
import { problem } from '../../protocol/problem.ts'
import { operation, type Operation } from '../operation.ts'
import { administratorJustNow } from '../policy.ts'
import { belongingOperations } from './belonging-operations.ts'
import type { Belonging } from './belongings.ts'
import { identityLabel, identitySubject } from './identity-shape.ts'
import { instant, userId } from './user-shape.ts'

const identity = z
  .strictObject({
    provider: z.string(),
    issuer: z.string().meta({ description: 'With the subject, who it is.' }),
    subject: z.string(),
    label: z.string().meta({ description: 'What the person was called there when it was linked.' }),
    linked_at: instant,
  })
  .meta({ id: 'Identity', description: 'An account elsewhere, by which somebody may sign in here.' })

export const identityBelonging: Belonging<'identity', typeof identity> = {
  kind: 'identity',
  noun: 'identities',
  one: 'Identity',
  many: 'Identities',
  idName: 'provider',
  idShape: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
  item: identity,
  example: {
    provider: 'github',
    issuer: 'https://github.com',
    subject: '583231',
    label: 'octocat',
    linked_at: 1_795_000_000,
  },
  ending: 'Nobody signs in by it any more. A person cannot end his own last way in.',
  endingNeedsRecentSignIn: true,
  refusals: ['conflict'],
  recordId: (user, id) => `${user.userId}:${id}`,
  async show(_context, user, record) {
    return record.value.userId === user.userId ? printIdentity(record.value) : undefined
  },
  end(context, { actor, user }, provider) {
    const own = actor.kind === 'user' && actor.user.userId === user.userId && actor.scopes.includes('me')
    return unlinkIdentity(context, { actor, userId: user.userId, own, provider })
  },
}

const linking = z
  .strictObject({
    provider: identityBelonging.idShape.meta({ description: 'Its name in the configuration.' }),
    subject: identitySubject,
    label: identityLabel
      .exactOptional()
      .meta({ description: 'What the person is called there; default: the subject.' }),
  })
  .meta({ id: 'Linking', description: 'An account elsewhere, by which somebody is to sign in here.' })

export const identityOperations: readonly Operation[] = [
  ...belongingOperations(identityBelonging),
  operation({
    method: 'POST',
    path: '/api/v1/users/{user_id}/identities',
    id: 'linkIdentityOfUser',
    tag: 'Accounts',
    summary: 'Let somebody sign in as an account by a provider',
    description:
      'Whoever is this person there is the account here from now on, and its owner gets a letter. Nobody’s identity is taken away by it, and an account has one of each provider.',
    policy: administratorJustNow,
    params: z.strictObject({ user_id: userId }),
    body: linking,
    answer: { status: 201, schema: identity },
    refusals: ['not_found', 'conflict'],
    example: {
      body: { provider: 'github', subject: '583231', label: 'octocat' },
      answer: identityBelonging.example,
    },
    async perform({ context, caller: { actor }, params, body: { provider, subject, label = subject } }) {
      const known = context.upstream.providers.get(provider)
      if (known === undefined) return { refused: noSuchProvider }
      const wanted = { provider, issuer: known.issuer, subject, label }
      const linked = await linkIdentity(context, { actor, userId: params.user_id, identity: wanted })
      if ('refused' in linked) return linked
      return { done: printIdentity(linked.done), location: `/api/v1/users/${params.user_id}/identities/${provider}` }
    },
  }),
]

const noSuchProvider = problem('invalid_field', { field: 'provider', detail: 'there is no such provider here' })
