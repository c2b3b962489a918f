import { authority, type Actor, type AuthorityReason, type Deed } from '../domain/authority.ts'
import { problem, type Problem } from '../protocol/problem.ts'

const details: Readonly<Record<AuthorityReason, string>> = {
  scope_missing: 'the access token lacks the scope for this',
  role_too_low: 'this takes an administrator',
  target_above_actor: 'the account has a higher role than yours',
  role_above_actor: 'the role is higher than yours',
  scope_not_held: 'you cannot give a scope that you do not hold',
  not_oneself: 'this is about another account',
  oneself: 'somebody else must do this to your own account',
}

/** Why the actor may not do it, for the wire; nothing if he may. */
export function permit(actor: Actor, deed: Deed): Problem | undefined {
  const verdict = authority(actor, deed)
  if (verdict.allowed) return undefined
  return problem(verdict.reason === 'scope_missing' ? 'insufficient_scope' : 'forbidden', {
    detail: details[verdict.reason],
  })
}

/** The actor as audit events name him. */
export function actorName(actor: Actor): string {
  if (actor.kind === 'user') return actor.user.userId
  return actor.kind === 'client' ? actor.client.clientId : actor.kind
}
