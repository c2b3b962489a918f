import { isRefusal, refuse, type Refusal } from '../protocol/errors.ts'
import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import { append, put, type Decision, type Slot, type Write } from './record.ts'
import type { AuditEvent } from './event.ts'
import type { Grant, Imprint, RefreshState } from './grant.ts'
import { lifetimes } from './lifetimes.ts'
import { sameImprint } from './same-imprint.ts'

/** A first refresh token, and how long its family may live at most. */
export type NewRefresh = {
  readonly imprint: Imprint
  readonly idleTtl: Seconds
  readonly absoluteExpiresAt: EpochSeconds
}

export type RedeemInput = {
  readonly now: EpochSeconds
  /** What the code itself proved: it is ours, of this grant, with this nonce. */
  readonly imprint: Imprint
  readonly clientId: string
  /** S256 of the `code_verifier` that was sent. */
  readonly challenge: string
  /** Absent: not sent. OAuth 2.1 §4.1.3 no longer asks for it; if sent it must match. */
  readonly redirectUri?: string
  /** Global, user and client epoch as they are now. */
  readonly epoch: string
  /** Present if the client gets a refresh token. */
  readonly refresh?: NewRefresh
  readonly deviceName?: string
  /** How long the access token minted with it lives: the grant must outlive it. */
  readonly accessTtl: Seconds
  readonly eventId: string
  /** What is recorded of success; a refusal if the request asks for more than the grant holds: then nothing changes. */
  readonly issued: AuditEvent | Refusal
  readonly address: string
}

/**
 * Redeem an authorization code once (RFC 6749 §4.1.2, §4.1.3; RFC 7636 §4.6).
 * A code that comes again with the right client and verifier revokes all that it made; whoever lacks them
 * could otherwise kill a stranger's grant with a code seen in a log.
 */
export function redeemCode(slot: Slot<'grant'>, input: RedeemInput): Decision<Grant | Refusal> {
  const grant = slot.value
  const code = grant?.code
  if (grant === undefined || code === undefined || !sameImprint(code, input.imprint)) {
    return refused('unknown_code')
  }
  const rightClient = grant.clientId === input.clientId
  const rightVerifier = code.codeChallenge === input.challenge
  if (code.redeemedAt !== undefined) {
    if (!rightClient || !rightVerifier) return refused('code_redeemed')
    if (grant.revokedAt !== undefined) return refused('code_replayed')
    return refused('code_replayed', [
      put(slot, { ...grant, revokedAt: input.now }, { expiresAt: grantExpiry(grant, input) }),
      event(grant, input, { grantId: slot.id, type: 'code.replayed', reason: 'code_replayed' }),
    ])
  }
  if (grant.revokedAt !== undefined || code.burnedAt !== undefined) return refused('code_burned')
  if (input.now >= code.expiresAt) return refused('code_expired')
  // RFC 6749 §4.1.3: bound to the client; RFC 7636 §4.6: to the verifier. A wrong presenter means that it leaked.
  if (!rightClient) return burned(slot, input, 'code_of_other_client')
  if (!rightVerifier) return burned(slot, input, 'verifier_mismatch')
  if (input.redirectUri !== undefined && input.redirectUri !== code.redirectUri) {
    return burned(slot, input, 'redirect_uri_mismatch')
  }
  if (grant.epoch !== input.epoch) return refused('epoch_changed')
  const { issued } = input
  if (isRefusal(issued)) return { writes: [], result: issued }

  const redeemed: Grant = {
    ...grant,
    code: { ...code, redeemedAt: input.now },
    ...(input.refresh === undefined ? {} : { refresh: firstRefresh(input.refresh, input.now, grant.endsAt) }),
    ...(input.deviceName === undefined ? {} : { deviceName: input.deviceName }),
  }
  return {
    writes: [put(slot, redeemed, { expiresAt: grantExpiry(redeemed, input) }), append(input.eventId, issued)],
    result: redeemed,
  }
}

/** The state of a family with its first refresh token. It ends with its grant, if that has an end of its own. */
export function firstRefresh(refresh: NewRefresh, now: EpochSeconds, endsAt?: EpochSeconds): RefreshState {
  const absoluteExpiresAt = Math.min(refresh.absoluteExpiresAt, endsAt ?? refresh.absoluteExpiresAt)
  return {
    generation: 0,
    current: refresh.imprint,
    idleTtl: refresh.idleTtl,
    idleExpiresAt: Math.min(now + refresh.idleTtl, absoluteExpiresAt),
    absoluteExpiresAt,
    lastUsedAt: now,
  }
}

/** A grant must outlive every token that names it, and be there to recognise a replayed code. */
function grantExpiry(grant: Grant, input: { now: EpochSeconds; accessTtl: Seconds }): EpochSeconds {
  const access = input.now + Math.max(input.accessTtl, lifetimes.longestAccessToken)
  return Math.max(access, grant.refresh?.idleExpiresAt ?? 0)
}

function burned(slot: Slot<'grant'>, input: RedeemInput, reason: BurnReason) {
  const grant = slot.value
  if (grant?.code === undefined) return refused(reason)
  const { code } = grant
  return refused(reason, [
    put(slot, { ...grant, code: { ...code, burnedAt: input.now } }, { expiresAt: code.expiresAt }),
    event(grant, input, { grantId: slot.id, type: 'token.refused', reason }),
  ])
}

type BurnReason = 'code_of_other_client' | 'verifier_mismatch' | 'redirect_uri_mismatch'
type Reason =
  BurnReason | 'unknown_code' | 'code_redeemed' | 'code_replayed' | 'code_burned' | 'code_expired' | 'epoch_changed'

function refused(reason: Reason, writes: readonly Write[] = []): Decision<Refusal> {
  return { writes, result: refuse('invalid_grant', reason) }
}

function event(
  grant: Grant,
  input: RedeemInput,
  what: { readonly type: 'code.replayed' | 'token.refused'; readonly grantId: string; readonly reason: Reason },
): Write {
  return append(input.eventId, {
    v: 1,
    at: input.now,
    clientId: input.clientId,
    userId: grant.userId,
    address: input.address,
    grantType: 'authorization_code',
    ...what,
  })
}
