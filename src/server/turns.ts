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

/**
 * Does together, at the end of the turn, what one turn of the event loop has brought. So answers leave back to back: a program on this
 * machine that they go to is woken once for all of them, and to wake it costs as much as half an introspection.
 */
export function createTurnEnd(): (work: () => void) => void {
  let waiting: (() => void)[] = []
  function end(): void {
    const works = waiting
    waiting = []
    for (const work of works) work()
  }
  return (work) => {
    if (waiting.push(work) === 1) setImmediate(end)
  }
}
