import { isRefusal, refuse, type Refusal } from '../protocol/errors.ts'
import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import { append, check, put, type Decision, type Slot, type Write } from './record.ts'
import type { AuditEvent } from './event.ts'
import type { Grant, Imprint } from './grant.ts'
import { lifetimes } from './lifetimes.ts'
import { sameImprint } from './same-imprint.ts'

export type RotateInput = {
  readonly now: EpochSeconds
  /** What the refresh token itself proved. */
  readonly generation: number
  readonly imprint: Imprint
  readonly clientId: string
  readonly epoch: string
  /** When this service began to answer again: a client whose answer died with the last process gets its grace. */
  readonly readyAt: EpochSeconds
  /** Imprint of the successor. */
  readonly fresh: Imprint
  readonly accessTtl: Seconds
  readonly eventId: string
  /** What is recorded; a refusal if the request asks for more than the grant holds: then nothing changes (RFC 6749 §6). */
  readonly issued: AuditEvent | Refusal
  readonly address: string
}

export type Rotated = {
  readonly grant: Grant
  readonly generation: number
  readonly imprint: Imprint
  /** The successor was made before; the client just hadn't got it. */
  readonly repeated: boolean
}

/**
 * Rotate a refresh token once (RFC 9700 §4.14.2; OAuth 2.1 §4.3.1).
 * The immediate predecessor gets the same successor again for ten seconds, until that one is used;
 * anything older means that two parties hold the family, and it dies.
 */
export function rotateRefresh(slot: Slot<'grant'>, input: RotateInput): Decision<Rotated | Refusal> {
  const grant = slot.value
  const state = grant?.refresh
  if (grant === undefined || state === undefined) return refused('unknown_grant')
  if (grant.clientId !== input.clientId)
    return refused('refresh_of_other_client', [
      refusal(grant, input, { grantId: slot.id, reason: 'refresh_of_other_client' }),
    ])
  if (grant.revokedAt !== undefined) return refused('grant_revoked')
  if (grant.epoch !== input.epoch) return refused('epoch_changed')
  if (input.now >= state.absoluteExpiresAt || input.now >= state.idleExpiresAt) return refused('refresh_expired')

  const isCurrent = input.generation === state.generation && sameImprint(state.current, input.imprint)
  // Our own MAC stands under a generation that this store has never made: the store went back in time.
  if (input.generation > state.generation || (input.generation === state.generation && !isCurrent)) {
    return refused('store_rollback', [refusal(grant, input, { grantId: slot.id, reason: 'store_rollback' })])
  }
  const inGrace =
    input.generation === state.generation - 1 &&
    state.previous !== undefined &&
    sameImprint(state.previous, input.imprint) &&
    input.now <= Math.max(state.rotatedAt ?? 0, input.readyAt) + lifetimes.refreshGrace
  if (!isCurrent && !inGrace) {
    return refused('refresh_reuse', [
      put(slot, { ...grant, revokedAt: input.now }, { expiresAt: expiry(grant, input) }),
      refusal(grant, input, { grantId: slot.id, reason: 'refresh_reuse' }),
    ])
  }
  const { issued } = input
  if (isRefusal(issued)) return { writes: [], result: issued }

  if (!isCurrent) {
    return {
      writes: [check(slot), append(input.eventId, { ...issued, type: 'token.refresh_repeated' })],
      result: { grant, generation: state.generation, imprint: state.current, repeated: true },
    }
  }
  const rotated: Grant = {
    ...grant,
    refresh: {
      ...state,
      generation: state.generation + 1,
      current: input.fresh,
      previous: state.current,
      rotatedAt: input.now,
      idleExpiresAt: Math.min(input.now + state.idleTtl, state.absoluteExpiresAt),
      lastUsedAt: input.now,
    },
  }
  return {
    writes: [put(slot, rotated, { expiresAt: expiry(rotated, input) }), append(input.eventId, issued)],
    result: { grant: rotated, generation: state.generation + 1, imprint: input.fresh, repeated: false },
  }
}

function expiry(grant: Grant, input: RotateInput): EpochSeconds {
  return Math.max(grant.refresh?.idleExpiresAt ?? 0, input.now + input.accessTtl)
}

type Reason =
  | 'unknown_grant'
  | 'refresh_of_other_client'
  | 'grant_revoked'
  | 'epoch_changed'
  | 'refresh_expired'
  | 'refresh_reuse'
  | 'store_rollback'

function refused(reason: Reason, writes: readonly Write[] = []): Decision<Refusal> {
  return { writes, result: refuse('invalid_grant', reason) }
}

function refusal(
  grant: Grant,
  input: RotateInput,
  { grantId, reason }: { readonly grantId: string; readonly reason: Reason },
): Write {
  return append(input.eventId, {
    v: 1,
    type: 'token.refused',
    at: input.now,
    clientId: input.clientId,
    userId: grant.userId,
    grantId,
    address: input.address,
    grantType: 'refresh_token',
    reason,
  })
}
