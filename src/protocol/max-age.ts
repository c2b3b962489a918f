import { refuse, type Refusal } from './errors.ts'
import { parseDecimal } from './numbers.ts'
import type { Seconds } from './time.ts'

/** Reads `max_age` (OIDC Core §3.1.2.1): seconds since the person last proved himself. */
export function parseMaxAge(text: string): Seconds | Refusal {
  return (
    parseDecimal(text) ??
    refuse('invalid_request', 'max_age_malformed', 'max_age is a whole number of seconds in decimal digits')
  )
}
