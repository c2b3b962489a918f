import { macBytes } from '../crypto/mac.ts'
import { equal } from '../crypto/equal.ts'
import type { Imprint } from '../domain/grant.ts'
import type { TokenKeys } from './keys-view.ts'

const digits = 8
const codes = 10 ** digits
/** 2^48 is so much more than there are codes that none of them is likelier than another. */
const bytesTaken = 6

/** The code of a letter, for the ticket `ticketId`: part of a MAC over it, so it is stored nowhere. */
export function mailCode(keys: TokenKeys, ticketId: string, imprint: Imprint): string | undefined {
  const secret = keys.secretById('mac', imprint.keyId)
  if (secret === undefined) return undefined
  const bytes = macBytes(secret.key, Buffer.from(`mail-code\n${ticketId}\n${imprint.nonce}`, 'utf8'))
  return String(bytes.readUIntBE(0, bytesTaken) % codes).padStart(digits, '0')
}

/** Whether that is what somebody typed: spaces between its halves are his. */
export function isMailCode(code: string, typed: string): boolean {
  return equal(typed.replaceAll(/[\s-]/g, ''), code)
}
