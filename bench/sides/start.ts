import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Fixture } from '../fixture.ts'
import type { Launch, Side } from './side.ts'

/** A server under load. `stop` ends it and removes what it stored. */
export type Running = {
  readonly pid: number
  readonly port: number
  readonly readyMilliseconds: number
  readonly stop: () => Promise<void>
}

export const SERVER_CORE = 0
export const LOAD_CORE = 1

/** Whether processes can be held on a core here. Without it, ratios still count; absolute figures less. */
export const pins = spawnSync('taskset', ['--version']).status === 0

/** The command line that runs node on one core, or where the kernel likes. */
export const onCore = (core: number | 'any', args: readonly string[]): readonly [string, readonly string[]] =>
  pins && core !== 'any' ? ['taskset', ['-c', String(core), process.execPath, ...args]] : [process.execPath, args]

/** A directory for what a side stores. It lies in TMPDIR: that file system's fsync is the one measured. */
export const makeDirectory = (): string => mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))

export const start = async (side: Side, fixture: Fixture): Promise<Running> => {
  const directory = makeDirectory()
  const port = await freePort()
  const launch = side.prepare({ directory, port, fixture })
  const running = await launchServer(side, launch, directory, port, side.core)
  return {
    ...running,
    stop: async () => {
      await running.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Starts a server and waits until it is ready. */
export const launchServer = async (
  side: Side,
  launch: Launch,
  directory: string,
  port: number,
  core: number | 'any' = SERVER_CORE,
): Promise<Running> => {
  const logFile = join(directory, 'server.log')
  const log = openSync(logFile, 'a', 0o600)
  const [command, args] = onCore(core, launch.args)
  const began = performance.now()
  const child = spawn(command, args, {
    stdio: ['ignore', log, log],
    env: { ...process.env, ...launch.env },
    cwd: directory,
  })
  closeSync(log)
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  try {
    await untilReady(child, `http://localhost:${port}${side.readyPath}`)
  } catch (error) {
    child.kill('SIGKILL')
    throw new Error(`${side.name} did not start: ${String(error)}\n${readFileSync(logFile, 'utf8').slice(-4000)}`, {
      cause: error,
    })
  }
  const { pid } = child
  if (pid === undefined) throw new Error(`${side.name} has no process id`)
  return {
    pid,
    port,
    readyMilliseconds: performance.now() - began,
    stop: async () => {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 5000)
      await ended
      clearTimeout(late)
    },
  }
}

const READY_WITHIN_MS = 60_000

const untilReady = async (child: ChildProcess, url: string): Promise<void> => {
  const began = performance.now()
  while (performance.now() - began < READY_WITHIN_MS) {
    if (child.exitCode !== null) throw new Error(`it exited with ${child.exitCode}`)
    const status = await fetch(url, { signal: AbortSignal.timeout(2000) }).then(
      async (response) => {
        await response.arrayBuffer()
        return response.status
      },
      () => 0,
    )
    if (status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`${url} wasn't ready within ${READY_WITHIN_MS / 1000} s`)
}

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() =>
        address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
