import { authority } from '../domain/authority.ts'
import type { Client } from '../domain/client.ts'
import type { Invitation, Inviter } from '../domain/ticket.ts'
import type { User } from '../domain/user.ts'
import type { AccountsContext } from './context.ts'
import { findClient } from './find-client.ts'
import { findUser } from './find-user.ts'

/** Whoever invited, as he stands now. */
export type InviterNow = { readonly user?: User | undefined; readonly client?: Client | undefined }

/** Whether whoever invited could still make such an account: one who was put out since lets nobody in (M10). */
export function mayStillInvite(
  invitedBy: Inviter,
  { user, client }: InviterNow,
  { role, scopes }: Pick<Invitation, 'role' | 'scopes'>,
): boolean {
  const deed = { do: 'create-user', role, scopes } as const
  if (invitedBy.kind === 'cli') return true
  if (invitedBy.kind === 'user')
    return user !== undefined && !user.locked && authority({ kind: 'user', user, scopes: ['admin'] }, deed).allowed
  if (client === undefined || client.disabled || !client.scope.includes('admin')) return false
  return authority({ kind: 'client', client, scopes: ['admin'] }, deed).allowed
}

/** The same of what is stored now; a commit asks again. */
export async function stillInvites(
  context: Pick<AccountsContext, 'clock' | 'transition'>,
  invitation: Invitation,
): Promise<boolean> {
  const { invitedBy } = invitation
  return mayStillInvite(
    invitedBy,
    {
      ...(invitedBy.kind === 'user' && { user: await findUser(context, invitedBy.userId) }),
      ...(invitedBy.kind === 'client' && { client: await findClient(context, invitedBy.clientId) }),
    },
    invitation,
  )
}
