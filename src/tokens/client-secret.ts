import { equalDigests } from '../crypto/equal-digests.ts'
import { sha256 } from '../crypto/hash.ts'
import type { Random } from '../crypto/random.ts'
import type { SecretHash } from '../domain/client.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { parseToken, printToken } from './token-text.ts'

/** A new client secret of 256 random bits. It is shown once; the hash is what stays. */
export function newClientSecret(random: Random): { readonly secret: string; readonly hash: string } {
  const secret = printToken('cs', random.text(32))
  return { secret, hash: clientSecretHash(secret) }
}

/** Whether a text is a secret as `newClientSecret` makes them: a phrase of as many letters lacks prefix and checksum. */
export function isClientSecret(text: string): boolean {
  return /^[\w-]{43}$/.test(parseToken('cs', text) ?? '')
}

/** A plain hash is enough for a secret that nobody can guess: an administrator's own must have 256 bits too. */
export function clientSecretHash(secret: string): string {
  return sha256(secret)
}

const nobody: SecretHash = { hash: sha256('no client has this secret'), createdAt: 0 }

/**
 * Whether one of the secrets that haven't expired is presented. Every hash is compared, in constant time, and a client
 * without secrets (or no client at all: pass none) costs the same (D01, D02).
 */
export function verifyClientSecret(presented: string, secrets: readonly SecretHash[], now: EpochSeconds): boolean {
  const presentedHash = clientSecretHash(presented)
  let matches = false
  for (const known of secrets.length === 0 ? [nobody] : secrets) {
    const same = equalDigests(known.hash, presentedHash)
    const alive = known.expiresAt === undefined || known.expiresAt > now
    matches ||= same && alive && known !== nobody
  }
  return matches
}
