import type { EpochSeconds } from './time.ts'

/** RFC 6238 §5.2 */
export const oneTimeCodeStepSeconds = 30

/** The number of the step that an instant lies in (RFC 6238 §4.2). */
export function oneTimeCodeStep(now: EpochSeconds): number {
  return Math.floor(now / oneTimeCodeStepSeconds)
}
