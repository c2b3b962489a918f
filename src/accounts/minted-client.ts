import type { Client } from '../domain/client.ts'
import { mintableScopes } from '../domain/mint-request.ts'
import type { EpochSeconds } from '../protocol/time.ts'

/** The client in whose name tokens without a sign-in are made. Ending it, or what it holds, ends them all. */
export const mintedClientId = 'minted-tokens'

/** It can do nothing by itself: no grant type, no redirect URI, no secret. */
export function mintedClient(now: EpochSeconds): Client {
  return {
    v: 1,
    clientId: mintedClientId,
    name: 'Minted tokens',
    authentication: { method: 'none' },
    redirectUris: [],
    postLogoutRedirectUris: [],
    grantTypes: [],
    scope: mintableScopes,
    idTokenAlgorithm: 'RS256',
    legacy: [],
    loopbackOnly: false,
    epoch: 1,
    managedBy: 'administrator',
    disabled: false,
    createdAt: now,
    updatedAt: now,
  }
}
