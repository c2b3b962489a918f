import { StoreContended } from '../../src/store/contended.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'
import type { Owner } from './scheduler.ts'

/** What is being done at nodes, and what is told to those who wait for it. */
export type Work = {
  /** Does something at a node. `lost` is told when no answer comes, for whatever reason. */
  readonly begin: (node: Owner, deed: () => Promise<void>, lost?: () => void) => void
  /** A node is gone: nobody who waits there gets an answer. */
  readonly crash: (node: Owner) => void
  readonly busy: () => number
  readonly busyAt: (node: Owner) => number
}

export function createWork(told: {
  /** Something that no fault excuses. */
  readonly failed: (error: unknown) => void
  readonly unavailable: () => void
}): Work {
  let busy = 0
  /** Of work that a crash ends: what is to be done when its answer never comes. */
  const unanswered = new Map<Owner, Set<() => void>>()

  /** `isAlive` is asked once: whether whoever did it lives to hear of it. */
  async function finish(deed: () => Promise<void>, isAlive: () => boolean, lost: () => void): Promise<void> {
    try {
      await deed()
      if (isAlive()) busy -= 1
    } catch (error) {
      if (!isAlive()) return
      if (!(error instanceof StoreUnavailable) && !(error instanceof StoreContended)) told.failed(error)
      told.unavailable()
      busy -= 1
      lost()
    }
  }

  return {
    busy: () => busy,
    busyAt: (node) => unanswered.get(node)?.size ?? 0,
    begin(node, deed, lost = () => undefined) {
      busy += 1
      const pending = unanswered.get(node) ?? new Set()
      unanswered.set(node, pending)
      const dies = (): void => {
        busy -= 1
        lost()
      }
      pending.add(dies)
      void finish(deed, () => pending.delete(dies), lost)
    },
    crash(node) {
      for (const dies of unanswered.get(node) ?? []) dies()
      unanswered.delete(node)
    },
  }
}
