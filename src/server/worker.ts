import type { AddressInfo } from 'node:net'
import type { UsersPolicy } from '../config/config.ts'
import type { Together } from '../limits/limits.ts'
import type { WriterLink } from '../store/port.ts'
import { plainSnapshot } from './merge-snapshots.ts'
import type { Metrics } from './metrics.ts'
import type { FromWorker, ToWorker } from './worker-message.ts'

type Begin = Extract<ToWorker, { readonly is: 'begin' }>

/** What a worker process has of the one that began it. */
export type Worker = {
  /** Its configuration as text, and where it listens if that is known. */
  readonly begun: Promise<Omit<Begin, 'is'>>
  readonly through: WriterLink
  readonly together: Together
  readonly onFollow: (listener: (policy: UsersPolicy) => void) => void
  readonly onStop: (listener: (signal: string) => void) => void
  readonly listening: (address: AddressInfo) => void
  /** Resolves when it was said. */
  readonly refused: (why: string) => Promise<void>
}

/** A worker's end. `process` has a channel: whoever began us listens on the other end, and when he goes we end too. */
export function attachWorker(process: Pick<NodeJS.Process, 'on' | 'send'>, metrics: Pick<Metrics, 'snapshot'>): Worker {
  const begun = Promise.withResolvers<Begin>()
  let written: Parameters<WriterLink['onReply']>[0] = () => undefined
  let counting: Parameters<Together['onTold']>[0] = () => undefined
  let followed: UsersPolicy | undefined
  let follow: (policy: UsersPolicy) => void = (policy) => (followed = policy)
  const asked: string[] = []
  let stop: (signal: string) => void = (signal) => void asked.push(signal)
  process.on('message', (message: ToWorker) => {
    switch (message.is) {
      case 'begin':
        begun.resolve(message)
        break
      case 'written':
        written(message.reply)
        break
      case 'counting':
        counting(message.counting)
        break
      case 'follow':
        follow(message.usersPolicy)
        break
      case 'count-up':
        tell({ is: 'counted', snapshot: plainSnapshot(metrics.snapshot()) })
        break
      case 'stop':
        stop(message.signal)
        break
    }
  })
  // A terminal and a supervisor signal the whole group; only the one that began us says when to stop.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

  function tell(message: FromWorker): void {
    process.send?.(message, undefined, undefined, () => undefined)
  }

  return {
    begun: begun.promise,
    through: { send: (order) => tell({ is: 'write', order }), onReply: (listener) => (written = listener) },
    together: {
      tell: (told) => tell({ is: 'counting', counting: told }),
      onTold: (listener) => (counting = listener),
    },
    onFollow: (listener) => {
      follow = listener
      // Told while it came up.
      if (followed !== undefined) listener(followed)
    },
    onStop: (listener) => {
      stop = listener
      // Asked while it came up.
      for (const signal of asked) listener(signal)
    },
    listening: (address) => tell({ is: 'listening', address }),
    refused: (why) =>
      new Promise((resolve) => process.send?.({ is: 'refused', why }, undefined, undefined, () => resolve())),
  }
}
