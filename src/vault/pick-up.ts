import { equalDigests } from '../crypto/equal-digests.ts'
import { verifyMac } from '../crypto/mac.ts'
import { confirmConnection, startExpiry } from '../domain/connect.ts'
import { isHeld, type Connection } from '../domain/connection.ts'
import { ref } from '../domain/record.ts'
import { readWithNewest } from '../keys/read-with-newest.ts'
import { refuse, type Refusal } from '../protocol/errors.ts'
import { readAlive } from '../store/read-alive.ts'
import { normaliseShortCode } from '../tokens/short-code.ts'
import { readVaultHandle, type VaultHandle } from '../tokens/vault-handle.ts'
import { changeConnection } from './change-connection.ts'
import type { Unavailability, VaultContext } from './context.ts'
import { endingOf } from './end-connection.ts'
import type { FreshToken } from './fresh-token.ts'
import { confirmationText } from './obtain-connection.ts'
import { keyUnknown } from './renew.ts'

/** What a handle leads to. */
export type FoundByHandle = { readonly handle: VaultHandle; readonly connection: Connection }

/**
 * What a handle says; undefined: none of ours. Until somebody consents its key alone proves it, so the rings are read again where
 * that is missing: another node may have made both a moment ago.
 */
export async function readHandle(keys: VaultContext['keys'], text: string): Promise<VaultHandle | undefined> {
  return readWithNewest(
    keys,
    () => readVaultHandle(keys, text),
    (found) => found?.proved === false,
  )
}

/** Its connection, or why there is none (yet); undefined is a handle that is none. */
export async function findByHandle(
  context: Pick<VaultContext, 'transition' | 'clock'>,
  handle: VaultHandle | undefined,
): Promise<FoundByHandle | Refusal> {
  if (handle === undefined) return refuse('invalid_request', 'handle_unknown', 'there is no such handle')
  const now = context.clock.seconds()
  const connection = await readAlive(context.transition.store, ref('connection', handle.connectionId), now)
  if (connection === undefined) {
    if (!handle.proved) return refuse('invalid_request', 'handle_unknown', 'there is no such handle')
    return now < startExpiry(handle) ? pending : over
  }
  if (!equalDigests(connection.handleHash ?? '', handle.hash))
    return refuse('invalid_request', 'handle_unknown', 'there is no such handle')
  return { handle, connection }
}

const pending = refuse('authorization_pending', 'connection_pending')
const over = refuse('expired_token', 'connection_over')

/** Whether the code of the last page, if one is wanted, came with it. */
export async function confirm(
  context: VaultContext,
  { id, connection }: { readonly id: string; readonly connection: Connection },
  code: string | undefined,
): Promise<Refusal | undefined> {
  if (!isHeld(connection) || connection.confirmation === undefined) return undefined
  if (code === undefined)
    return refuse(
      'authorization_pending',
      'connection_pending',
      'send the code from the last page of the browser as confirm',
    )
  const { confirmation } = connection
  const secret = await readWithNewest(context.keys, () => context.keys.secretById('mac', confirmation.keyId))
  // Before anything is written: five of these would end it, and the code may be right.
  if (secret === undefined) return refusalOf({ outcome: 'unavailable', ...keyUnknown })
  const right = verifyMac(secret.key, confirmationText(id, normaliseShortCode(code)), confirmation.mac)
  const ending = await endingOf(context, id, { connection, by: { reason: 'connect_code' } })
  const confirmed = await changeConnection(context.transition, id, (slot, now) =>
    confirmConnection(slot, { right, now, end: ending(now) }),
  )
  if (confirmed === 'confirmed') return undefined
  return confirmed === 'ended' ? over : refuse('authorization_pending', 'connect_code', 'the code in confirm is wrong')
}

/** A refusal in the words of the wire, for everything but a token. */
export function refusalOf(fresh: Exclude<FreshToken, { outcome: 'token' }>): Refusal {
  switch (fresh.outcome) {
    case 'pending':
      return pending
    case 'denied':
      return refuse('access_denied', 'connection_denied')
    case 'revoked':
      return over
    case 'unknown':
      return refuse('invalid_request', 'connection_unknown', 'there is no such connection')
    case 'needs_reauth':
      return refuse('needs_reauth', 'connection_broken')
    case 'unavailable':
      return {
        ...refuse('temporarily_unavailable', fresh.reason, unavailable[fresh.reason]),
        retryAfter: fresh.retryAfter,
      }
  }
}

/** What whoever asks for a token hears of it. */
const unavailable: Readonly<Record<Unavailability, string>> = {
  upstream_unavailable: 'the provider gives no token at the moment',
  upstream_refused: 'the provider refuses this server: whoever runs it finds the reason in its log',
  upstream_malformed: 'the provider answers with something that is no token',
  connection_key: 'this node has not been told yet of the key to what is kept; ask again',
}
