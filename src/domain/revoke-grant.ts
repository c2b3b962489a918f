import type { EpochSeconds } from '../protocol/time.ts'
import { append, put, type Decision, type Slot } from './record.ts'
import type { AuditEvent } from './event.ts'
import { lifetimes } from './lifetimes.ts'

/** End a grant and with it every token that names it (RFC 7009 §2.1). Ending it again changes nothing. */
export function revokeGrant(
  slot: Slot<'grant'>,
  input: { readonly now: EpochSeconds; readonly eventId: string; readonly event: AuditEvent },
): Decision<'revoked' | 'already' | 'unknown'> {
  const grant = slot.value
  if (grant === undefined) return { writes: [], result: 'unknown' }
  if (grant.revokedAt !== undefined) return { writes: [], result: 'already' }
  const expiresAt = Math.max(grant.refresh?.idleExpiresAt ?? 0, input.now + lifetimes.longestAccessToken)
  return {
    writes: [put(slot, { ...grant, revokedAt: input.now }, { expiresAt }), append(input.eventId, input.event)],
    result: 'revoked',
  }
}
