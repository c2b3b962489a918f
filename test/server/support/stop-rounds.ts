import { spawn, type ChildProcess } from 'node:child_process'
import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { StopTimes } from '../../../src/server/stop.ts'

const childFile = fileURLToPath(new URL('stop-child.ts', import.meta.url))

export type Child = {
  readonly process: ChildProcess
  readonly port: number
  readonly exited: Promise<number | string | null>
}

const living = new Set<ChildProcess>()

/** Ends what a failed test left running. */
export function endChildren(): void {
  for (const child of living) child.kill('SIGKILL')
}

export async function startChild(times: Partial<StopTimes> = {}): Promise<Child> {
  const child = spawn(process.execPath, [childFile, JSON.stringify(times)], { stdio: ['ignore', 'pipe', 'inherit'] })
  living.add(child)
  const exited = new Promise<number | string | null>((resolve) =>
    child.once('exit', (code, signal) => {
      living.delete(child)
      resolve(code ?? signal)
    }),
  )
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())))
    void exited.then((code) => reject(new Error(`the server ended with ${code} before it listened`)))
  })
  return { process: child, port, exited }
}

export type Outcome = {
  /** Requests that got their whole answer. */
  answered: number
  /** Requests that were sent and got none, in words. */
  readonly failed: string[]
  /** Attempts to connect that were refused: nobody listens any more, and the client knows. */
  refused: number
}

/** One request; whether it got its whole answer, could not be sent, or failed. */
export function ask(
  port: number,
  agent: Agent,
  what: { readonly method: string; readonly path: string; readonly body?: string },
): Promise<string> {
  return new Promise((resolve) => {
    const sent = request(
      {
        port,
        host: '127.0.0.1',
        agent,
        method: what.method,
        path: what.path,
        headers:
          what.body === undefined
            ? {}
            : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': what.body.length },
      },
      (answer) => {
        let text = ''
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()))
        answer.on('end', () =>
          resolve(answer.statusCode === 200 && text !== '' ? 'answered' : `${answer.statusCode} ${text}`),
        )
        answer.on('error', (error) => resolve(`cut in the answer: ${error.message}`))
      },
    )
    sent.on('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ECONNREFUSED' ? 'refused' : `${what.path}: ${error.message}`),
    )
    sent.end(what.body)
  })
}

/** One client on one kept connection: asks until nobody listens any more. */
async function client(port: number, outcome: Outcome, number: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (let n = 0; ; n += 1) {
    const slow = (number + n) % 8 === 0
    const result = await ask(
      port,
      agent,
      slow ? { method: 'GET', path: '/slow' } : { method: 'POST', path: '/token', body: `client=${number}-${n}` },
    )
    if (result === 'answered') outcome.answered += 1
    else if (result === 'refused') {
      outcome.refused += 1
      break
    } else {
      outcome.failed.push(result)
      break
    }
    // Some clients have pauses between requests; none is silent for as long as a stop waits.
    if (number % 3 === 0) await pause((number * 37 + n * 53) % 300)
  }
  agent.destroy()
}

/** Starts a server, loads it, stops it by SIGTERM after `untilStopMillis`, and tells what its clients saw. */
export async function stopRound(
  clients: number,
  untilStopMillis: number,
): Promise<Outcome & { readonly exit: number | string | null; readonly millis: number }> {
  const child = await startChild({ drain: 0 })
  const outcome: Outcome = { answered: 0, failed: [], refused: 0 }
  const load = Promise.all(Array.from({ length: clients }, (_, number) => client(child.port, outcome, number)))
  // At 0 the clients have begun to connect, and the server may have accepted none of them.
  await pause(untilStopMillis)
  const began = performance.now()
  child.process.kill('SIGTERM')
  const exit = await child.exited
  const millis = performance.now() - began
  await load
  return { ...outcome, exit, millis }
}
