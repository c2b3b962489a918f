import { isSameIdentity, type Identity } from '../domain/identity.ts'
import { put, type Decision } from '../domain/record.ts'
import { readAlive } from '../store/read-alive.ts'
import { transition } from '../store/transition.ts'
import type { AccountsContext } from './context.ts'
import { identityRef } from './identity-refs.ts'

/**
 * Show an identity by what it is called by now, as its person has just proved it: logins are renamed, ORCID's were once shown as bare
 * digits, and an import may know no more than the subject. Nothing is decided by it, so it has no event. `label`: as the provider says it.
 */
export async function relabelIdentity(
  context: Pick<AccountsContext, 'clock' | 'transition'>,
  userId: string,
  { provider, issuer, subject, label }: Pick<Identity, 'provider' | 'issuer' | 'subject' | 'label'>,
): Promise<void> {
  const place = identityRef(userId, provider)
  const before = await readAlive(context.transition.store, place, context.clock.seconds())
  if (before === undefined || before.label === label) return
  await transition(context.transition, { place }, ({ place: slot }): Decision<void> => {
    const there = slot.value
    // The place may hold somebody else there by now.
    if (there === undefined || !isSameIdentity(there, { issuer, subject })) return { writes: [], result: undefined }
    return { writes: [put(slot, { ...there, label }, { expiresAt: null })], result: undefined }
  })
}
