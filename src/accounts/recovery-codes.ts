import { eventWrite } from '../audit/event-write.ts'
import { makeRecoveryCode, recoveryHash } from '../crypto/recovery-code.ts'
import type { Random } from '../crypto/random.ts'
import { hasSecondFactor } from '../domain/factors.ts'
import { put, type Decision } from '../domain/record.ts'
import { transition } from '../store/transition.ts'
import type { AccountsContext } from './context.ts'
import { factorsRef } from './find-factors.ts'

const howMany = 10

/** Codes as the person keeps them, and as we do. */
export type RecoveryCodes = { readonly codes: readonly string[]; readonly hashes: readonly string[] }

export function makeRecoveryCodes(random: Random, userId: string): RecoveryCodes {
  const codes = Array.from({ length: howMany }, () => makeRecoveryCode(random))
  return { codes, hashes: codes.map((code) => recoveryHash(userId, code) ?? '') }
}

/** New codes in place of all the old ones; nothing for an account that has no second factor that they could stand in for. */
export async function renewRecoveryCodes(
  context: AccountsContext,
  { userId, address }: { readonly userId: string; readonly address: string },
): Promise<readonly string[] | undefined> {
  const fresh = makeRecoveryCodes(context.random, userId)
  const made = eventWrite(context, { type: 'recovery_codes.made', userId, address })
  const refs = { factors: factorsRef(userId) }
  return transition(context.transition, refs, ({ factors }): Decision<readonly string[] | undefined> => {
    if (!hasSecondFactor(factors.value)) return { writes: [], result: undefined }
    const after = { ...factors.value, recoveryHashes: fresh.hashes }
    return { writes: [put(factors, after, { expiresAt: null }), made], result: fresh.codes }
  })
}
