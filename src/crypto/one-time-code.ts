import { createHmac } from 'node:crypto'
import { oneTimeCodeStep } from '../protocol/one-time-code.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { equal } from './equal.ts'

export const oneTimeCodeAlgorithms = ['SHA1', 'SHA256', 'SHA512'] as const
export type OneTimeCodeAlgorithm = (typeof oneTimeCodeAlgorithms)[number]

/** How codes are made. The defaults are what every authenticator app knows: SHA1 and 6 digits. */
export type OneTimeCodeKind = {
  readonly secret: Uint8Array
  readonly algorithm?: OneTimeCodeAlgorithm
  readonly digits?: 6 | 7 | 8
}

/** RFC 4226 §4 R6 recommends 160 bits. */
export const oneTimeCodeSecretBytes = 20
/** RFC 6238 §5.2: one step back for the way here, one ahead for a clock that is fast. */
const drift = 1

/** The code of one counter value (RFC 4226 §5.3). */
export function hotp({
  secret,
  counter,
  algorithm = 'SHA1',
  digits = 6,
}: OneTimeCodeKind & { counter: number }): string {
  const moving = Buffer.alloc(8)
  moving.writeBigUInt64BE(BigInt(counter))
  const hash = createHmac(algorithm.toLowerCase(), secret).update(moving).digest()
  // RFC 4226 §5.4: the low half of the last byte says where the 31 bits stand.
  const truncated = hash.readUInt32BE((hash.at(-1) ?? 0) & 0xf) & 0x7fff_ffff
  return String(truncated % 10 ** digits).padStart(digits, '0')
}

/** The code of an instant (RFC 6238 §4). */
export function totp({ now, ...kind }: OneTimeCodeKind & { readonly now: EpochSeconds }): string {
  return hotp({ ...kind, counter: oneTimeCodeStep(now) })
}

/**
 * The step that a code belongs to, or undefined if it is none of this minute or not newer than `lastStep`. Whoever accepts it
 * keeps the step in the same commit: RFC 6238 §5.2, each works once. Spaces that people copy along don't matter.
 */
export function verifyTotp({
  code,
  now,
  lastStep,
  ...kind
}: OneTimeCodeKind & {
  readonly code: string
  readonly now: EpochSeconds
  readonly lastStep?: number | undefined
}): number | undefined {
  const typed = code.replaceAll(' ', '')
  const current = oneTimeCodeStep(now)
  let found: number | undefined
  // All of them are made and compared, so that the time tells nothing of which one it was.
  for (let step = Math.max(0, current - drift); step <= current + drift; step++) {
    const same = equal(hotp({ ...kind, counter: step }), typed)
    if (same && found === undefined && (lastStep === undefined || step > lastStep)) found = step
  }
  return found
}
