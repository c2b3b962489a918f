import type { Clock } from '../protocol/time.ts'
import { priorities, type Priority } from './route.ts'

const tickMillis = 20
/** A single hiccup (a collection, a neighbour on the same core) isn't overload: only what never got better in this time is. */
const windowTicks = 8
/** How late the event loop may be, for good, before something gives way. */
const targetMillis = 40
const mostPressure = priorities.length - 1

/**
 * FLT-20: gives way under load, the least important first. The sign is a *standing* delay: the least lateness of a timer over its
 * last eight looks. Pressure grows while it stands above the target and falls when it is below; its whole part is how many
 * priorities are turned away, its fraction how much of the next one.
 */
export type Overload = {
  /** Whether to answer 503 at once. */
  readonly sheds: (priority: Priority) => boolean
  /** 1 to 5, different for neighbours, so that those turned away together don't come back together (FLT-21). */
  readonly retryAfterSeconds: () => number
  readonly pressure: () => number
  /** The last lateness seen, in milliseconds. */
  readonly delayMillis: () => number
  /** One look at the clock; called by a timer. */
  readonly tick: () => void
  readonly start: () => void
  readonly stop: () => void
}

export function createOverload(
  clock: Pick<Clock, 'monotonic'>,
  onChange: (change: { readonly overloaded: boolean; readonly delayMillis: number }) => void = () => {},
): Overload {
  const late: number[] = []
  let expectedAt = clock.monotonic() + tickMillis
  let pressure = 0
  let owed = 0
  let turnedAway = 0
  let timer: NodeJS.Timeout | undefined

  function tick(): void {
    const now = clock.monotonic()
    late.push(Math.max(0, now - expectedAt))
    if (late.length > windowTicks) late.shift()
    expectedAt = now + tickMillis
    const standing = late.length < windowTicks ? 0 : Math.min(...late)
    const calm = pressure === 0
    if (standing > targetMillis)
      pressure = Math.min(mostPressure, pressure + 0.1 * Math.min(4, standing / targetMillis))
    else pressure = Math.max(0, pressure - (standing > targetMillis / 2 ? 0 : 0.1))
    if (calm !== (pressure === 0)) onChange({ overloaded: pressure > 0, delayMillis: Math.round(standing) })
  }

  return {
    sheds: (priority) => {
      if (pressure === 0) return false
      // The last of the list goes first; the first of it, `vital`, is out of reach.
      const part = pressure - (mostPressure - priorities.indexOf(priority))
      if (part <= 0) return false
      if (part >= 1) return true
      owed += part
      if (owed < 1) return false
      owed -= 1
      return true
    },
    retryAfterSeconds: () => {
      turnedAway = (turnedAway + 0x9e37_79b1) >>> 0
      return 1 + Math.floor((turnedAway / 0x1_0000_0000) * 5)
    },
    pressure: () => pressure,
    delayMillis: () => late.at(-1) ?? 0,
    tick,
    start: () => {
      expectedAt = clock.monotonic() + tickMillis
      timer ??= setInterval(tick, tickMillis).unref()
    },
    stop: () => {
      clearInterval(timer)
      timer = undefined
    },
  }
}
