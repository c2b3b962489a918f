import { Worker } from 'node:worker_threads'
import type { Order, Reply, WriterOrders } from './messages.ts'

export type Writer = {
  readonly send: (order: Order) => void
  /** Resolves when the thread is gone. */
  readonly close: () => Promise<void>
}

/** Start the writer thread. Resolves once it is ready; rejects with why it isn't. `onGone`: it died by itself. */
export function startWriter(
  orders: Omit<WriterOrders, 'bell'>,
  on: { readonly reply: (reply: Reply) => void; readonly gone: (why: string) => void },
): Promise<Writer> {
  const bell = new Int32Array(new SharedArrayBuffer(4))
  const workerData: WriterOrders = { ...orders, bell }
  const worker = new Worker(new URL('./writer-thread.ts', import.meta.url), { workerData, execArgv: [] })
  let ready = false
  let closing = false
  const exited = new Promise<void>((resolve) => {
    worker.once('exit', () => resolve())
  })
  const writer: Writer = {
    send(order) {
      worker.postMessage(order)
      Atomics.add(bell, 0, 1)
      Atomics.notify(bell, 0)
    },
    close() {
      closing = true
      writer.send('close')
      return exited
    },
  }
  return new Promise((resolve, reject) => {
    worker.on('message', (reply: Reply) => {
      if (ready) return on.reply(reply)
      ready = reply.is === 'ready'
      if (ready) return resolve(writer)
      void writer.close().then(() => reject(new Error(reply.is === 'refused' ? reply.why : reply.is)))
    })
    worker.once('error', (error) => {
      if (!ready) reject(error)
      else on.gone(error instanceof Error ? error.message : String(error))
    })
    worker.once('exit', () => {
      if (ready && !closing) on.gone('its thread ended')
    })
  })
}
