import { announce } from '../domain/change.ts'
import type { Client } from '../domain/client.ts'
import { mintableScopes } from '../domain/mint-request.ts'
import { powerlessClient } from '../domain/powerless-client.ts'
import { check, put, type Slot, type Write } from '../domain/record.ts'
import type { EpochSeconds } from '../protocol/time.ts'

/** The client in whose name tokens without a sign-in are made. Ending it, or what it holds, ends them all. */
export const mintedClientId = 'minted-tokens'

export function mintedClient(now: EpochSeconds): Client {
  return { ...powerlessClient(mintedClientId, now), name: 'Minted tokens', scope: mintableScopes }
}

/**
 * That client as it stands, and what goes into a commit in its name: it is made at its first use, and is what it was until then
 * afterwards. Undefined: it was switched off or changed. `noteId` is new.
 */
export function inMintedName(
  slot: Slot<'client'>,
  noteId: string,
  now: EpochSeconds,
): { readonly client: Client; readonly writes: readonly Write[] } | undefined {
  const client = slot.value ?? mintedClient(now)
  if (client.disabled || client.grantTypes.length > 0) return undefined
  const writes =
    slot.value === undefined
      ? [put(slot, client, { expiresAt: null, owners: ['*'] }), announce(noteId, slot, now)]
      : [check(slot)]
  return { client, writes }
}
