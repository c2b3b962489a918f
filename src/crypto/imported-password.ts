import { Buffer } from 'node:buffer'
import { pbkdf2Sync } from 'node:crypto'
import { equal } from './equal.ts'

/** PBKDF2-HMAC-SHA-256 as other servers kept passwords: `$pbkdf2-sha256$i=<iterations>$<salt>$<hash>`, base64 without padding. */
type ImportedHash = { readonly iterations: number; readonly salt: Buffer; readonly hash: Buffer }

const prefix = '$pbkdf2-sha256$'
const shape = /^\$pbkdf2-sha256\$i=([1-9]\d{3,6})\$([A-Za-z0-9+/]{2,1366})\$([A-Za-z0-9+/]{22,86})$/

/** A second of a thread, for everybody who knows a name and guesses; three times what OWASP recommends. */
const mostIterations = 2_000_000

/** Undefined for everything else: another scheme, too few iterations to be one, or more than a sign-in may cost. */
export function parseImportedHash(text: string): ImportedHash | undefined {
  const [, iterations, salt, hash] = shape.exec(text) ?? []
  if (iterations === undefined || salt === undefined || hash === undefined) return undefined
  if (Number(iterations) > mostIterations) return undefined
  return { iterations: Number(iterations), salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') }
}

/** Whether it is of another server, so that the next right password makes one of ours of it. */
export const isImportedHash = (text: string | undefined): boolean => text?.startsWith(prefix) === true

/** Blocks its thread: only the pool's threads call this. */
export function verifyImported({ iterations, salt, hash }: ImportedHash, password: Buffer): boolean {
  return equal(pbkdf2Sync(password, salt, iterations, hash.length, 'sha256'), hash)
}
