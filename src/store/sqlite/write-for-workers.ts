import type { WriterOrder } from '../port.ts'
import { StoreUnavailable } from '../unavailable.ts'
import { opcode, widths, type BatchValue } from './batch.ts'
import type { CommitQueue } from './commit-queue.ts'
import type { Reply, SweepOrder, UnitOutcome } from './messages.ts'

/**
 * Carries out what worker processes want written. Their units stand in the same queue as ours, so what several processes ask for
 * at a time shares one fsync; each unit keeps its own outcome.
 */
export function writeForWorkers(queue: Pick<CommitQueue, 'commit' | 'sweep'>): (order: WriterOrder) => Promise<Reply> {
  return async (order) => {
    if ('limit' in order) return sweep(queue, order as SweepOrder)
    const outcomes = await Promise.all(
      unitsOf(order as readonly BatchValue[]).map((unit) => outcomeOf(queue.commit(unit))),
    )
    return outcomes.every((outcome) => outcome === 'committed') ? { is: 'committed' } : { is: 'judged', outcomes }
  }
}

async function outcomeOf(commit: ReturnType<CommitQueue['commit']>): Promise<UnitOutcome> {
  try {
    return await commit
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return error instanceof StoreUnavailable && error.outcome === 'none' ? { refused: why } : { lost: why }
  }
}

async function sweep(queue: Pick<CommitQueue, 'sweep'>, order: SweepOrder): Promise<Reply> {
  try {
    const swept = await queue.sweep(order)
    return swept === 'busy' ? { is: 'busy' } : swept
  } catch (error) {
    return { is: 'declined', why: error instanceof Error ? error.message : String(error) }
  }
}

/** Each with its `end`. */
function unitsOf(batch: readonly BatchValue[]): readonly (readonly BatchValue[])[] {
  const units: (readonly BatchValue[])[] = []
  let start = 0
  for (let at = 0; at < batch.length;) {
    const op = batch[at]
    at += 1 + (widths[Number(op)] ?? 0)
    if (op !== opcode.end) continue
    units.push(batch.slice(start, at))
    start = at
  }
  return units
}
