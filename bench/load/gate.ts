/** What every lane goes through before each of its flows. */
export type Gate = {
  /** At once while it is open, else when it opens; false when it is over. */
  readonly passed: () => boolean | Promise<boolean>
  readonly open: () => void
  /** Resolves when every lane waits before it. */
  readonly close: () => Promise<void>
  /** Resolves when every lane knows that it is over. */
  readonly end: () => Promise<void>
}

export const makeGate = (lanes: number): Gate => {
  let waiting: ((on: boolean) => void)[] | undefined
  let allWait = Promise.withResolvers<void>()
  const letGo = (on: boolean): void => {
    const all = waiting ?? []
    waiting = undefined
    for (const go of all) go(on)
  }
  const close = (): Promise<void> => {
    waiting ??= []
    allWait = Promise.withResolvers()
    if (waiting.length === lanes) allWait.resolve()
    return allWait.promise
  }
  return {
    passed: () => {
      if (waiting === undefined) return true
      const held = waiting
      return new Promise((resolve) => {
        held.push(resolve)
        if (held.length === lanes) allWait.resolve()
      })
    },
    open: () => letGo(true),
    close,
    end: async () => {
      await close()
      letGo(false)
    },
  }
}
