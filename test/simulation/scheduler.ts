import { setImmediate as turn } from 'node:timers/promises'
import type { Dice } from './dice.ts'

/** Whose work waits: gone with it when it crashes. */
export type Owner = { readonly name: string }

/**
 * Decides who goes on. Every await of the core that reaches out of the process parks here; between two choices everything
 * runs until it is parked again or over, so one sequence of choices is one run.
 */
export type Scheduler = {
  readonly park: (owner: Owner) => Promise<void>
  /** Run it when so many milliseconds of simulated time are over. Returns what takes it back. */
  readonly later: (owner: Owner, work: () => void, millis: number) => () => void
  readonly now: () => number
  readonly waiting: () => number
  /** Let somebody who is parked go on. */
  readonly resume: () => Promise<void>
  readonly advance: (millis: number) => Promise<void>
  /** Nothing of it ever goes on, what it begins from now on included: a dead process reaches its next await, and stays there. */
  readonly drop: (owner: Owner) => void
}

export function createScheduler(dice: Dice, start: number): Scheduler {
  let now = start
  const parked: { readonly owner: Owner; readonly go: () => void }[] = []
  const timers = new Set<{ readonly owner: Owner; readonly at: number; readonly work: () => void }>()
  const gone = new WeakSet<Owner>()

  return {
    park: (owner) =>
      new Promise((go) => {
        if (!gone.has(owner)) parked.push({ owner, go })
      }),
    later(owner, work, millis) {
      if (gone.has(owner)) return () => undefined
      const timer = { owner, at: now + Math.max(1, millis), work }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    now: () => now,
    waiting: () => parked.length,
    async resume() {
      const index = dice.below(parked.length)
      const [chosen] = parked.splice(index, 1)
      chosen?.go()
      await turn()
    },
    async advance(millis) {
      now += millis
      for (const timer of timers) {
        if (timer.at > now) continue
        timers.delete(timer)
        timer.work()
      }
      await turn()
    },
    drop(owner) {
      gone.add(owner)
      for (let index = parked.length - 1; index >= 0; index -= 1)
        if (parked[index]?.owner === owner) parked.splice(index, 1)
      for (const timer of timers) if (timer.owner === owner) timers.delete(timer)
    },
  }
}
