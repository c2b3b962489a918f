import { setTimeout as pause } from 'node:timers/promises'
import type { Clock, EpochSeconds } from '../protocol/time.ts'
import type { Decision, Ref, Slot, StoredRecord, Write } from '../domain/record.ts'
import type { StampedWrite, Store } from './port.ts'
import type { Recent } from './recent.ts'
import { commitKnown, type Stamps } from './commit-known.ts'
import { StoreContended } from './contended.ts'
import { fractionOf } from './jitter.ts'

export type TransitionContext = {
  readonly store: Store
  readonly clock: Pick<Clock, 'seconds'>
  readonly random: Stamps
  /** Spares a transition its read where one before it, or a `lookUp`, has seen the same records. */
  readonly recent?: Recent
  /** Told of a commit whose answer was lost and which turned out to have happened: whatever was read meanwhile may be older. */
  readonly onSettled?: (writes: readonly StampedWrite[]) => void
  /** In place of the timers of this process: how a loser waits before it tries again. */
  readonly pause?: (millis: number) => Promise<unknown>
}

/** A slot for each reference, by the name under which it was asked for. */
export type SlotsOf<Refs> = {
  readonly [Name in keyof Refs]: NonNullable<Refs[Name]> extends Ref<infer K> ? Slot<K> : never
}

/** With pauses that double up to 50 ms this is about two seconds of losing every time. */
const mostAttempts = 50
const attemptsAtOnce = 3
const longestPauseMillis = 50

/**
 * Read, decide, commit if unchanged: the one shape of every change of state. `decide` is pure and may run again on newer
 * records; `now` is the time after they were read. Throws StoreUnavailable, or StoreContended when others keep winning.
 */
export async function transition<Refs extends Readonly<Record<string, Ref>>, Result>(
  context: TransitionContext,
  refs: Refs,
  decide: (slots: SlotsOf<Refs>, now: EpochSeconds) => Decision<Result>,
): Promise<Result> {
  const asked = Object.values(refs)
  for (let attempt = 1; attempt <= mostAttempts; attempt += 1) {
    const recalled = attempt === 1 ? recallAll(context, asked) : undefined
    const found = recalled ?? (await readAll(context, asked))
    const now = context.clock.seconds()
    const { writes, result } = decide(slotsOf(refs, found, now), now)
    // A memory may be out of date: it counts only where the commit compares each of its records with what is stored.
    if (recalled !== undefined && !verifyAll(writes, asked)) continue
    if (writes.length === 0) return result
    if ((await commitKnown(context, writes)) === 'committed') return result
    if (attempt >= attemptsAtOnce) await (context.pause ?? pause)(pauseMillis(context, attempt))
  }
  throw new StoreContended(`others changed the same records ${mostAttempts} times in a row`)
}

/** What this process remembers of the records, if it remembers them all. */
function recallAll({ recent }: TransitionContext, asked: readonly Ref[]): readonly StoredRecord[] | undefined {
  if (recent === undefined) return undefined
  const found: StoredRecord[] = []
  for (const target of asked) {
    const record = recent.recall(target)
    if (record === undefined) return undefined
    found.push(record)
  }
  return found
}

async function readAll(
  { store, recent }: TransitionContext,
  asked: readonly Ref[],
): Promise<readonly (StoredRecord | undefined)[]> {
  const found = await store.read(asked)
  if (recent === undefined) return found
  for (const [index, target] of asked.entries()) {
    const record = found[index]
    if (record === undefined) recent.forget(target)
    else recent.keep(record)
  }
  return found
}

/** Whether a commit of these writes fails if any of the records has changed. */
function verifyAll(writes: readonly Write[], asked: readonly Ref[]): boolean {
  return asked.every(({ kind, id }) =>
    writes.some((write) => write.op !== 'append' && write.id === id && write.kind === kind),
  )
}

/**
 * Commit what needs no read before: events, and records whose ids are new and random.
 * Throws StoreUnavailable; a conflict would mean that an id came up twice, and is an error.
 */
export async function commitNew(context: TransitionContext, writes: readonly Write[]): Promise<void> {
  // Not `=== 'conflict'`: whatever isn't a yes is no yes.
  if ((await commitKnown(context, writes)) !== 'committed')
    throw new Error('a record with a fresh random id already exists')
}

function slotsOf<Refs extends Readonly<Record<string, Ref>>>(
  refs: Refs,
  found: readonly (StoredRecord | undefined)[],
  now: EpochSeconds,
): SlotsOf<Refs> {
  const slots: Record<string, Slot> = {}
  let index = 0
  for (const name in refs) {
    const { kind, id } = refs[name] as Ref
    const record = found[index++]
    // An expired record is absent to a decision, yet keeps its version so that a put may replace it.
    const alive = record !== undefined && (record.expiresAt === undefined || now < record.expiresAt)
    slots[name] = { kind, id, version: record?.version ?? null, value: alive ? record.value : undefined }
  }
  return slots as SlotsOf<Refs>
}

function pauseMillis(context: TransitionContext, attempt: number): number {
  const longest = Math.min(longestPauseMillis, 2 ** (attempt - attemptsAtOnce))
  return longest * (0.5 + fractionOf(context.random.stamp()) / 2)
}
