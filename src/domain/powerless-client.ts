import type { EpochSeconds } from '../protocol/time.ts'
import type { Client } from './client.ts'

/** A client that can do nothing by itself: no grant type, no redirect URI, no secret, no scope. */
export function powerlessClient(clientId: string, at: EpochSeconds): Client {
  return {
    v: 1,
    clientId,
    authentication: { method: 'none' },
    redirectUris: [],
    postLogoutRedirectUris: [],
    grantTypes: [],
    scope: [],
    idTokenAlgorithm: 'RS256',
    legacy: [],
    loopbackOnly: false,
    epoch: 1,
    managedBy: 'administrator',
    disabled: false,
    createdAt: at,
    updatedAt: at,
  }
}
