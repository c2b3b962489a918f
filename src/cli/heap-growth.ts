import { performance } from 'node:perf_hooks'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * How far the space for what requests leave behind may grow: as far as it saves collections. Growing on, up to 128 MB as V8 would
 * let it, costs memory and gains nothing; held at the 2 MB that it begins with, a request costs a third more.
 */
const enoughBytes = 32 * 1024 * 1024
const lookMillis = 100

/**
 * Nothing that a start leaves behind lives long, so that space stays as small as it begins: 13 MB less when idle. V8 reads how large
 * it may become only before the first line of ours runs, but by which factor it grows each time that it does.
 */
export function holdHeap(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}

/** From now on there are requests. It goes on looking, since V8 gives the space back in quiet times. */
export function letHeapGrow(): void {
  let held = true
  const look = (): void => {
    const hold = youngBytes() >= enoughBytes
    if (hold === held) return
    held = hold
    if (hold) holdHeap()
    else setFlagsFromString('--semi-space-growth-factor=2')
  }
  look()
  setInterval(look, lookMillis).unref()
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0
}

const quietMillis = 1_000
/** Of the event loop's time. */
const mostBusy = 0.05

/**
 * What only a start needed, code above all, is given back once, in the first quiet second: 3.4 MB less when idle. It takes the event
 * loop 60 ms, so a server that has requests already keeps what it has.
 */
export function giveBackStart(): void {
  // What is running now is still the start.
  setImmediate(() => {
    const ready = performance.eventLoopUtilization()
    setTimeout(() => {
      if (performance.eventLoopUtilization(ready).utilization < mostBusy) collectEverything()
    }, quietMillis).unref()
  })
}

function collectEverything(): void {
  // Only a context that is made while the flag is set has the function.
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as NodeJS.GCFunction
  setFlagsFromString('--no-expose-gc')
  collect({ type: 'major', flavor: 'last-resort' })
}
