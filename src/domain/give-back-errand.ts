import type { EpochSeconds } from '../protocol/time.ts'
import type { HeldConnection, Revocation } from './connection.ts'
import { lifetimes } from './lifetimes.ts'
import { create, ref, type Write } from './record.ts'

/** What the errand is written with that gives tokens back at the provider: its id, and a seal of its own for them. */
export type NewRevocation = {
  readonly id: string
  readonly wrap: (sealed: string) => Pick<Revocation, 'sealed' | 'wrapped'>
}

/** Tokens that nobody has a use for any more, to be given back at the provider from then on. */
export function giveBackErrand(
  { id, wrap }: NewRevocation,
  kept: Pick<HeldConnection, 'provider' | 'owner' | 'edition' | 'sealed' | 'keyId'> &
    Pick<Revocation, 'connectionId' | 'unlessConfirmed'>,
  from: EpochSeconds,
): Write {
  const { provider, owner, connectionId, edition, sealed, keyId, unlessConfirmed } = kept
  return create(
    ref('revocation', id),
    {
      v: 1,
      provider,
      connectionId,
      edition,
      ...wrap(sealed),
      keyId,
      ...(owner.kind === 'user' && { userId: owner.userId }),
      ...(unlessConfirmed !== undefined && { unlessConfirmed }),
      attempts: 0,
      nextAt: from,
    },
    { owners: ['*'], expiresAt: from + lifetimes.connectionEnded },
  )
}
