import { makeRecoveryCode, recoveryHash } from '../crypto/recovery-code.ts'
import type { Random } from '../crypto/random.ts'

const howMany = 10

/** Codes as the person keeps them, and as we do. */
export type RecoveryCodes = { readonly codes: readonly string[]; readonly hashes: readonly string[] }

export function makeRecoveryCodes(random: Random, userId: string): RecoveryCodes {
  const codes = Array.from({ length: howMany }, () => makeRecoveryCode(random))
  return { codes, hashes: codes.map((code) => recoveryHash(userId, code) ?? '') }
}
