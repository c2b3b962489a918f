import { eventWrite } from '../audit/event-write.ts'
import { recordEvent } from '../audit/record-event.ts'
import type { Client } from '../domain/client.ts'
import type { AuditEvent } from '../domain/event.ts'
import { append, put, ref } from '../domain/record.ts'
import { revokeGrant } from '../domain/revoke-grant.ts'
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
    let refresh = readRefreshToken(core.keys, text)
    const expected = { issuer: core.issuer, now: core.clock.seconds(), context: 'any' } as const
    let claims = verifyAccess(core.keys, text, expected)
    // C20: a 200 for a token of a key that another node made a moment ago would leave it alive.
    if (refresh === undefined && 'refused' in claims && (await core.keys.learn())) {
      refresh = readRefreshToken(core.keys, text)
      claims = verifyAccess(core.keys, text, expected)
    }
    if (refresh !== undefined) {
      await revokeFamily(core, client, refresh.recordId, http)
      return json(200, '{}')
    }
    if (!('refused' in claims)) await revokeAccess(core, client, claims, http)
    return json(200, '{}')
  })
}

async function revokeFamily(core: Core, client: Client, grantId: string, request: HttpRequest): Promise<void> {
  const eventId = core.random.id(core.clock.millis())
  await transition(core.transition, { grant: ref('grant', grantId) }, ({ grant }, now) => {
    const common = { v: 1, at: now, clientId: client.clientId, grantId, address: request.peer.address } as const
    // RFC 7009 §2.1: only the client that it was issued to. The attempt is worth knowing.
    if (grant.value !== undefined && grant.value.clientId !== client.clientId) {
      return {
        writes: [append(eventId, { ...common, type: 'token.refused', reason: 'token_foreign' })],
        result: undefined,
      }
    }
    const event: AuditEvent = {
      ...common,
      type: 'grant.revoked',
      ...(grant.value === undefined ? {} : { userId: grant.value.userId }),
    }
    return revokeGrant(grant, { now, eventId, event })
  })
}

/** Nodes whose clocks differ must agree that it is dead for as long as one of them might think it alive. */
const clockToleranceSeconds = 60

async function revokeAccess(core: Core, client: Client, claims: AccessClaims, request: HttpRequest): Promise<void> {
  const about = { clientId: client.clientId, grantId: claims.gid, jti: claims.jti, address: request.peer.address }
  if (claims.clientId !== client.clientId) {
    await recordEvent(core, { type: 'token.refused', reason: 'token_foreign', ...about })
    return
  }
  const event = eventWrite(core, { type: 'token.revoked', ...about })
  await transition(core.transition, { revoked: ref('revoked', claims.jti) }, ({ revoked }, now) => ({
    writes:
      revoked.value === undefined
        ? [put(revoked, { v: 1, at: now }, { expiresAt: claims.exp + clockToleranceSeconds, owners: [] }), event]
        : [],
    result: undefined,
  }))
}
