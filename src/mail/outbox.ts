import { put, ref, remove } from '../domain/record.ts'
import type { Outgoing } from '../domain/ticket.ts'
import { listAll } from '../store/list-all.ts'
import { transition, type TransitionContext } from '../store/transition.ts'
import type { Letter, Send } from './letter.ts'

/** Owner of every letter that waits. */
export const outboxOwner = '*'

const everyMillis = 15_000
/** Longer than sending takes: meanwhile no other node sends the same. */
const claimSeconds = 60
const longestPauseSeconds = 3_600

export type OutboxOptions = {
  readonly transition: TransitionContext
  /** What the letter says; nothing if there is nobody to write to. */
  readonly compose: (outgoing: Outgoing) => Promise<Letter | undefined>
  readonly send: Send
  readonly onFailure: (error: unknown) => void
}

export type Outbox = {
  /** Something was put in. */
  readonly wake: () => void
  /** Waits for the letter that is being sent; the rest is sent by whoever runs next. */
  readonly close: () => Promise<void>
}

/**
 * Sends what was committed to be sent, at least once: a letter leaves the outbox after it was taken over. Several nodes share
 * one outbox; each claims a letter before it sends it. One that can't be sent is tried again at growing intervals until it expires.
 */
export function startOutbox(options: OutboxOptions): Outbox {
  const { transition: context, compose, send, onFailure } = options
  let closed = false
  let again = false
  let running: Promise<void> | undefined

  function wake(): void {
    again = true
    running ??= run().finally(() => {
      running = undefined
    })
  }

  async function run(): Promise<void> {
    while (again) {
      again = false
      await sendAll().catch(onFailure)
    }
  }

  async function sendAll(): Promise<void> {
    for await (const { id, value, expiresAt } of listAll(context.store, 'outbox', outboxOwner)) {
      if (closed) return
      const now = context.clock.seconds()
      const over = expiresAt !== undefined && now >= expiresAt
      if (!over && value.nextAt <= now) await sendOne(id).catch(onFailure)
    }
  }

  async function sendOne(id: string): Promise<void> {
    const outgoing = await claim(id)
    if (outgoing === undefined) return
    const letter = await compose(outgoing)
    if (letter !== undefined) await send(letter)
    await transition(context, { entry: ref('outbox', id) }, ({ entry }) => ({
      writes: remove(entry),
      result: undefined,
    }))
  }

  function claim(id: string): Promise<Outgoing | undefined> {
    return transition(context, { entry: ref('outbox', id) }, ({ entry }, now) => {
      const { value } = entry
      if (value === undefined || value.nextAt > now) return { writes: [], result: undefined }
      const pause = Math.min(longestPauseSeconds, claimSeconds * 2 ** value.attempts)
      const claimed = { ...value, attempts: value.attempts + 1, nextAt: now + pause }
      return { writes: [put(entry, claimed, { expiresAt: value.createdAt + lettersLive })], result: claimed }
    })
  }

  const timer = setInterval(wake, everyMillis)
  timer.unref()
  wake()
  return {
    wake,
    close: async () => {
      closed = true
      clearInterval(timer)
      await running
    },
  }
}

/** What a letter asks for has expired by then. */
export const lettersLive = 24 * 60 * 60
