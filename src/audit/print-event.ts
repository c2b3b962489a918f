import type { StoredEvent } from './collect-events.ts'

/** An event as programs see it, with names of the wire. */
export function printEvent({ id, event }: StoredEvent) {
  const { v: _version, clientId, userId, grantId, sessionId, grantType, audience, ...same } = event
  return {
    id,
    ...same,
    ...(clientId !== undefined && { client_id: clientId }),
    ...(userId !== undefined && { user_id: userId }),
    ...(grantId !== undefined && { grant_id: grantId }),
    ...(sessionId !== undefined && { session_id: sessionId }),
    ...(grantType !== undefined && { grant_type: grantType }),
    ...(audience !== undefined && { audience: [...audience] }),
  }
}
