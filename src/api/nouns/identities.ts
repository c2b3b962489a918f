import { z } from 'zod'
import { unlinkIdentity } from '../../accounts/unlink-identity.ts'
import { belongingOperations } from './belonging-operations.ts'
import type { Belonging } from './belongings.ts'
import { instant } from './user-shape.ts'

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
    const { userId, provider, issuer, subject, label, linkedAt } = record.value
    return userId === user.userId ? { provider, issuer, subject, label, linked_at: linkedAt } : undefined
  },
  end(context, { actor, user }, provider) {
    const own = actor.kind === 'user' && actor.user.userId === user.userId && actor.scopes.includes('me')
    return unlinkIdentity(context, { actor, userId: user.userId, own, provider })
  },
}

export const identityOperations = belongingOperations(identityBelonging)
