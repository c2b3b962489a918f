import { ref, type Write } from '../domain/record.ts'
import type { Clock } from '../protocol/time.ts'
import type { StampedWrite, Store } from '../store/port.ts'
import { StoreUnavailable } from '../store/unavailable.ts'
import { eventDocument } from './event-lines.ts'
import { AuditSinkDown } from './sink-down.ts'
import type { EventSink } from './sink.ts'
import { within } from './within.ts'

export type Relay = {
  /** The same store, whose commits with events wait for the sink to be there, and whose events go to it afterwards. */
  readonly guard: (store: Store) => Store
  /** Deliver what was committed elsewhere. Resolves when the sink has it. */
  readonly pass: (lines: readonly string[]) => Promise<void>
  /** Everything whose id is of an earlier moment has been delivered. */
  readonly deliveredUntil: () => number
  /** Why nothing may be recorded just now. */
  readonly down: () => string | undefined
  /** Waits a moment for what is under way. True: nothing is left. */
  readonly close: () => Promise<boolean>
}

type Waiting = { readonly id: string; readonly line: string; readonly since: number; readonly doubted: boolean }
type Append = Extract<Write, { op: 'append' }>

/** M09: no token leaves when the sink has been silent for longer. */
const freshMillis = 1_000
/** FLT-31: nobody waits for the sink for longer; with the commit behind it an answer comes within two seconds. */
const deadlineMillis = 1_500
const retryMillis = 250
const linesAtOnce = 1_000

/**
 * Brings events to the sink right after their commit, in the order of commits, again and again until it has them. Before each
 * commit that makes events the sink must have answered within the last second, or answer now: so a sink that is down is known
 * before anything happens, and what was committed just before waits here.
 */
export function createRelay(context: {
  readonly sink: EventSink
  readonly clock: Pick<Clock, 'millis' | 'monotonic'>
  readonly onDown: (why: string) => void
  readonly onUp: () => void
}): Relay {
  const { sink, clock } = context
  const waiting: Waiting[] = []
  /** Ids in commits that aren't over. */
  const committing = new Map<string, number>()
  let goodAt = -Infinity
  let failing: { readonly why: string; readonly at: number } | undefined
  let probing: Promise<void> | undefined
  let delivering = false
  let guarded: Store | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false
  // Assigned while somebody waits for the end.
  let idle: (() => void) | undefined

  function good(): void {
    goodAt = clock.monotonic()
    if (failing !== undefined) context.onUp()
    failing = undefined
  }

  function bad(error: unknown): void {
    const why = error instanceof Error ? error.message : 'unknown'
    if (failing === undefined) context.onDown(why)
    failing = { why, at: clock.monotonic() }
  }

  async function ensureUp(): Promise<void> {
    const oldest = waiting[0]
    if (oldest !== undefined && clock.monotonic() - oldest.since > deadlineMillis) throw new AuditSinkDown(whyDown())
    if (failing === undefined && clock.monotonic() - goodAt < freshMillis) return
    if (failing !== undefined && (probing !== undefined || clock.monotonic() - failing.at < retryMillis))
      throw new AuditSinkDown(failing.why)
    probing ??= within(deadlineMillis, sink.probe())
      .then(good, bad)
      .finally(() => (probing = undefined))
    await probing
    if (failing !== undefined) throw new AuditSinkDown(whyDown())
  }

  const whyDown = (): string => failing?.why ?? 'it does not answer'

  function take(appends: readonly Append[], doubted: boolean): void {
    const since = clock.monotonic()
    for (const { id, event } of appends) waiting.push({ id, line: lineOf(id, event), since, doubted })
    void deliver()
  }

  async function deliver(): Promise<void> {
    if (delivering || closed || waiting.length === 0) return
    delivering = true
    clearTimeout(timer)
    try {
      const batch = waiting.slice(0, linesAtOnce)
      const lines = await settled(batch)
      if (lines.length > 0) await within(deadlineMillis, sink.deliver(lines.join('')))
      waiting.splice(0, batch.length)
      good()
    } catch (error) {
      bad(error)
    } finally {
      delivering = false
    }
    if (waiting.length === 0) idle?.()
    else if (failing === undefined) void deliver()
    else timer = setTimeout(() => void deliver(), retryMillis)
  }

  /** INV7: of a commit whose outcome nobody learned only what is stored is told. */
  async function settled(batch: readonly Waiting[]): Promise<readonly string[]> {
    const doubted = batch.filter((one) => one.doubted)
    if (doubted.length === 0 || guarded === undefined) return batch.map(({ line }) => line)
    const found = await guarded.read(doubted.map(({ id }) => ref('event', id)))
    const absent = new Set(doubted.filter((_, index) => found[index] === undefined))
    return batch.filter((one) => !absent.has(one)).map(({ line }) => line)
  }

  return {
    guard: (store) => {
      guarded = store
      return {
        ...store,
        commit: async (writes: readonly StampedWrite[]) => {
          const appends = writes.filter((write) => write.op === 'append')
          if (appends.length === 0) return store.commit(writes)
          await ensureUp()
          for (const { id } of appends) committing.set(id, (committing.get(id) ?? 0) + 1)
          try {
            const outcome = await store.commit(writes)
            if (outcome === 'committed') take(appends, false)
            return outcome
          } catch (error) {
            if (error instanceof StoreUnavailable && error.outcome === 'unknown') take(appends, true)
            throw error
          } finally {
            for (const { id } of appends) {
              const left = (committing.get(id) ?? 1) - 1
              if (left === 0) committing.delete(id)
              else committing.set(id, left)
            }
          }
        },
      }
    },
    pass: (lines) => within(deadlineMillis, sink.deliver(lines.join(''))),
    deliveredUntil: () =>
      [...waiting.map(({ id }) => id), ...committing.keys()]
        .map((id) => Number.parseInt(id.slice(0, 12), 16))
        .reduce((earliest, millis) => Math.min(earliest, millis), clock.millis()),
    down: () => failing?.why,
    close: async () => {
      if (waiting.length > 0) {
        const done = new Promise<void>((resolve) => (idle = resolve))
        void deliver()
        await within(deadlineMillis, done).catch(() => undefined)
      }
      closed = true
      clearTimeout(timer)
      const left = waiting.length
      await within(deadlineMillis, sink.close()).catch(() => undefined)
      return left === 0
    },
  }
}

export const lineOf = (id: string, event: object): string => `${JSON.stringify(eventDocument(id, event))}\n`
