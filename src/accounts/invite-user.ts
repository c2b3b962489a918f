import { eventWrite } from '../audit/event-write.ts'
import type { UsersPolicy } from '../config/config.ts'
import type { Actor } from '../domain/authority.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import { ref, remove, type Decision, type StoredRecord } from '../domain/record.ts'
import type { Invitation, Inviter } from '../domain/ticket.ts'
import type { Role } from '../domain/user.ts'
import { describe, isRefusal } from '../protocol/errors.ts'
import { problem, type Problem } from '../protocol/problem.ts'
import { parseUsername } from '../protocol/username.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { readAlive } from '../store/read-alive.ts'
import { commitNew, transition } from '../store/transition.ts'
import { printTicketToken } from '../tokens/ticket-token.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { nameTaken } from './account-problems.ts'
import { emailRef, emailTaken } from './email-name.ts'
import { usernameRef } from './find-user.ts'
import { actorName, permit } from './permit.ts'
import { newTicket, outgoingWrite, type LettersContext } from './request-letter.ts'
import { emailProblem, fullNameProblem, scopesProblem } from './user-fields.ts'

export type InvitationContext = LettersContext & { readonly issuer: string; readonly usersPolicy: () => UsersPolicy }

export type InvitationRequest = {
  readonly username?: string
  readonly fullName?: string
  readonly email?: string
  readonly role?: Role
  readonly scopes?: readonly string[]
  /** Of the letter. */
  readonly language: string
}

/** In whose list every invitation stands. */
export const invitationsOwner = 'invitations'

/** An invitation in the names of the REST API. */
export type ShownInvitation = {
  readonly invitation_id: string
  readonly username: string | null
  readonly full_name: string | null
  readonly email: string | null
  readonly role: Role
  readonly scopes: readonly string[]
  /** User or client id; `cli`. */
  readonly invited_by: string
  /** Where it is accepted; null where a letter carries it, or once it was shown. */
  readonly url: string | null
  readonly created_at: EpochSeconds
  readonly expires_at: EpochSeconds
}

/**
 * Invite somebody to an account. Where letters are sent and there is an address, the link goes there and nowhere else, and
 * proves the address; otherwise whoever invites gets it, once, and hands it on.
 */
export async function inviteUser(
  context: InvitationContext,
  { actor, address }: { readonly actor: Actor; readonly address?: string },
  wanted: InvitationRequest,
): Promise<Outcome<ShownInvitation>> {
  const { username, fullName, email, role = 'editor', scopes = [] } = wanted
  const invitedBy = inviterOf(actor)
  const refused =
    (context.usersPolicy().registration === 'closed' || invitedBy === undefined ? closed : undefined) ??
    permit(actor, { do: 'create-user', role, scopes }) ??
    fullNameProblem(fullName) ??
    emailProblem(email) ??
    scopesProblem(scopes) ??
    (await takenProblem(context, wanted))
  if (refused !== undefined || invitedBy === undefined) return { refused: refused ?? closed }

  const byLetter = context.outbox !== undefined && email !== undefined
  const invitation: Invitation = {
    ...(username !== undefined && { username }),
    ...(fullName !== undefined && { fullName }),
    ...(email !== undefined && { email }),
    role,
    scopes: [...new Set(scopes)],
    invitedBy,
    proves: byLetter,
  }
  const { ticketId, ticket, writes } = newTicket(context, {
    ticket: { purpose: 'invite', ...invitation },
    ttl: lifetimes.invitation,
    owners: [invitationsOwner],
  })
  const event = eventWrite(context, {
    type: 'user.invited',
    actor: actorName(actor),
    target: ticketId,
    scope: [role, ...scopes].join(' '),
    ...(address !== undefined && { address }),
  })
  const letter = byLetter ? [outgoingWrite(context, ticketId, wanted.language)] : []
  await commitNew(context.transition, [...writes, ...letter, event])
  if (byLetter) context.outbox?.wake()
  const token = printTicketToken(context.keys, { recordId: ticketId, generation: 0, imprint: ticket })
  const url = byLetter ? null : `${context.issuer}/letter?token=${token}`
  const expiresAt = ticket.createdAt + lifetimes.invitation
  return { done: { ...shown(ticketId, invitation, { createdAt: ticket.createdAt, expiresAt }), url } }
}

/** An invitation as it waits; nothing for every other ticket. The link is in nobody's list. */
export function showInvitation({ id, value, expiresAt = 0 }: StoredRecord<'ticket'>): ShownInvitation | undefined {
  return value.purpose === 'invite' ? shown(id, value, { createdAt: value.createdAt, expiresAt }) : undefined
}

/** Take an invitation back: its link opens nothing any more. Nobody takes back what he couldn't have given. */
export async function withdrawInvitation(
  context: AccountsContext,
  { actor, address }: { readonly actor: Actor; readonly address?: string },
  invitationId: string,
): Promise<Outcome<{ readonly invitationId: string }>> {
  const event = eventWrite(context, {
    type: 'invitation.withdrawn',
    actor: actorName(actor),
    target: invitationId,
    ...(address !== undefined && { address }),
  })
  return transition(
    context.transition,
    { ticket: ref('ticket', invitationId) },
    ({ ticket }): Decision<Outcome<{ readonly invitationId: string }>> => {
      if (ticket.value?.purpose !== 'invite') return { writes: [], result: { refused: noSuchInvitation } }
      const { role, scopes } = ticket.value
      const refused = permit(actor, { do: 'create-user', role, scopes })
      if (refused !== undefined) return { writes: [], result: { refused } }
      return { writes: [...remove(ticket), event], result: { done: { invitationId } } }
    },
  )
}

function inviterOf(actor: Actor): Inviter | undefined {
  if (actor.kind === 'user') return { kind: 'user', userId: actor.user.userId }
  if (actor.kind === 'client') return { kind: 'client', clientId: actor.client.clientId }
  return actor.kind === 'cli' ? { kind: 'cli' } : undefined
}

/** Whoever invites administers accounts and may know which names there are. */
async function takenProblem(
  { transition: { store }, clock }: Pick<AccountsContext, 'transition' | 'clock'>,
  { username, email }: InvitationRequest,
): Promise<Problem | undefined> {
  const now = clock.seconds()
  if (email !== undefined && (await readAlive(store, emailRef(email), now)) !== undefined) return emailTaken
  if (username === undefined) return undefined
  const name = parseUsername(username)
  if (isRefusal(name)) return problem('invalid_field', { field: 'username', detail: describe(name) })
  return (await readAlive(store, usernameRef(name.normal), now)) === undefined ? undefined : nameTaken
}

function shown(
  invitationId: string,
  { username, fullName, email, role, scopes, invitedBy }: Invitation,
  { createdAt, expiresAt }: { readonly createdAt: EpochSeconds; readonly expiresAt: EpochSeconds },
): ShownInvitation {
  return {
    invitation_id: invitationId,
    username: username ?? null,
    full_name: fullName ?? null,
    email: email ?? null,
    role,
    scopes: [...scopes],
    invited_by: invitedBy.kind === 'user' ? invitedBy.userId : invitedBy.kind === 'client' ? invitedBy.clientId : 'cli',
    url: null,
    created_at: createdAt,
    expires_at: expiresAt,
  }
}

const closed: Problem = problem('forbidden', {
  detail: 'users.registration is closed, so nobody is invited; set it to invite',
})
const noSuchInvitation: Problem = problem('not_found', {
  detail: 'there is no such invitation; it may have been accepted',
})
