import type { Client } from '../domain/client.ts'
import { mintableScopes } from '../domain/mint-request.ts'
import { powerlessClient } from '../domain/powerless-client.ts'
import type { EpochSeconds } from '../protocol/time.ts'

/** The client in whose name tokens without a sign-in are made. Ending it, or what it holds, ends them all. */
export const mintedClientId = 'minted-tokens'

export function mintedClient(now: EpochSeconds): Client {
  return { ...powerlessClient(mintedClientId, now), name: 'Minted tokens', scope: mintableScopes }
}
