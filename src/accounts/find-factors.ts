import type { Factors } from '../domain/factors.ts'
import { ref, type Ref } from '../domain/record.ts'
import { readAlive } from '../store/read-alive.ts'
import type { AccountsContext } from './context.ts'

export function factorsRef(userId: string): Ref<'factors'> {
  return ref('factors', userId)
}

/** As if there were a record for an account that has nothing. */
export const noFactors: Factors = { v: 1, recoveryHashes: [] }

/** What an account has beside its password; nothing for most. */
export function findFactors(
  { transition, clock }: Pick<AccountsContext, 'transition' | 'clock'>,
  userId: string,
): Promise<Factors | undefined> {
  return readAlive(transition.store, factorsRef(userId), clock.seconds())
}
