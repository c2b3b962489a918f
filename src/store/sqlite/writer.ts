import { Worker } from 'node:worker_threads'
import type { Order, Reply, WriterOrders } from './messages.ts'

export type Writer = {
  /** Open the file, which exists by now. Resolves with how that went; afterwards replies and death are told to `on`. */
  readonly begin: () => Promise<Reply>
  readonly send: (order: Order) => void
  /** Let it finish. Resolves when the thread is gone. */
  readonly close: () => Promise<void>
  /** For a thread that never began. */
  readonly abandon: () => Promise<unknown>
}

const youngMegabytes = 6

/** Start the writer thread. It takes a while to come up, so it is started before the file is looked at. */
export function startWriter(
  orders: Omit<WriterOrders, 'bell'>,
  on: { readonly reply: (reply: Reply) => void; readonly gone: (why: string) => void },
): Writer {
  const bell = new Int32Array(new SharedArrayBuffer(4))
  const workerData: WriterOrders = { ...orders, bell }
  const worker = new Worker(new URL('./writer-thread.ts', import.meta.url), {
    workerData,
    execArgv: [],
    // An order is nothing any more once it is carried out.
    resourceLimits: { maxYoungGenerationSizeMb: youngMegabytes },
  })
  const exited = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<Reply>()
  let closing = false
  worker.once('message', (first: Reply) => {
    begun.resolve(first)
    worker.on('message', on.reply)
  })
  worker.once('error', (error) => {
    const why = error instanceof Error ? error.message : String(error)
    begun.resolve({ is: 'refused', why })
    on.gone(why)
  })
  worker.once('exit', () => {
    exited.resolve()
    if (!closing) on.gone('its thread ended')
  })

  function ring(): void {
    Atomics.add(bell, 0, 1)
    Atomics.notify(bell, 0)
  }

  function send(order: Order): void {
    worker.postMessage(order)
    ring()
  }

  return {
    begin() {
      ring()
      return begun.promise
    },
    send,
    close() {
      closing = true
      send('close')
      return exited.promise
    },
    abandon() {
      closing = true
      return worker.terminate()
    },
  }
}
