import { eventWrite, type EventContext, type Happening } from '../audit/event-write.ts'
import type { Connection } from '../domain/connection.ts'
import type { Write } from '../domain/record.ts'
import { commitNew, type TransitionContext } from '../store/transition.ts'

/** A use of a connection, as its event tells it. */
export type Use = Happening & {
  readonly type: 'connection.fetched' | 'connection.called'
  readonly target: string
  readonly address: string
}

export type Uses = {
  /** Write down that a token leaves, or is used, before it is. Resolves once that is durable, or counted. */
  readonly record: (connection: Pick<Connection, 'owner'>, use: Use) => Promise<void>
  /** Tell what was counted, where there is room again; at the end of this process, all of it. */
  readonly tell: (how?: 'at the end') => Promise<void>
}

export type UseContext = EventContext & {
  readonly transition: TransitionContext
  readonly limits: {
    readonly reserve: (purpose: 'handle-use', parts: readonly [use: string, source: string]) => object
  }
}

type Counted = { readonly use: Omit<Use, 'address'> & { readonly address?: string }; readonly count: number }

/** Callers that are told apart while they wait for room; beyond, addresses are left out, and with as many again all is written. */
const mostTold = 5_000
const writesAtOnce = 25

/** One name for one caller, in whatever order his use is written down. */
const keyOf = (use: Counted['use']): string =>
  JSON.stringify(Object.entries(use).toSorted(([a], [b]) => (a < b ? -1 : 1)))

/**
 * The events of uses. A connection of an account or a client has one for each, since its owner answers for them. One of nobody could
 * be used by anybody who ever consented anywhere to fill the disk: its uses beyond a budget (`handle-use`) are counted, by caller and
 * source, and the next event of that caller says how many it speaks of. The first from another source has room of its own.
 */
export function createUses(context: UseContext): Uses {
  const waiting = new Map<string, Counted>()

  const hasRoom = ({ address = '', ...use }: Counted['use']): boolean =>
    !('retryAfterSeconds' in context.limits.reserve('handle-use', [keyOf(use), address]))
  const eventOf = ({ use, count }: Counted): Write => eventWrite(context, count === 1 ? use : { ...use, count })

  function add({ use, count }: Counted): void {
    const { address, ...rest } = use
    const isTold = waiting.has(keyOf(use)) || waiting.size < mostTold
    const kept = isTold && address !== undefined ? { ...rest, address } : rest
    const key = keyOf(kept)
    waiting.set(key, { use: kept, count: count + (waiting.get(key)?.count ?? 0) })
  }

  function take(key: string): readonly Counted[] {
    const counted = waiting.get(key)
    waiting.delete(key)
    return counted === undefined ? [] : [counted]
  }

  /** `now` is refused if it doesn't get in; what was counted before is counted still. */
  async function write(counted: readonly Counted[], now?: Use): Promise<void> {
    const before = counted.reduce((sum, { count }) => sum + count, 0)
    const told = now === undefined ? counted : [{ use: now, count: before + 1 }]
    try {
      if (told.length > 0) await commitNew(context.transition, told.map(eventOf))
    } catch (error) {
      counted.forEach(add)
      throw error
    }
  }

  return {
    record: async ({ owner }, use) => {
      if (owner.kind !== 'handle' || waiting.size >= 2 * mostTold) return write([], use)
      if (!hasRoom(use)) return add({ use, count: 1 })
      await write(take(keyOf(use)), use)
    },
    tell: async (how) => {
      const due = [...waiting].filter(([, { use }]) => how === 'at the end' || hasRoom(use)).map(([key]) => key)
      for (let from = 0; from < due.length; from += writesAtOnce)
        await write(due.slice(from, from + writesAtOnce).flatMap(take))
    },
  }
}
