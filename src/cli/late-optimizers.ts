import { setFlagsFromString } from 'node:v8'

/** On a machine that is busy with something else a start takes two seconds; code that runs for five is worth it. */
const longestStartMillis = 5_000

/**
 * What runs once isn't worth optimizing, and a compiler that never ran takes no memory: 9 MB less when idle. A server has its code
 * optimized from its first request on, a command that takes longer than a start does from then on.
 */
export function holdOptimizers(): void {
  optimize(false)
  setTimeout(letOptimize, longestStartMillis).unref()
}

export function letOptimize(): void {
  optimize(true)
}

function optimize(on: boolean): void {
  for (const compiler of ['opt', 'maglev']) setFlagsFromString(`--${on ? '' : 'no-'}${compiler}`)
}
