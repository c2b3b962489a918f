import { Worker } from 'node:worker_threads'

/** A full check of the file, on a thread of its own. Resolves with the findings, in words. */
export function verify(path: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./verify-thread.ts', import.meta.url), { workerData: { path }, execArgv: [] })
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}
