/** How many calls go through one connection at the same time, in this process. */
export type Turns = {
  /** What gives the place back, once; undefined: all are taken. */
  readonly take: (connection: string) => (() => void) | undefined
}

export function createTurns(most: number): Turns {
  const taken = new Map<string, number>()
  return {
    take: (connection) => {
      const now = taken.get(connection) ?? 0
      if (now >= most) return undefined
      taken.set(connection, now + 1)
      let isHeld = true
      return () => {
        if (!isHeld) return
        isHeld = false
        const left = (taken.get(connection) ?? 1) - 1
        if (left === 0) taken.delete(connection)
        else taken.set(connection, left)
      }
    },
  }
}
