import { hashSync, verifySync } from '@node-rs/argon2'
import { Buffer } from 'node:buffer'
import { parseImportedHash, verifyImported } from './imported-password.ts'

/** argon2id (RFC 9106), 19 MiB, two passes, one lane: OWASP's first choice, 6 to 10 ms. */
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 }

/** A PHC string. Blocks its thread for the whole of it: only the pool's threads call this. */
export function hashPassword(password: string): string {
  return hashSync(passwordBytes(password), parameters)
}

/** Throws if `hash` is neither a PHC string of argon2 nor one that was imported. */
export function verifyPassword(hash: string, password: string): boolean {
  const imported = parseImportedHash(hash)
  if (imported !== undefined) return verifyImported(imported, passwordBytes(password))
  return verifySync(hash, passwordBytes(password))
}

/** Every byte counts, a NUL too: nothing is cut off. */
function passwordBytes(password: string): Buffer {
  return Buffer.from(password, 'utf8')
}
