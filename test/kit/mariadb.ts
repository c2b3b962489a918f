import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createConnection } from 'mysql2/promise'
import { freePort } from './free-port.ts'

/** Debian's MariaDB, of a test's own, on a loopback port. */
export type TestMariadb = {
  readonly port: number
  readonly ask: (...statements: readonly string[]) => Promise<readonly unknown[]>
  readonly address: (database: string, options?: string) => string
  /** Killed and started again, as after a crash. */
  readonly restart: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** With `tls` it offers that, as PEM; without, none at all. */
export async function startMariadb(tls?: { readonly certificate: string; readonly key: string }): Promise<TestMariadb> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-mariadb-'))
  const port = await freePort()
  const data = join(folder, 'data')
  // The server refuses to run as root.
  const owner = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  chmodSync(folder, 0o755)
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid)
  // A server that starts removes the temporary tables that it finds there: not those of another one, which are in use.
  const temporary = `--tmpdir=${folder}`
  const made = spawnSync(
    'mariadb-install-db',
    [`--datadir=${data}`, '--no-defaults', temporary, '--auth-root-authentication-method=normal', '--skip-test-db'],
    { ...owner, cwd: folder, encoding: 'utf8' },
  )
  if (made.status !== 0)
    throw new Error(
      `mariadb-install-db failed (${made.error?.message ?? made.signal ?? made.status}): ${/^.*ERROR.*$/m.exec(made.stdout + made.stderr)?.[0] ?? ''}\n${made.stdout}${made.stderr}`,
    )
  const offered = Object.entries({ cert: tls?.certificate, key: tls?.key }).flatMap(([name, text]) => {
    if (text === undefined) return []
    const path = join(folder, `${name}.pem`)
    writeFileSync(path, text, { mode: 0o600 })
    if (owner.uid !== undefined) chownSync(path, owner.uid, owner.gid)
    return [`--ssl-${name}=${path}`]
  })
  let server: ChildProcess | undefined
  let complaints = ''

  async function ask(...statements: readonly string[]): Promise<readonly unknown[]> {
    const connection = await createConnection({ host: '127.0.0.1', port, user: 'root' })
    try {
      let answer: unknown
      for (const statement of statements) [answer] = await connection.query(statement)
      return Array.isArray(answer) ? answer : []
    } finally {
      connection.destroy()
    }
  }

  async function start(): Promise<void> {
    const child = spawn(
      '/usr/sbin/mariadbd',
      [
        '--no-defaults',
        `--datadir=${data}`,
        temporary,
        `--socket=${join(folder, 'socket')}`,
        `--pid-file=${join(folder, 'pid')}`,
        '--bind-address=127.0.0.1',
        `--port=${port}`,
        '--innodb-buffer-pool-size=64M',
        ...(tls === undefined ? ['--skip-ssl'] : offered),
      ],
      { ...owner, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
    )
    server = child
    child.stderr.on('data', (chunk) => (complaints = `${complaints}${String(chunk)}`.slice(-4_000)))
    for (let tried = 0; tried < 1_200; tried += 1) {
      if (child.exitCode !== null) throw new Error(`mariadbd ended: ${complaints}`)
      if (
        await ask('SELECT 1').then(
          () => true,
          () => false,
        )
      )
        return
      await pause(25)
    }
    throw new Error(`mariadbd does not answer: ${complaints}`)
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const child = server
    server = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await ended
  }

  await start()
  return {
    port,
    ask,
    address: (database, options = '') =>
      `mysql://root@127.0.0.1:${port}/${database}${options === '' ? '' : `?${options}`}`,
    restart: async () => {
      await end('SIGKILL')
      await start()
    },
    stop: async () => {
      await end('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
