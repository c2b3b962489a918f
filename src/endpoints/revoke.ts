import { eventWrite } from '../audit/event-write.ts'
import { boundRefusals, recordRefusal } from '../audit/refusals.ts'
import type { Client } from '../domain/client.ts'
import type { AuditEvent } from '../domain/event.ts'
import { append, ref } from '../domain/record.ts'
import { revokeAccessToken } from '../domain/revoke-access-token.ts'
import { revokeGrant } from '../domain/revoke-grant.ts'
import { readWithNewest } from '../keys/read-with-newest.ts'
import { refuse } from '../protocol/errors.ts'
import type { Endpoint, HttpRequest } from '../protocol/http.ts'
import { transition } from '../store/transition.ts'
import type { AccessClaims } from '../tokens/access-claims.ts'
import { readRefreshToken } from '../tokens/refresh.ts'
import { verifyAccess } from '../tokens/verify.ts'
import { backChannel } from './back-channel.ts'
import type { Core } from './core.ts'
import { json } from './respond.ts'

/**
 * Revocation (RFC 7009). A refresh token takes its whole grant with it (§2.1); an access token goes alone.
 * The hint is never needed: a token says itself what it is. 200 for whatever is dead afterwards or was never alive, 503 if it could not be done.
 */
export function createRevocationEndpoint(core: Core): Endpoint {
  return backChannel(core, 'revoke', async ({ client, parameters, http }) => {
    const text = parameters.get('token')
    if (text === undefined) return refuse('invalid_request', 'parameter_missing', 'token is missing')
    const expected = { issuer: core.issuer, now: core.clock.seconds(), context: 'any' } as const
    // C20: a 200 for a token of a key that another node made a moment ago would leave it alive.
    const found = await readWithNewest(
      core.keys,
      () => readRefreshToken(core.keys, text) ?? verifyAccess(core.keys, text, expected),
      (read) => 'refused' in read,
    )
    if ('recordId' in found) await revokeFamily(core, http, { client, grantId: found.recordId })
    else if (!('refused' in found)) await revokeAccess(core, http, { client, claims: found })
    return json(200, '{}')
  })
}

async function revokeFamily(
  core: Core,
  { peer: { address } }: HttpRequest,
  { client, grantId }: { readonly client: Client; readonly grantId: string },
): Promise<void> {
  const eventId = core.random.id(core.clock.millis())
  const bounded = boundRefusals(core, address)
  await transition(core.transition, { grant: ref('grant', grantId) }, ({ grant }, now) => {
    const common = { v: 1, at: now, clientId: client.clientId, grantId, address } as const
    // RFC 7009 §2.1: only the client that it was issued to. The attempt is worth knowing.
    if (grant.value !== undefined && grant.value.clientId !== client.clientId) {
      const refused = append(eventId, { ...common, type: 'token.refused', reason: 'token_foreign' })
      return { writes: bounded([refused]), result: undefined }
    }
    const event: AuditEvent = {
      ...common,
      type: 'grant.revoked',
      ...(grant.value === undefined ? {} : { userId: grant.value.userId }),
    }
    return revokeGrant(grant, { now, eventId, event })
  })
}

async function revokeAccess(
  core: Core,
  { peer: { address } }: HttpRequest,
  { client, claims }: { readonly client: Client; readonly claims: AccessClaims },
): Promise<void> {
  const about = { clientId: client.clientId, grantId: claims.gid, jti: claims.jti, address }
  if (claims.clientId !== client.clientId) {
    await recordRefusal(core, { type: 'token.refused', reason: 'token_foreign', ...about })
    return
  }
  const event = eventWrite(core, { type: 'token.revoked', ...about })
  await transition(core.transition, { revoked: ref('revoked', claims.jti) }, ({ revoked }, now) =>
    revokeAccessToken(revoked, { now, exp: claims.exp, event }),
  )
}
