import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import { lifetimes } from './lifetimes.ts'

/** From `at` on, events were to be kept for `keep`; seal `from` of the chain was the first to say so. */
export type Retention = { readonly from: number; readonly at: EpochSeconds; readonly keep: Seconds }

/** The oldest first. Before its first entry, and without any, events were kept as long as `lifetimes.event`. */
export type RetentionHistory = readonly Retention[]

export const keptNow = (history: RetentionHistory): Seconds => history.at(-1)?.keep ?? lifetimes.event

/** Each span of time, and how long its events are kept: the shortest that was said then or later. */
function spans(history: RetentionHistory): readonly { readonly end: EpochSeconds; readonly keep: Seconds }[] {
  const keeps = [lifetimes.event, ...history.map(({ keep }) => keep)]
  return keeps.map((_, index) => ({ end: history[index]?.at ?? Infinity, keep: Math.min(...keeps.slice(index)) }))
}

/**
 * Until when an event of that time is kept. A shorter time counts for what is there already; a longer one only for what comes,
 * because the seals that prove the old events go with them.
 */
export function keptUntil(history: RetentionHistory, at: EpochSeconds): EpochSeconds {
  return at + Math.min(...spans(history).flatMap(({ end, keep }) => (at < end ? [keep] : [])))
}

/** Every event from before this time is over, and none since. */
export function eventsOverBefore(history: RetentionHistory, now: EpochSeconds): EpochSeconds {
  // What came later is kept as long or longer, so the spans that are over are the first ones.
  return Math.max(...spans(history).map(({ end, keep }) => Math.min(end, now - keep)))
}
