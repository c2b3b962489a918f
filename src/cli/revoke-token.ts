import { eventWrite } from '../audit/event-write.ts'
import { ref } from '../domain/record.ts'
import { revokeAccessToken } from '../domain/revoke-access-token.ts'
import { revokeGrant } from '../domain/revoke-grant.ts'
import type { Keys } from '../keys/keys.ts'
import { transition } from '../store/transition.ts'
import { readRefreshToken } from '../tokens/refresh.ts'
import { verifyAccess } from '../tokens/verify.ts'
import { CliFailure } from './failure.ts'
import type { Local } from './local.ts'
import { issuerOf } from './token-issuer.ts'

/** End a refresh token with its whole grant, or an access token alone (RFC 7009 §2.1), as the operator. */
export async function revokeToken(
  local: Local,
  keys: Keys,
  text: string,
): Promise<{ readonly revoked: string; readonly id: string }> {
  const refresh = readRefreshToken(keys, text)
  if (refresh !== undefined) {
    await endGrant(local, refresh.recordId)
    return { revoked: 'grant', id: refresh.recordId }
  }
  const expected = { issuer: issuerOf(keys, text) ?? '', now: local.clock.seconds(), context: 'any' } as const
  const claims = verifyAccess(keys, text, expected)
  if ('refused' in claims) {
    throw new CliFailure(`nothing was revoked: this is no live token of this server (${claims.refused})`)
  }
  const event = eventWrite(local, {
    type: 'token.revoked',
    clientId: claims.clientId,
    grantId: claims.gid,
    jti: claims.jti,
    actor: 'cli',
  })
  await transition(local.transition, { revoked: ref('revoked', claims.jti) }, ({ revoked }, now) =>
    revokeAccessToken(revoked, { now, exp: claims.exp, event }),
  )
  return { revoked: 'access token', id: claims.jti }
}

async function endGrant({ transition: context, random, clock }: Local, grantId: string): Promise<void> {
  const eventId = random.id(clock.millis())
  await transition(context, { grant: ref('grant', grantId) }, ({ grant }, now) =>
    revokeGrant(grant, {
      now,
      eventId,
      event: {
        v: 1,
        type: 'grant.revoked',
        at: now,
        grantId,
        actor: 'cli',
        ...(grant.value !== undefined && { clientId: grant.value.clientId, userId: grant.value.userId }),
      },
    }),
  )
}
