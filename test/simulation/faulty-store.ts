import type { OpenStore, StampedWrite, Store } from '../../src/store/port.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'
import type { Dice } from './dice.ts'
import type { Owner, Scheduler } from './scheduler.ts'

export type Weather = {
  /** The call fails, and nothing happened. */
  readonly failing: number
  /** The commit happened, and its answer never came. */
  readonly lostAnswer: number
  /** The answer never came, and the commit happens some time later. */
  readonly lateCommit: number
  /** Somebody else is faster. */
  readonly conflict: number
  /** The call takes many turns. */
  readonly slow: number
}

/** The memory store as one node reaches it: every call waits for its turn, and some of what can go wrong does. */
export function faultyStore(
  { store }: OpenStore,
  context: {
    readonly owner: Owner
    readonly network: Owner
    readonly scheduler: Scheduler
    readonly dice: Dice
    readonly weather: Weather
    readonly isCut: () => boolean
    readonly onCommit: (writes: readonly StampedWrite[], by: Owner) => void
  },
): Store {
  const { owner, network, scheduler, dice, weather, isCut } = context

  async function travel(): Promise<void> {
    await scheduler.park(owner)
    while (dice.chance(weather.slow)) await scheduler.park(owner)
    if (isCut() || dice.chance(weather.failing)) throw new StoreUnavailable('the store is out of reach', 'none')
  }

  /** Somebody else writes the same record first, though it says what it said. */
  async function touch(writes: readonly StampedWrite[]): Promise<void> {
    const [target] = writes.filter((write) => write.op === 'put')
    if (target === undefined) return
    const [found] = await store.read([target])
    if (found === undefined) return
    const { kind, id, version, value, expiresAt = null } = found
    await store.commit([{ op: 'put', kind, id, expect: version, version: dice.text(), value, expiresAt }])
  }

  async function apply(writes: readonly StampedWrite[]): Promise<'committed' | 'conflict'> {
    const outcome = await store.commit(writes)
    if (outcome === 'committed') context.onCommit(writes, owner)
    return outcome
  }

  return {
    read: async (refs) => {
      await travel()
      const found = await store.read(refs)
      await scheduler.park(owner)
      return found
    },
    commit: async (writes) => {
      await travel()
      if (dice.chance(weather.conflict)) await touch(writes)
      if (dice.chance(weather.lateCommit)) {
        // It goes on without whoever sent it, even if that one dies.
        void scheduler.park(network).then(() => apply(writes))
        throw new StoreUnavailable('the answer was lost', 'unknown')
      }
      const outcome = await apply(writes)
      await scheduler.park(owner)
      if (dice.chance(weather.lostAnswer)) throw new StoreUnavailable('the answer was lost', 'unknown')
      return outcome
    },
    list: async (...asked) => {
      await travel()
      return store.list(...asked)
    },
    sweep: async (...asked) => {
      await travel()
      return store.sweep(...asked)
    },
  }
}
