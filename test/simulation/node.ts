import { createDirectory, type Directory } from '../../src/store/directory.ts'
import { announcedIn, hearOwnChanges } from '../../src/store/hear-own-changes.ts'
import type { OpenStore, StampedWrite } from '../../src/store/port.ts'
import { createRecent } from '../../src/store/recent.ts'
import type { TransitionContext } from '../../src/store/transition.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'
import type { Dice } from './dice.ts'
import { faultyStore, type Weather } from './faulty-store.ts'
import type { Owner, Scheduler } from './scheduler.ts'

/** One server process: its memory, its clock, and its way to the store. It lives until it crashes. */
export type Node = Owner & {
  readonly context: TransitionContext
  readonly directory: Directory
  readonly seconds: () => number
  readonly millis: () => number
  readonly readyAt: number
  readonly id: () => string
  /** Cut off, or on again. */
  readonly cut: (off: boolean) => void
  readonly step: (millis: number) => void
}

export type Surroundings = {
  readonly opened: OpenStore
  readonly scheduler: Scheduler
  readonly dice: Dice
  readonly weather: Weather
  readonly network: Owner
  readonly onCommit: (writes: readonly StampedWrite[]) => void
  /** A mistake to be found: memory counts for ever. */
  readonly forgetsLease?: boolean
}

export async function startNode(name: string, skewMillis: number, around: Surroundings): Promise<Node> {
  const { opened, scheduler, dice } = around
  const owner: Owner = { name }
  let skew = skewMillis
  let isCut = false
  const millis = (): number => Math.floor(scheduler.now() + skew)
  const seconds = (): number => Math.floor(millis() / 1000)
  const clock = { millis, seconds, monotonic: scheduler.now }
  const id = (): string => millis().toString(16).padStart(12, '0') + dice.text()
  const random = { stamp: dice.text, id }
  const store = faultyStore(opened, { ...around, owner, isCut: () => isCut })
  const directory = await createDirectory({
    store,
    clock: around.forgetsLease === true ? { ...clock, monotonic: () => 0 } : clock,
    admin: {
      changesAre: 'polled',
      changes: async (cursor) => {
        // The first question is part of the start.
        if (cursor !== undefined) await scheduler.park(owner)
        if (isCut) throw new StoreUnavailable('the store is out of reach', 'none')
        return opened.admin.changes(cursor)
      },
    },
    later: (work, after) => scheduler.later(owner, work, after),
  })
  const context: TransitionContext = {
    store: hearOwnChanges(store, directory.forget),
    clock,
    random,
    recent: createRecent(),
    pause: () => scheduler.park(owner),
    onSettled: (writes) => directory.forget(announcedIn(writes)),
  }
  return Object.assign(owner, {
    context,
    directory,
    seconds,
    millis,
    readyAt: seconds(),
    id,
    cut: (off: boolean) => void (isCut = off),
    step: (by: number) => void (skew += by),
  })
}
