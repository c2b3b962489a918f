import type { JwsRefusal } from '../crypto/jws.ts'
import type { Reason } from '../protocol/reasons.ts'

/** Why a token isn't accepted. Nothing here says so to the sender: the wire knows `invalid_token` alone. */
export type TokenRefusal = {
  readonly refused: Extract<
    Reason,
    'token_malformed' | 'token_type' | 'token_signature' | 'token_expired' | 'token_caveat' | 'token_undischarged'
  >
}

const ofJws = {
  malformed: 'token_malformed',
  type: 'token_type',
  algorithm: 'token_signature',
  key: 'token_signature',
  signature: 'token_signature',
} as const satisfies Record<JwsRefusal['refused'], TokenRefusal['refused']>

export function tokenRefusal(refusal: JwsRefusal): TokenRefusal {
  return { refused: ofJws[refusal.refused] }
}
