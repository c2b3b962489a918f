/**
 * Does what came at once one by one, each in its own turn of the event loop, so that what matters more gets in between: a burst of
 * guesses costs a token request the time of one of them (H08).
 */
export function createTurns(): (work: () => void) => void {
  const waiting: (() => void)[] = []
  let awaited = false
  function next(): void {
    const work = waiting.shift()
    awaited = waiting.length > 0
    if (awaited) setImmediate(next)
    work?.()
  }
  return (work) => {
    waiting.push(work)
    if (!awaited) setImmediate(next)
    awaited = true
  }
}
