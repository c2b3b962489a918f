import { spawn, type ChildProcess } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const program = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))

/** A real `gatehouse serve`, in a process that may be killed. */
export type ServerProcess = {
  readonly port: number
  readonly pid: number
  /** Milliseconds since 1970. Whatever the server calls "ready" comes later. */
  readonly spawnedAt: number
  /** From the spawn to the first 200 of `/readyz`. */
  readonly readyMillis: number
  /** The exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>
  readonly running: () => boolean
  readonly kill: (signal: NodeJS.Signals) => void
  /** What it wrote on standard error, where failures are told, and its log. */
  readonly output: () => string
}

export type ServeOptions = {
  readonly dataDirectory: string
  readonly port: number
  readonly environment?: Readonly<Record<string, string>>
  /** Another tree's `src/cli/main.ts`. */
  readonly program?: string
  /** Not ready by then: killed. */
  readonly patienceMillis?: number
}

export class NotReady extends Error {
  readonly exit: number | string | undefined

  constructor(exit: number | string | undefined, output: string) {
    super(
      `the server ${exit === undefined ? 'did not become ready' : `ended with ${exit} before it was ready`}: ${output}`,
    )
    this.name = 'NotReady'
    this.exit = exit
  }
}

const children = new Set<ChildProcess>()

/** Whatever a test left running when it failed. */
export function endServers(): void {
  for (const child of children) child.kill('SIGKILL')
}

/** Start it and wait until it is ready. Throws NotReady; then it is gone. */
export async function serve(options: ServeOptions): Promise<ServerProcess> {
  const { dataDirectory, port } = options
  const args = [
    options.program ?? program,
    'serve',
    '--data',
    dataDirectory,
    '--port',
    String(port),
    '--log-level',
    'warn',
  ]
  const spawnedAt = Date.now()
  const began = performance.now()
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', ...options.environment },
  })
  children.add(child)
  child.once('close', () => children.delete(child))
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  let exit: number | string | undefined
  const exited = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve((exit = code ?? signal ?? 'unknown'))),
  )
  const deadline = began + (options.patienceMillis ?? 60_000)
  while (!(await isReady(port))) {
    if (exit === undefined && performance.now() < deadline) await pause(5)
    else {
      child.kill('SIGKILL')
      const early = exit
      await exited
      throw new NotReady(early, output)
    }
  }
  return {
    port,
    pid: child.pid ?? 0,
    spawnedAt,
    readyMillis: performance.now() - began,
    exited,
    running: () => exit === undefined,
    kill: (signal) => void child.kill(signal),
    output: () => output,
  }
}

async function isReady(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(1_000) }).then(
    async (answer) => {
      await answer.arrayBuffer()
      return answer.status === 200
    },
    () => false,
  )
}
