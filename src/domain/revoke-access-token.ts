import { clockTolerance, type EpochSeconds } from '../protocol/time.ts'
import { put, type Decision, type Slot, type Write } from './record.ts'

/**
 * End one access token (RFC 7009 §2.1). The note stays as long as any node might take the token for alive, nodes whose clocks
 * differ included. Ending it again changes nothing.
 */
export function revokeAccessToken(
  revoked: Slot<'revoked'>,
  { now, exp, event }: { readonly now: EpochSeconds; readonly exp: EpochSeconds; readonly event: Write },
): Decision<undefined> {
  if (revoked.value !== undefined) return { writes: [], result: undefined }
  const note = put(revoked, { v: 1, at: now }, { expiresAt: exp + clockTolerance, owners: [] })
  return { writes: [note, event], result: undefined }
}
