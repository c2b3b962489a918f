import { z } from 'zod'
import { findFactors } from '../../accounts/find-factors.ts'
import { printFactors } from '../../accounts/print-factors.ts'
import type { User } from '../../domain/user.ts'
import type { ApiContext } from '../context.ts'
import { operation, type Operation } from '../operation.ts'
import { pageOf } from '../page.ts'
import { oneselfJustNow } from '../policy.ts'
import { allOf } from './all-of.ts'
import { connectionBelonging } from './connections.ts'
import { consentBelonging } from './consents.ts'
import { event } from './events.ts'
import { exampleFactors, factors } from './factors-shape.ts'
import { grantBelonging } from './grants.ts'
import { identityBelonging } from './identities.ts'
import { eventsOf, exampleOwnEvent } from './own-events.ts'
import { sessionBelonging } from './sessions.ts'
import { tokenBelonging } from './tokens.ts'
import { exampleUser, shownUser, user } from './user-shape.ts'

const belongings = {
  sessions: sessionBelonging,
  consents: consentBelonging,
  grants: grantBelonging,
  tokens: tokenBelonging,
  identities: identityBelonging,
  connections: connectionBelonging,
} as const

const exported = z
  .strictObject({
    account: user,
    factors,
    sessions: z.array(belongings.sessions.item),
    consents: z.array(belongings.consents.item),
    grants: z.array(belongings.grants.item),
    tokens: z.array(belongings.tokens.item),
    identities: z.array(belongings.identities.item),
    connections: z.array(belongings.connections.item),
    events: pageOf(event).meta({
      description:
        'What happened to the account and what its person did, the oldest first. Where `next` is a cursor there is more: `GET /api/v1/me/events` goes on from it.',
    }),
  })
  .meta({ id: 'AccountExport', description: 'Everything that is kept about an account, without its secrets.' })

/** Everything about somebody (GDPR Art. 15, 20). */
export async function exportOf(context: ApiContext, of: User): Promise<z.input<typeof exported>> {
  return {
    account: shownUser(of),
    factors: printFactors(await findFactors(context, of.userId)),
    sessions: [...(await allOf(belongings.sessions, context, of))],
    consents: [...(await allOf(belongings.consents, context, of))],
    grants: [...(await allOf(belongings.grants, context, of))],
    tokens: [...(await allOf(belongings.tokens, context, of))],
    identities: [...(await allOf(belongings.identities, context, of))],
    connections: [...(await allOf(belongings.connections, context, of))],
    events: await eventsOf(context, of),
  }
}

export const ownExportOperations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/api/v1/me/export',
    id: 'exportMe',
    tag: 'Oneself',
    summary: 'Everything that is kept about me',
    policy: oneselfJustNow,
    answer: { status: 200, schema: exported },
    example: {
      answer: {
        account: exampleUser,
        factors: exampleFactors,
        sessions: [belongings.sessions.example],
        consents: [belongings.consents.example],
        grants: [belongings.grants.example],
        tokens: [belongings.tokens.example],
        identities: [belongings.identities.example],
        connections: [belongings.connections.example],
        events: { items: [exampleOwnEvent], next: null },
      },
    },
    perform: async ({ context, caller }) => ({ done: await exportOf(context, caller.user) }),
  }),
]
