import { constants, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { hashPassword, verifyPassword } from './password.ts'
import { createRandom } from './random.ts'

/** One piece of work at a time. `hash: null` stands for an account that doesn't exist or has no password. */
export type PasswordJob =
  | { readonly work: 'hash'; readonly password: string }
  | { readonly work: 'verify'; readonly password: string; readonly hash: string | null }

export type PasswordResult = { readonly hash: string } | { readonly matches: boolean } | { readonly failed: string }

// Nobody knows this password; checking against it takes as long as against a real one.
const decoy = hashPassword(createRandom().text(32))

const port = parentPort
if (port === null) throw new Error('password-worker.ts is the start of a worker thread')
port.on('message', (job: PasswordJob) => port.postMessage(work(job)))

function work(job: PasswordJob): PasswordResult {
  try {
    if (job.work === 'hash') return { hash: hashPassword(job.password) }
    const matches = verifyPassword(job.hash ?? decoy, job.password)
    return { matches: matches && job.hash !== null }
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) }
  }
}

// A full queue of guesses takes every core that it gets: token requests come first. On Linux a priority is a thread's own, elsewhere it
// would be the whole process's.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
