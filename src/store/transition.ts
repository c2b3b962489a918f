import { setTimeout as pause } from 'node:timers/promises'
import type { Clock, EpochSeconds } from '../protocol/time.ts'
import type { Decision, Ref, Slot, StoredRecord, Write } from '../domain/record.ts'
import type { Store } from './port.ts'
import { commitKnown, type Stamps } from './commit-known.ts'
import { StoreContended } from './contended.ts'
import { fractionOf } from './jitter.ts'
import { valueOf } from './known-version.ts'

export type TransitionContext = {
  readonly store: Store
  readonly clock: Pick<Clock, 'seconds'>
  readonly random: Stamps
}

/** A slot for each reference, by the name under which it was asked for. */
export type SlotsOf<Refs> = { readonly [Name in keyof Refs]: Refs[Name] extends Ref<infer K> ? Slot<K> : never }

/** The same references, each with what a moment ago was read at it. */
export type SeenOf<Refs> = { readonly [Name in keyof Refs]: StoredRecord | undefined }

/** With pauses that double up to 50 ms this is about two seconds of losing every time. */
const mostAttempts = 50
const attemptsAtOnce = 3
const longestPauseMillis = 50

/**
 * Read, decide, commit if unchanged: the one shape of every change of state. `decide` is pure and may run again on newer
 * records; `now` is the time after they were read. Throws StoreUnavailable, or StoreContended when others keep winning.
 * `seen`: the records as this same request read them already, good for the first attempt: if they changed since,
 * the commit says so, and a decision that writes nothing may be as old as the request.
 */
export async function transition<Refs extends Readonly<Record<string, Ref>>, Result>(
  context: TransitionContext,
  refs: Refs,
  decide: (slots: SlotsOf<Refs>, now: EpochSeconds) => Decision<Result>,
  seen?: SeenOf<Refs>,
): Promise<Result> {
  const names = Object.keys(refs)
  const asked = Object.values(refs)
  for (let attempt = 1; attempt <= mostAttempts; attempt += 1) {
    const found =
      seen !== undefined && attempt === 1 ? names.map((name) => seen[name]) : await context.store.read(asked)
    const now = context.clock.seconds()
    const { writes, result } = decide(slotsOf(refs, found, now), now)
    if (writes.length === 0) return result
    if ((await commitKnown(context, writes)) === 'committed') return result
    if (attempt >= attemptsAtOnce) await pause(pauseMillis(context, attempt))
  }
  throw new StoreContended(`others changed the same records ${mostAttempts} times in a row`)
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
    slots[name] = { kind, id, version: record?.version ?? null, value: alive ? valueOf(record) : undefined }
  }
  return slots as SlotsOf<Refs>
}

function pauseMillis(context: TransitionContext, attempt: number): number {
  const longest = Math.min(longestPauseMillis, 2 ** (attempt - attemptsAtOnce))
  return longest * (0.5 + fractionOf(context.random.stamp()) / 2)
}
