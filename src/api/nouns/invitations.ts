import { z } from 'zod'
import { invitationsOwner, showInvitation, withdrawInvitation } from '../../accounts/invite-user.ts'
import type { StoredRecord } from '../../domain/record.ts'
import { operation, type Operation } from '../operation.ts'
import { pageOf, pageQuery, printPage, readPage } from '../page.ts'
import { administrator, reader } from '../policy.ts'
import { instant, role } from './user-shape.ts'

export const invitation = z
  .strictObject({
    invitation_id: z.string(),
    username: z.string().nullable().meta({ description: 'What the invited person may change.' }),
    full_name: z.string().nullable(),
    email: z.string().nullable(),
    role,
    scopes: z.array(z.string()).readonly(),
    invited_by: z.string().meta({ description: 'Id of an account or client; `cli`.' }),
    url: z
      .string()
      .nullable()
      .meta({ description: 'Where it is accepted, in the answer that made it; null where a letter carries it.' }),
    created_at: instant,
    expires_at: instant,
  })
  .meta({ id: 'Invitation', description: 'An account that somebody may make for himself, once.' })

export const exampleInvitation: z.input<typeof invitation> = {
  invitation_id: '019b1a2f3c4d0KxGmZ8Tn3YbQw5RsE1uVh',
  username: null,
  full_name: null,
  email: 'ada@example.org',
  role: 'editor',
  scopes: [],
  invited_by: 'usr_5cQ0dJzYwVbW9o0mUj6B4Q',
  url: null,
  created_at: 1_795_000_000,
  expires_at: 1_795_604_800,
}

export const invitationOperations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/api/v1/invitations',
    id: 'listInvitations',
    tag: 'Accounts',
    summary: 'List the invitations that wait',
    description: 'Without their links: each was shown once, or is in a letter.',
    policy: reader,
    query: z.strictObject(pageQuery),
    answer: { status: 200, schema: pageOf(invitation) },
    refusals: ['invalid_cursor'],
    example: { answer: { items: [exampleInvitation], next: null } },
    async perform({ context, query }) {
      const asked = readPage(context.keys, 'invitations', query)
      if ('refused' in asked) return asked
      const { records, next } = await context.transition.store.list('ticket', invitationsOwner, asked)
      const now = context.clock.seconds()
      const waiting = records
        .filter(({ expiresAt }) => expiresAt !== undefined && now < expiresAt)
        .flatMap((record) => showInvitation(record as StoredRecord<'ticket'>) ?? [])
      return { done: printPage(context.keys, { list: 'invitations', items: waiting, next }) }
    },
  }),
  operation({
    method: 'DELETE',
    path: '/api/v1/invitations/{invitation_id}',
    id: 'withdrawInvitation',
    tag: 'Accounts',
    summary: 'Take an invitation back',
    description: 'Its link opens nothing any more.',
    policy: administrator,
    params: z.strictObject({ invitation_id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/) }),
    answer: { status: 204 },
    refusals: ['not_found'],
    example: {},
    async perform({ context, caller, params, address }) {
      const withdrawn = await withdrawInvitation(context, { actor: caller.actor, address }, params.invitation_id)
      return 'refused' in withdrawn ? withdrawn : { done: undefined }
    },
  }),
]
