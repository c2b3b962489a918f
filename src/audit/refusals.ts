import type { Write } from '../domain/record.ts'
import { commitNew, type TransitionContext } from '../store/transition.ts'
import { eventWrite, type EventContext, type Happening } from './event-write.ts'

/** The room that refusals have among the events: `limits/` is one. */
export type RefusalRoom = {
  readonly reserve: (purpose: 'refusal-event', parts: readonly [source: string]) => object
  /** How many found no room since this was asked last. */
  readonly leftOut: (purpose: 'refusal-event') => number
}

export type RefusalContext = EventContext & { readonly transition: TransitionContext; readonly limits: RefusalRoom }

/**
 * Lets writes through that only tell of a refusal, as long as its source has room: whoever is refused changes nothing, so nothing
 * else bounds how often he can make us write. What changes something besides goes through whole. The next that finds room tells
 * how many were left out. For one request: a decision that runs again takes no second place.
 */
export function boundRefusals(context: RefusalContext, source: string): (writes: readonly Write[]) => readonly Write[] {
  let beside: readonly Write[] | 'left out' | undefined
  return (writes) => {
    if (writes.length === 0 || writes.some(({ op }) => op !== 'append')) return writes
    beside ??=
      'retryAfterSeconds' in context.limits.reserve('refusal-event', [source]) ? 'left out' : leftOutWrites(context)
    return beside === 'left out' ? [] : [...writes, ...beside]
  }
}

/** Record a refusal that changed nothing. Resolves once it is durable, or left out. */
export async function recordRefusal(
  context: RefusalContext,
  happening: Happening & { readonly address: string },
): Promise<void> {
  const writes = boundRefusals(context, happening.address)([eventWrite(context, happening)])
  if (writes.length > 0) await commitNew(context.transition, writes)
}

/** Tell how many refusals were left out, if any were. */
export async function recordLeftOut(context: RefusalContext): Promise<void> {
  const writes = leftOutWrites(context)
  if (writes.length > 0) await commitNew(context.transition, writes)
}

function leftOutWrites(context: RefusalContext): readonly Write[] {
  const count = context.limits.leftOut('refusal-event')
  return count === 0 ? [] : [eventWrite(context, { type: 'refusals.left_out', count })]
}
