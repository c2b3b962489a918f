import type { EpochSeconds, Seconds } from './time.ts'

/** Nobody is left alone for longer on a server's word: one that says a year, or has a wrong clock, would be lost to all of us. */
export const longestRetryAfter: Seconds = 3600

/** RFC 9110 §5.6.7: the one form of a date that is still written. */
const date = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

/**
 * RFC 9110 §10.2.3: how long a server asks to be left alone, as seconds or as a date; an hour at most. A date that has passed is 0,
 * what is neither is undefined.
 */
export function parseRetryAfter(text: string | undefined, now: EpochSeconds): Seconds | undefined {
  if (text === undefined) return undefined
  const at = date.test(text) ? Date.parse(text) : Number.NaN
  const wait = /^\d+$/.test(text) ? Number(text) : Math.ceil(at / 1000 - now)
  return Number.isNaN(wait) ? undefined : Math.min(longestRetryAfter, Math.max(0, wait))
}
