import type { PasswordPool } from '../../src/crypto/password-pool.ts'

/** Passwords that cost nothing, where hashing is not what is tested. */
export const plainPasswords: PasswordPool = {
  hash: (text) => Promise.resolve(`hash of ${text}`),
  verify: (hash, text) => Promise.resolve(hash === `hash of ${text}`),
  close: () => Promise.resolve(),
}
