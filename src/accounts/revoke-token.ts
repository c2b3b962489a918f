import { eventWrite } from '../audit/event-write.ts'
import type { Actor } from '../domain/authority.ts'
import type { Grant } from '../domain/grant.ts'
import { ref } from '../domain/record.ts'
import { revokeAccessToken } from '../domain/revoke-access-token.ts'
import { revokeGrant } from '../domain/revoke-grant.ts'
import type { Keys } from '../keys/keys.ts'
import { readWithNewest } from '../keys/read-with-newest.ts'
import { problem, type Problem } from '../protocol/problem.ts'
import { transition } from '../store/transition.ts'
import type { AccessClaims } from '../tokens/access-claims.ts'
import type { TokenKeys } from '../tokens/keys-view.ts'
import { readRefreshToken } from '../tokens/refresh.ts'
import { verifyAccess } from '../tokens/verify.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { findUser } from './find-user.ts'
import { actorName, permit } from './permit.ts'

export type RevokeContext = AccountsContext & {
  readonly issuer: string
  readonly keys: TokenKeys & Pick<Keys, 'learn'>
}

export type Revoking = { readonly text: string; readonly actor: Actor; readonly address?: string }

/** What ended: `id` is of the grant, or the `jti`. */
export type RevokedToken = { readonly revoked: 'grant' | 'access_token'; readonly id: string }

const noToken = problem('not_found', { detail: 'nothing was revoked: this is no live token of this server' })

/**
 * End the token that an administrator holds in his hands, whoever's it is: a refresh token with its whole grant, an access token
 * alone (RFC 7009 §2.1). Whose account has a higher role than his is out of his reach, as all that account's tokens are.
 */
export async function revokeToken(context: RevokeContext, revoking: Revoking): Promise<Outcome<RevokedToken>> {
  const { issuer, keys, clock } = context
  const expected = { issuer, now: clock.seconds(), context: 'any' } as const
  // C20: a token of a key that another node made a moment ago would be left alive.
  const found = await readWithNewest(
    keys,
    () => readRefreshToken(keys, revoking.text) ?? verifyAccess(keys, revoking.text, expected),
    (read) => 'refused' in read,
  )
  if ('recordId' in found) return endFamily(context, revoking, found.recordId)
  return 'refused' in found ? { refused: noToken } : endAccess(context, revoking, found)
}

async function endFamily(context: RevokeContext, revoking: Revoking, grantId: string): Promise<Outcome<RevokedToken>> {
  const { clock, random } = context
  const [before] = await context.transition.store.read([ref('grant', grantId)])
  const known = before?.value as Grant | undefined
  if (known === undefined) return { refused: noToken }
  const refused = await forbidden(context, revoking.actor, known.userId)
  if (refused !== undefined) return { refused }
  const eventId = random.id(clock.millis())
  const event = { v: 1, type: 'grant.revoked', clientId: known.clientId, userId: known.userId, grantId } as const
  await transition(context.transition, { grant: ref('grant', grantId) }, ({ grant }, now) =>
    revokeGrant(grant, { now, eventId, event: { ...event, ...by(revoking), at: now } }),
  )
  return { done: { revoked: 'grant', id: grantId } }
}

async function endAccess(
  context: RevokeContext,
  revoking: Revoking,
  { clientId, sub, gid, jti, exp }: AccessClaims,
): Promise<Outcome<RevokedToken>> {
  const refused = await forbidden(context, revoking.actor, sub)
  if (refused !== undefined) return { refused }
  const event = eventWrite(context, { type: 'token.revoked', clientId, grantId: gid, jti, ...by(revoking) })
  await transition(context.transition, { revoked: ref('revoked', jti) }, ({ revoked }, now) =>
    revokeAccessToken(revoked, { now, exp, event }),
  )
  return { done: { revoked: 'access_token', id: jti } }
}

/** A program's own tokens, or those of an account that is no more, are anybody's who administers programs. */
async function forbidden(context: RevokeContext, actor: Actor, subject: string): Promise<Problem | undefined> {
  const target = await findUser(context, subject)
  return permit(actor, target === undefined ? { do: 'delete-client' } : { do: 'revoke-tokens', target })
}

const by = ({ actor, address }: Revoking) => ({ actor: actorName(actor), ...(address !== undefined && { address }) })
