import { put, ref } from '../domain/record.ts'
import { clockTolerance, type Clock, type EpochSeconds, type Seconds } from '../protocol/time.ts'
import { transition, type TransitionContext } from '../store/transition.ts'

/**
 * What this server's time is worth beside the latest time at which the store is known to have been served. `watching`: the mark
 * is old, and whether anybody else keeps it isn't known yet. `ahead`: somebody does, and by him our clock runs ahead.
 */
export type Standing =
  | { readonly is: 'kept'; readonly mark: EpochSeconds }
  | { readonly is: 'watching' }
  | { readonly is: 'ahead'; readonly mark: EpochSeconds; readonly by: Seconds }

const raiseEvery: Seconds = 20
/** Longer than any server that is alive leaves the mark as it is, one missed look included. */
const stillMillis = 60_000
/** Between two looks; who was kept from the store for longer has seen nobody stand still. */
const gapMillis = 45_000

/**
 * FLT-18: keeps the store's high-water mark. One that is more than a minute old is raised only after nobody else has moved it for
 * a while: a node whose clock is ahead would otherwise lift it to a time that isn't yet, believe itself by it, forget what others
 * still refuse, and stop the upkeep of every node whose clock is right. Whoever has kept it once goes on after an outage, since
 * upkeep knows of every jump of its clock in between. Returns one look.
 */
export function createHighWater(
  context: TransitionContext,
  clock: Pick<Clock, 'seconds' | 'monotonic'>,
): () => Promise<Standing | undefined> {
  let seen:
    { readonly mark: EpochSeconds; readonly since: number; readonly at: number; readonly moved: boolean } | undefined
  let keeps = false

  const standsStill = (mark: EpochSeconds): boolean =>
    seen?.mark === mark && clock.monotonic() - seen.at <= gapMillis && clock.monotonic() - seen.since >= stillMillis

  return async () => {
    const found = await transition(context, { instance: ref('instance', 'self') }, ({ instance }, now) => {
      const { value } = instance
      if (value === undefined) return { writes: [], result: undefined }
      const mark = value.highWaterAt
      if (now < mark + raiseEvery) return { writes: [], result: { mark, kept: true } }
      if (now > mark + clockTolerance && !keeps && !standsStill(mark))
        return { writes: [], result: { mark, kept: false } }
      // No cache holds it, so no change is announced.
      return {
        writes: [put(instance, { ...value, highWaterAt: now }, { expiresAt: null })],
        result: { mark: now, kept: true },
      }
    })
    if (found === undefined) return undefined
    const { mark, kept } = found
    if (kept) {
      keeps = true
      return { is: 'kept', mark }
    }
    const at = clock.monotonic()
    const before = seen
    const since = before?.mark === mark && at - before.at <= gapMillis ? before.since : at
    const moved = before !== undefined && (before.moved || before.mark !== mark)
    seen = { mark, since, at, moved }
    return moved ? { is: 'ahead', mark, by: clock.seconds() - mark } : { is: 'watching' }
  }
}
