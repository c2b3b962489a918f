import type { Actor } from '../domain/authority.ts'
import { bucketOf } from '../domain/bucket.ts'
import { check, put, ref, remove, type Decision } from '../domain/record.ts'
import type { User } from '../domain/user.ts'
import { userIdPrefix } from '../protocol/client-id.ts'
import { transition } from '../store/transition.ts'
import { botProblem, broughtProblem, idTaken, nameTaken, wranglerProblem } from './account-problems.ts'
import type { Outcome, PasswordsContext } from './context.ts'
import { emailRef, emailTaken } from './email-name.ts'
import { usernameRef } from './find-user.ts'
import { letterUsed } from './letter-used.ts'
import { changeWrites } from './change-writes.ts'
import { ownWords, passwordProblem } from './password-policy.ts'
import { actorName, permit } from './permit.ts'
import { mayStillInvite } from './still-invites.ts'
import type { NewUser } from './new-user.ts'
import { readUserFields } from './user-fields.ts'

/** Make an account. Its name is reserved in the same commit, so two that look alike never both exist. */
export async function createUser(context: PasswordsContext, actor: Actor, wanted: NewUser): Promise<Outcome<User>> {
  const role = wanted.role ?? 'editor'
  const bot = wanted.bot ?? false
  const fields = readUserFields(wanted)
  if ('refused' in fields) return fields
  const scopes = fields.done.scopes ?? []
  const refused =
    permit(actor, { do: 'create-user', role, scopes }) ?? botProblem(wanted) ?? broughtProblem(actor, wanted)
  if (refused !== undefined) return { refused }

  const { username, normal } = fields.done
  const { brought, letter } = wanted
  let passwordHash = letter?.passwordHash ?? brought?.passwordHash
  if (wanted.password !== undefined) {
    const weak = await passwordProblem(
      context.strength,
      wanted.password,
      ownWords({ ...fields.done, username: normal }),
    )
    if (weak !== undefined) return weak
    passwordHash = await context.passwords.hash(wanted.password)
  }

  const userId = brought?.userId ?? userIdPrefix + context.random.text(16)
  const nameRef = usernameRef(normal)
  const trail = changeWrites(context, { type: 'user.created', userId, actor: actorName(actor) }, [ref('user', userId)])
  // A bot's wrangler is read too; for everybody else this is the account itself, which isn't there yet.
  const wranglerRef = ref('user', wanted.wrangler ?? userId)
  const invitedBy = letter?.invitedBy
  return transition(
    context.transition,
    {
      name: nameRef,
      wrangler: wranglerRef,
      place: ref('user', userId),
      email: emailRef(letter?.proves === true ? (fields.done.email ?? '') : ''),
      ticket: ref('ticket', letter?.ticketId ?? 'none'),
      inviter: ref('user', invitedBy?.kind === 'user' ? invitedBy.userId : userId),
      inviting: ref('client', invitedBy?.kind === 'client' ? invitedBy.clientId : 'none'),
    },
    ({ name, wrangler, place, email, ticket, inviter, inviting }, now): Decision<Outcome<User>> => {
      if (letter !== undefined && ticket.value === undefined) return { writes: [], result: { refused: letterUsed } }
      const asked = { user: inviter.value, client: inviting.value }
      if (invitedBy !== undefined && !mayStillInvite(invitedBy, asked, { role, scopes }))
        return { writes: [], result: { refused: letterUsed } }
      if (letter !== undefined && email.value !== undefined) return { writes: [], result: { refused: emailTaken } }
      if (name.value !== undefined) return { writes: [], result: { refused: nameTaken } }
      if (place.value !== undefined) return { writes: [], result: { refused: idTaken } }
      const unfit = bot ? wranglerProblem(wrangler.value, role) : undefined
      if (unfit !== undefined) return { writes: [], result: { refused: unfit } }
      const user: User = {
        v: 1,
        userId,
        username,
        ...(fields.done.fullName !== undefined && { fullName: fields.done.fullName }),
        ...(fields.done.email !== undefined && { email: fields.done.email }),
        emailVerified: letter?.proves === true && fields.done.email !== undefined,
        ...(letter !== undefined && { language: letter.language }),
        role,
        bot,
        ...(bot && wanted.wrangler !== undefined && { wrangler: wanted.wrangler }),
        scopes,
        epoch: brought?.epoch ?? 1,
        locked: brought?.locked ?? false,
        ...(passwordHash !== undefined && { passwordHash, passwordChangedAt: now }),
        createdAt: now,
        updatedAt: now,
      }
      return {
        writes: [
          put(place, user, { expiresAt: null, owners: [bucketOf(userId)] }),
          put(name, { v: 1, target: userId }, { expiresAt: null, owners: [userId] }),
          ...(bot ? [check(wrangler)] : []),
          ...(invitedBy?.kind === 'user' ? [check(inviter)] : []),
          ...(invitedBy?.kind === 'client' ? [check(inviting)] : []),
          ...(user.emailVerified ? [put(email, { v: 1, target: userId }, { expiresAt: null, owners: [userId] })] : []),
          ...(letter === undefined ? [] : remove(ticket)),
          ...trail(now),
        ],
        result: { done: user },
      }
    },
  )
}
