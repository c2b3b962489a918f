import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const modules = '/usr/lib/apache2/modules'
const always = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'dir', 'env', 'headers', 'mime']

export type Apache = {
  readonly close: () => Promise<void>
  /** What it wrote into its error log, for a test that has to say why it failed. */
  readonly log: () => string
}

/** An own Apache process on a loopback port, configured by `text`, with one page at `/` and at each of `paths`. */
export async function startApache(options: {
  readonly port: number
  readonly load: readonly string[]
  readonly paths: readonly string[]
  /** Gets the directory where files that the configuration names can be put. */
  readonly configure: (directory: string) => string
}): Promise<Apache> {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-apache-'))
  // Started as root its children are www-data; they must reach the pages.
  chmodSync(directory, 0o755)
  for (const path of ['', ...options.paths]) {
    mkdirSync(join(directory, 'www', path), { recursive: true })
    writeFileSync(join(directory, 'www', path, 'index.html'), '<!doctype html><title>A page</title><h1>Let in</h1>')
  }
  const lines = [
    `ServerName 127.0.0.1`,
    `Listen 127.0.0.1:${options.port}`,
    `PidFile ${directory}/apache.pid`,
    `DefaultRuntimeDir ${directory}`,
    `Mutex posixsem`,
    `ErrorLog ${directory}/error.log`,
    'LogLevel warn',
    ...[...always, ...options.load].map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`),
    'TypesConfig /etc/mime.types',
    ...(process.getuid?.() === 0 ? ['User www-data', 'Group www-data'] : []),
    'StartServers 1',
    `DocumentRoot ${directory}/www`,
    'DirectoryIndex index.html',
    options.configure(directory),
  ]
  writeFileSync(join(directory, 'apache.conf'), `${lines.join('\n')}\n`)
  const child = spawn('/usr/sbin/apache2', ['-f', join(directory, 'apache.conf'), '-D', 'FOREGROUND'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const log = (): string => `${said}${readOr(join(directory, 'error.log'))}`
  const close = async (): Promise<void> => {
    if (child.exitCode === null) child.kill('SIGTERM')
    await ended
    rmSync(directory, { recursive: true })
  }
  const deadline = Date.now() + 10_000
  while (!(await answers(options.port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      const why = log()
      await close()
      throw new Error(`Apache doesn't answer: ${why}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { close, log }
}

async function answers(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/`, { redirect: 'manual' }).then(
    () => true,
    () => false,
  )
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
