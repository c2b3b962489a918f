import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { applyFileEntries } from '../../src/accounts/file-entries.ts'
import type { Io } from '../../src/cli/io.ts'
import { openLocal } from '../../src/cli/local.ts'
import { run } from '../../src/cli/run.ts'
import { createSystem } from '../../src/server/system.ts'

export type Said = { readonly code: number; readonly out: string; readonly err: string; readonly json: () => Json }
export type Json = Readonly<Record<string, unknown>>
type Given = { readonly stdin?: string; readonly environment?: Readonly<Record<string, string>> }

export const root = new URL('../..', import.meta.url).pathname
const launcher = join(root, 'bin', 'gatehouse')

/** A directory of its own for one file of tests. */
export function workplace(): { readonly directory: string; readonly remove: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-cli-'))
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) }
}

type Told = { out: string; err: string }

/** What a command touches, without a terminal, keeping what it says. */
export function ioAt(directory: string, given: Given = {}, told: Told = { out: '', err: '' }): Io {
  return {
    out: (text) => void (told.out += text),
    err: (text) => void (told.err += text),
    stdin: Object.assign(Readable.from([given.stdin ?? '']), { isTTY: false }) as unknown as NodeJS.ReadStream,
    environment: given.environment ?? {},
    workingDirectory: directory,
    system: createSystem(),
  }
}

/** One command line inside this process, on a real store: fast, and otherwise as from a shell. */
export async function cli(directory: string, args: readonly string[], given: Given = {}): Promise<Said> {
  const told: Told = { out: '', err: '' }
  const code = await run(args, ioAt(directory, given, told))
  return { code, ...told, json: () => JSON.parse(told.out) as Json }
}

/** The same through `bin/gatehouse`, as a process of its own. */
export function spawned(directory: string, args: readonly string[], given: Given = {}): Promise<Said> {
  const child = launch(directory, args, given.environment)
  child.stdin?.end(given.stdin ?? '')
  return new Promise((resolve, reject) => {
    let out = ''
    let err = ''
    child.stdout?.on('data', (piece) => (out += String(piece)))
    child.stderr?.on('data', (piece) => (err += String(piece)))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? -1, out, err, json: () => JSON.parse(out) as Json }))
  })
}

/** What a start with these options makes of the configuration file, without the start. */
export async function applyFile(directory: string, options: Readonly<Record<string, unknown>>): Promise<void> {
  const local = await openLocal(ioAt(directory), options, { secrets: true })
  try {
    const applied = await applyFileEntries(local, local.config)
    if (!('done' in applied)) throw new Error(JSON.stringify(applied))
  } finally {
    await local.close()
  }
}

export type Server = {
  readonly issuer: string
  readonly pid: number
  readonly out: () => string
  readonly err: () => string
  readonly signal: (name: NodeJS.Signals) => void
  /** Resolves when what it said matches. */
  readonly says: (pattern: RegExp) => Promise<void>
  readonly ended: Promise<number>
}

const servers = new Set<Server>()

/** `gatehouse serve`, answering. */
export async function serve(
  directory: string,
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const port = await freePort()
  const child = launch(directory, ['serve', '--port', String(port), ...args], environment)
  let out = ''
  let err = ''
  child.stdout?.on('data', (piece) => (out += String(piece)))
  child.stderr?.on('data', (piece) => (err += String(piece)))
  const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)))
  const issuer = `http://localhost:${port}`
  const server: Server = {
    issuer,
    pid: child.pid ?? 0,
    out: () => out,
    err: () => err,
    signal: (name) => void child.kill(name),
    says: async (pattern) => {
      for (const until = performance.now() + 30_000; !pattern.test(out + err);) {
        if (performance.now() > until) throw new Error(`it never said ${pattern}:\n${out}${err}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    ended,
  }
  servers.add(server)
  for (const until = performance.now() + 30_000; ;) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
    if (answer?.ok === true) return server
    if (child.exitCode !== null || performance.now() > until) throw new Error(`it does not answer:\n${out}${err}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Ends whatever a test left running, but for the one that a whole file shares. */
export async function endServers(shared?: Server): Promise<void> {
  const left = [...servers].filter((server) => server !== shared)
  for (const server of left) server.signal('SIGKILL')
  await Promise.all(left.map((server) => server.ended))
  for (const server of left) servers.delete(server)
}

function launch(
  directory: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ChildProcess {
  return spawn(launcher, args, {
    cwd: directory,
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      probe.close(() => resolve(port))
    })
  })
}
