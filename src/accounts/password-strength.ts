import { Worker } from 'node:worker_threads'
import { PasswordPoolBusy } from '../crypto/password-pool.ts'
import type { PasswordStrength } from './context.ts'
import type { StrengthAnswer, StrengthQuestion } from './password-strength-worker.ts'

/** Its dictionaries take 75 MB, which nobody needs between two password changes. */
const idleMillis = 10_000
const mostWaiting = 16

export type PasswordStrengthThread = { readonly strength: PasswordStrength; readonly close: () => Promise<void> }

type Waiting = {
  readonly question: StrengthQuestion
  readonly resolve: (answer: StrengthAnswer) => void
  readonly reject: (error: Error) => void
}

/**
 * Estimates how soon a guesser would come to a password, on a thread that starts with the first question and ends when idle.
 * One question at a time. No clock judges: how long one takes is bounded by what is read of it, and what can't be judged (too many
 * wait, the thread broke, the server stops) is no answer about the password, which is neither let through nor called weak.
 */
export function createPasswordStrength(): PasswordStrengthThread {
  const queue: Waiting[] = []
  let worker: Worker | undefined
  let current: Waiting | undefined
  let idle: NodeJS.Timeout | undefined

  function next(): void {
    current = queue.shift()
    clearTimeout(idle)
    if (current === undefined) {
      idle = setTimeout(() => void end(), idleMillis).unref()
      worker?.unref()
      return
    }
    worker ??= start()
    worker.ref()
    worker.postMessage(current.question)
  }

  async function end(): Promise<void> {
    const ended = worker
    worker = undefined
    await ended?.terminate()
  }

  function start(): Worker {
    const made = new Worker(new URL('./password-strength-worker.ts', import.meta.url), { env: {}, execArgv: [] })
    made.on('message', (answer: StrengthAnswer) => {
      if (worker !== made) return
      current?.resolve(answer)
      next()
    })
    made.on('error', (error: Error) => {
      if (worker !== made) return
      worker = undefined
      current?.reject(error)
      next()
    })
    return made
  }

  return {
    strength: (password, about) =>
      new Promise((resolve, reject) => {
        if (queue.length >= mostWaiting) return reject(new PasswordPoolBusy(mostWaiting))
        queue.push({ question: { password, about }, resolve, reject })
        if (current === undefined) next()
      }),
    close: async () => {
      clearTimeout(idle)
      const left = [...(current === undefined ? [] : [current]), ...queue.splice(0)]
      current = undefined
      for (const { reject } of left) reject(new PasswordPoolBusy(left.length))
      await end()
    },
  }
}
