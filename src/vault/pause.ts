import { byTimer, type Later } from '../store/lease.ts'

/** Resolves after so many milliseconds, by the timers of this process unless there are others. */
export function pause({ later = byTimer }: { readonly later?: Later }, millis: number): Promise<void> {
  return new Promise((resolve) => {
    later(resolve, millis)
  })
}

/** What `work` comes to, or undefined after that long; a failure of it is the caller's to hear. */
export async function settledWithin<T>(
  { later = byTimer }: { readonly later?: Later },
  work: Promise<T>,
  millis: number,
): Promise<T | undefined> {
  let cancel: (() => void) | undefined
  const over = new Promise<undefined>((resolve) => {
    cancel = later(() => resolve(undefined), millis)
  })
  try {
    return await Promise.race([work, over])
  } finally {
    cancel?.()
  }
}
