import { eventWrite } from '../audit/event-write.ts'
import { hasSecondFactor, passkeysOf, type Factors } from '../domain/factors.ts'
import { put, remove, type Decision } from '../domain/record.ts'
import { transition } from '../store/transition.ts'
import type { AccountsContext } from './context.ts'
import { factorsRef } from './find-factors.ts'

export type Removal = {
  readonly userId: string
  readonly which: 'authenticator' | { readonly passkey: string }
  readonly address: string
}

/** A person gives one of his second factors up. Recovery codes go with the last: alone they would be one. */
export async function removeFactor(context: AccountsContext, { userId, which, address }: Removal): Promise<void> {
  const target = which === 'authenticator' ? which : `passkey ${which.passkey}`
  const removed = eventWrite(context, { type: 'factor.removed', userId, address, target })
  await transition(context.transition, { factors: factorsRef(userId) }, ({ factors }): Decision<undefined> => {
    const left = factors.value === undefined ? undefined : without(factors.value, which)
    if (left === undefined) return { writes: [], result: undefined }
    const kept = hasSecondFactor(left) ? [put(factors, left, { expiresAt: null })] : remove(factors)
    return { writes: [...kept, removed], result: undefined }
  })
}

/** What is left; nothing, if that factor wasn't there. */
function without(factors: Factors, which: Removal['which']): Factors | undefined {
  if (which === 'authenticator') {
    const { authenticator, ...rest } = factors
    return authenticator === undefined ? undefined : rest
  }
  const before = passkeysOf(factors)
  const passkeys = before.filter(({ id }) => id !== which.passkey)
  return passkeys.length === before.length ? undefined : { ...factors, passkeys }
}
