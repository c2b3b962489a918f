import { Worker } from 'node:worker_threads'
import type { PasswordJob, PasswordResult } from './password-worker.ts'

/** Too many passwords are waiting already: answer 503 and let the client try again. */
export class PasswordPoolBusy extends Error {
  constructor(limit: number) {
    super(`${limit} passwords are waiting to be checked`)
    this.name = 'PasswordPoolBusy'
  }
}

/** A text that can't be a password here. The message names the rule, never the text. */
export class PasswordUnusable extends Error {
  constructor(rule: string) {
    super(rule)
    this.name = 'PasswordUnusable'
  }
}

export const longestPasswordBytes = 1024

/** argon2id on threads of its own, so that neither the event loop nor file access waits for it. */
export type PasswordPool = {
  /** A PHC string. Throws PasswordUnusable, PasswordPoolBusy. */
  readonly hash: (password: string) => Promise<string>
  /**
   * Whether the password fits. `hash: undefined` (no such account, or one without password) takes the same time
   * and never matches. `ahead`: in a queue of its own, of which up to three in a row pass those who wait in the other one; in that one
   * where its own is full. Throws PasswordPoolBusy.
   */
  readonly verify: (hash: string | undefined, password: string, ahead?: boolean) => Promise<boolean>
  /** Ends the threads; whatever waits is rejected. */
  readonly close: () => Promise<void>
}

type Waiting = {
  readonly job: PasswordJob
  readonly resolve: (result: PasswordResult) => void
  readonly reject: (error: Error) => void
}

type Thread = { readonly worker: Worker; current: Waiting | undefined }

/** Of four, one is of those who don't go ahead. */
const mostPassed = 3

/** Threads start with the first password. At most `queueLimit` wait in each queue beside those being worked on. */
export function createPasswordPool(options: { readonly threads: number; readonly queueLimit: number }): PasswordPool {
  const ahead: Waiting[] = []
  /** How many of them went ahead of somebody, one after another. */
  let passed = 0
  const queue: Waiting[] = []
  const threads = new Set<Thread>()
  let closed = false

  function submit(job: PasswordJob, into = queue): Promise<PasswordResult> {
    if (closed) return Promise.reject(new Error('the password pool is closed'))
    const free = [...threads].some((thread) => thread.current === undefined) || threads.size < options.threads
    if (!free && into.length >= options.queueLimit) return Promise.reject(new PasswordPoolBusy(options.queueLimit))
    return new Promise((resolve, reject) => {
      into.push({ job, resolve, reject })
      dispatch()
    })
  }

  /** Nobody who goes ahead, and signs in again and again, keeps the others waiting for ever (H03). */
  function takeNext(): Waiting | undefined {
    const first = queue.length > 0 && (ahead.length === 0 || passed === mostPassed) ? queue : ahead
    passed = first === ahead && queue.length > 0 ? passed + 1 : 0
    return first.shift()
  }

  function dispatch(): void {
    while (ahead.length + queue.length > 0) {
      const thread =
        [...threads].find((candidate) => candidate.current === undefined) ??
        (threads.size < options.threads ? start() : undefined)
      if (thread === undefined) return
      thread.current = takeNext()
      // Work in progress keeps the process alive, a waiting thread doesn't.
      thread.worker.ref()
      thread.worker.postMessage(thread.current?.job)
    }
  }

  function start(): Thread {
    const worker = new Worker(new URL('./password-worker.ts', import.meta.url), { env: {}, execArgv: [] })
    const thread: Thread = { worker, current: undefined }
    worker.unref()
    worker.on('message', (result: PasswordResult) => {
      const done = thread.current
      thread.current = undefined
      worker.unref()
      done?.resolve(result)
      dispatch()
    })
    let cause: Error | undefined
    worker.on('error', (error: Error) => {
      cause = error
    })
    worker.on('exit', () => {
      threads.delete(thread)
      thread.current?.reject(new Error('a password thread ended', { cause }))
      if (!closed) dispatch()
    })
    threads.add(thread)
    return thread
  }

  return {
    hash: async (password) => {
      const rule = unusable(password)
      if (rule !== undefined) throw new PasswordUnusable(rule)
      const result = done(await submit({ work: 'hash', password: normal(password) }))
      if (!('hash' in result)) throw new Error('the password thread answered another question')
      return result.hash
    },
    verify: async (hash, password, isAhead = false) => {
      // The length is the sender's own, so refusing it at once tells nothing.
      if (unusable(password) !== undefined) return false
      const result = done(
        await submit(
          { work: 'verify', password: normal(password), hash: hash ?? null },
          // Whoever fills the one queue keeps nobody out of the other.
          isAhead && ahead.length < options.queueLimit ? ahead : queue,
        ),
      )
      if (!('matches' in result)) throw new Error('the password thread answered another question')
      return result.matches
    },
    close: async () => {
      closed = true
      for (const waiting of [...ahead.splice(0), ...queue.splice(0)])
        waiting.reject(new Error('the password pool is closed'))
      await Promise.all([...threads].map((thread) => thread.worker.terminate()))
    },
  }
}

/** RFC 8265 §4.2.2: one keyboard composes an accented letter, another sends it in two pieces. */
function normal(password: string): string {
  return password.normalize('NFC')
}

function unusable(password: string): string | undefined {
  // Lone surrogates would all become the same replacement character.
  if (!password.isWellFormed()) return 'the password is not well-formed Unicode'
  if (Buffer.byteLength(normal(password)) > longestPasswordBytes) {
    return `the password is longer than ${longestPasswordBytes} bytes`
  }
  return undefined
}

function done(result: PasswordResult): Exclude<PasswordResult, { failed: string }> {
  if ('failed' in result) throw new Error(`a stored password hash can't be used: ${result.failed}`)
  return result
}
