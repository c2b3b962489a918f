import { Worker } from 'node:worker_threads'
import type { PasswordStrength } from './context.ts'
import type { StrengthAnswer, StrengthQuestion } from './password-strength-worker.ts'

/**
 * A hostile text can keep the estimator busy for seconds; whatever takes this long repeats itself too much to be good.
 * Counts from when the thread is ready: loading the dictionaries alone takes that long on a machine that is starting much else.
 */
const deadlineMillis = 2_000
/** Its dictionaries take 75 MB, which nobody needs between two password changes. */
const idleMillis = 10_000
const mostWaiting = 16

export type PasswordStrengthThread = { readonly strength: PasswordStrength; readonly close: () => Promise<void> }

type Waiting = { readonly question: StrengthQuestion; readonly answer: (problem: string | undefined) => void }

/**
 * Estimates how soon a guesser would come to a password, on a thread that starts with the first question and ends when idle.
 * One question at a time; when too many wait the answer is a problem: nothing is let through unjudged.
 */
export function createPasswordStrength(): PasswordStrengthThread {
  const queue: Waiting[] = []
  let worker: Worker | undefined
  let ready = false
  let current: Waiting | undefined
  let timer: NodeJS.Timeout | undefined

  function settle(problem: string | undefined): void {
    clearTimeout(timer)
    const answered = current
    current = undefined
    answered?.answer(problem)
    next()
  }

  function stop(): void {
    const ended = worker
    worker = undefined
    ready = false
    void ended?.terminate()
  }

  function next(): void {
    current = queue.shift()
    clearTimeout(timer)
    if (current === undefined) {
      timer = setTimeout(stop, idleMillis).unref()
      worker?.unref()
      return
    }
    worker ??= start()
    worker.ref()
    worker.postMessage(current.question)
    if (ready) limitTime()
  }

  function limitTime(): void {
    timer = setTimeout(() => {
      stop()
      settle('repeats itself; choose a few words that do not belong together')
    }, deadlineMillis)
  }

  function start(): Worker {
    const made = new Worker(new URL('./password-strength-worker.ts', import.meta.url), { env: {}, execArgv: [] })
    made.on('message', (answer: StrengthAnswer) => {
      if (worker !== made) return
      if (answer !== 'ready') return settle(answer.problem)
      ready = true
      limitTime()
    })
    made.on('error', () => {
      if (worker !== made) return
      worker = undefined
      ready = false
      settle('could not be judged; try again')
    })
    return made
  }

  return {
    strength: (password, about) =>
      new Promise((answer) => {
        if (queue.length >= mostWaiting) return answer('could not be judged, since too many wait; try again')
        queue.push({ question: { password, about }, answer })
        if (current === undefined) next()
      }),
    close: async () => {
      clearTimeout(timer)
      for (const waiting of [...(current === undefined ? [] : [current]), ...queue.splice(0)]) {
        waiting.answer('could not be judged, since the server stops; try again')
      }
      current = undefined
      const ended = worker
      worker = undefined
      await ended?.terminate()
    },
  }
}
