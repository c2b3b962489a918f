import { eventWrite } from '../audit/event-write.ts'
import { hasSecondFactor } from '../domain/factors.ts'
import { put, remove, type Decision } from '../domain/record.ts'
import { transition } from '../store/transition.ts'
import type { AccountsContext } from './context.ts'
import { factorsRef } from './find-factors.ts'

/** A person gives his authenticator up. Recovery codes go with the last second factor: alone they would be one. */
export async function removeAuthenticator(
  context: AccountsContext,
  { userId, address }: { readonly userId: string; readonly address: string },
): Promise<void> {
  const removed = eventWrite(context, { type: 'factor.removed', userId, address, target: 'authenticator' })
  await transition(context.transition, { factors: factorsRef(userId) }, ({ factors }): Decision<undefined> => {
    if (factors.value?.authenticator === undefined) return { writes: [], result: undefined }
    const { authenticator: _given, ...rest } = factors.value
    const left = hasSecondFactor(rest) ? [put(factors, rest, { expiresAt: null })] : remove(factors)
    return { writes: [...left, removed], result: undefined }
  })
}
