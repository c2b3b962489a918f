import { bucketOf } from '../domain/bucket.ts'
import type { Identity, Newcomer } from '../domain/identity.ts'
import { create, put, ref, type Slot, type Write } from '../domain/record.ts'
import type { User } from '../domain/user.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { identityRef } from './identity-refs.ts'
import { emailProblem, fullNameProblem } from './user-fields.ts'

/** Who somebody is elsewhere, and what he is called there. */
export type Identified = Pick<Newcomer, 'provider' | 'issuer' | 'subject' | 'label' | 'fullName' | 'email'>

/**
 * An account with an identity elsewhere and no password, and what writes it together with its two names. Its address counts as
 * unconfirmed: its person confirms it to us himself.
 */
export function identifiedAccount(
  {
    userId,
    username,
    identified,
  }: { readonly userId: string; readonly username: string; readonly identified: Identified },
  slots: { readonly username: Slot<'name'>; readonly name: Slot<'name'> },
  now: EpochSeconds,
): { readonly user: User; readonly writes: readonly Write[] } {
  const { provider, issuer, subject, label, fullName, email } = identified
  const user: User = {
    v: 1,
    userId,
    username,
    ...(fullName !== undefined && fullNameProblem(fullName) === undefined && { fullName }),
    ...(email !== undefined && emailProblem(email) === undefined && { email }),
    emailVerified: false,
    role: 'editor',
    bot: false,
    scopes: [],
    epoch: 1,
    locked: false,
    createdAt: now,
    updatedAt: now,
  }
  const identity: Identity = { v: 1, userId, provider, issuer, subject, label, linkedAt: now }
  return {
    user,
    writes: [
      create(ref('user', userId), user, { expiresAt: null, owners: [bucketOf(userId)] }),
      put(slots.username, { v: 1, target: userId }, { expiresAt: null, owners: [userId] }),
      put(slots.name, { v: 1, target: userId }, { expiresAt: null, owners: [userId] }),
      create(identityRef(userId, provider), identity, { expiresAt: null, owners: [userId] }),
    ],
  }
}
