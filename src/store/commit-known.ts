import { ref, type Write } from '../domain/record.ts'
import type { StampedWrite, Store } from './port.ts'
import type { Recent } from './recent.ts'
import { StoreUnavailable } from './unavailable.ts'

/** At least 96 random bits, never the same twice. */
export type Stamps = { readonly stamp: () => string }

const mostTries = 3

/**
 * Commit with an outcome that is known: when the answer was lost, what the commit would have left behind is read back,
 * and if it isn't there the very same commit is tried again, so that the lost one can no longer happen unseen.
 */
export async function commitKnown(
  context: {
    readonly store: Store
    readonly random: Stamps
    readonly recent?: Recent
    readonly onSettled?: (writes: readonly StampedWrite[]) => void
  },
  writes: readonly Write[],
): Promise<'committed' | 'conflict'> {
  const { store, onSettled, recent } = context
  const stamped = stamp(writes, context.random)
  let outcome: 'committed' | 'conflict'
  try {
    outcome = await store.commit(stamped)
  } catch (error) {
    if (!(error instanceof StoreUnavailable) || error.outcome !== 'unknown') throw error
    outcome = await settle(store, stamped, error)
    if (outcome === 'committed') onSettled?.(stamped)
  }
  if (recent !== undefined && outcome === 'committed') remember(recent, stamped)
  return outcome
}

/** What is stored now, for as long as nobody else changes it. */
function remember(recent: Recent, writes: readonly StampedWrite[]): void {
  for (const write of writes) {
    if (write.op === 'put') {
      const { kind, id, version, value, expiresAt } = write
      recent.keep(expiresAt === null ? { kind, id, version, value } : { kind, id, version, value, expiresAt })
    } else if (write.op === 'delete') recent.forget(write)
  }
}

async function settle(
  store: Store,
  writes: readonly StampedWrite[],
  lost: StoreUnavailable,
): Promise<'committed' | 'conflict'> {
  for (let tried = 1; tried < mostTries; tried += 1) {
    const outcome = await lookAndRetry(store, writes)
    if (outcome === 'committed' || outcome === 'conflict') return outcome
    if (outcome === 'unclear') throw lost
  }
  throw lost
}

/** One more look, and one more try where nothing is there. `lost again`: worth another; `unclear`: nobody can tell. */
async function lookAndRetry(
  store: Store,
  writes: readonly StampedWrite[],
): Promise<'committed' | 'conflict' | 'lost again' | 'unclear'> {
  try {
    if ((await traceOf(store, writes)) === 'there') return 'committed'
    if ((await store.commit(writes)) === 'committed') return 'committed'
    // The lost commit may have come through in between; if not, it never will: what it expected is gone.
    const after = await traceOf(store, writes)
    if (after === 'none') return 'conflict'
    return after === 'there' ? 'committed' : 'unclear'
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
    return error.outcome === 'unknown' ? 'lost again' : 'unclear'
  }
}

/** What is left of a commit: an event stays for good; a stamp only until somebody writes over it. */
async function traceOf(store: Store, writes: readonly StampedWrite[]): Promise<'there' | 'none' | 'unclear'> {
  const event = writes.find((write) => write.op === 'append')
  if (event !== undefined) {
    const [found] = await store.read([ref('event', event.id)])
    return found === undefined ? 'none' : 'there'
  }
  const put = writes.find((write) => write.op === 'put')
  if (put === undefined) return 'unclear'
  const [found] = await store.read([ref(put.kind, put.id)])
  if (found?.version === put.version) return 'there'
  return (found?.version ?? null) === put.expect ? 'none' : 'unclear'
}

function stamp(writes: readonly Write[], random: Stamps): readonly StampedWrite[] {
  assertWrittenOnce(writes)
  return writes.map((write) => (write.op === 'put' ? { ...write, version: random.stamp() } : write))
}

/** Compared one by one: they are few, and to spell a name out of kind and id costs more. */
function assertWrittenOnce(writes: readonly Write[]): void {
  for (const [index, write] of writes.entries()) {
    if (write.op === 'append') continue
    const first = writes.findIndex(
      (other) => other.op !== 'append' && other.id === write.id && other.kind === write.kind,
    )
    if (first < index) throw new TypeError(`a decision writes the same ${write.kind} twice`)
  }
}
