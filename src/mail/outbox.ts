import type { Outgoing } from '../domain/ticket.ts'
import { startErrands, type Errands } from '../store/start-errands.ts'
import type { TransitionContext } from '../store/transition.ts'
import type { Letter, Send } from './letter.ts'

export type OutboxOptions = {
  readonly transition: TransitionContext
  /** What the letter says; nothing if there is nobody to write to. */
  readonly compose: (outgoing: Outgoing) => Promise<Letter | undefined>
  readonly send: Send
  readonly onFailure: (error: unknown) => void
}

export type Outbox = Errands

/** Sends what was committed to be sent: a letter leaves the outbox after it was taken over. */
export function startOutbox({ transition, compose, send, onFailure }: OutboxOptions): Outbox {
  return startErrands({
    transition,
    kind: 'outbox',
    longestPause: 3_600,
    expiryOf: ({ createdAt }) => createdAt + lettersLive,
    run: async (outgoing) => {
      const letter = await compose(outgoing)
      if (letter !== undefined) await send(letter)
      return []
    },
    onFailure,
  })
}

/** What a letter asks for has expired by then. */
export const lettersLive = 24 * 60 * 60
