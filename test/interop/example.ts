import { spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../kit/free-port.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export type RunningExample = {
  /** A directory of its own, with gatehouse.yaml and data/. */
  readonly home: string
  readonly issuer: string
  readonly urls: Readonly<Record<'web-app' | 'spa' | 'resource-server' | 'macaroon-web', string>>
  readonly person: { readonly username: string; readonly password: string }
  /** All that was printed. */
  readonly said: () => string
  readonly close: () => Promise<void>
}

/** An example as somebody starts it, on ports of its own and with a fresh data directory. */
export async function startExample(
  name: 'server' | 'web-app' | 'spa' | 'resource-server' | 'macaroon-web',
): Promise<RunningExample> {
  const home = mkdtempSync(join(tmpdir(), 'gatehouse-example-'))
  copyFileSync(join(root, 'examples/gatehouse.yaml'), join(home, 'gatehouse.yaml'))
  const names = ['gatehouse', 'web-app', 'resource-server', 'spa', 'macaroon-web'] as const
  const ports = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await freePort()] as const)))
  const flags = names.flatMap((name) => [`--${name}-port`, String(ports[name])])
  const child = spawn(process.execPath, ['examples/start.ts', name, '--home', home, ...flags], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const close = async (): Promise<void> => {
    if (child.exitCode === null) child.kill('SIGTERM')
    await ended
    rmSync(home, { recursive: true })
  }
  const deadline = Date.now() + 50_000
  while (!said.includes('Ctrl-C ends everything')) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await close()
      throw new Error(`the example ${name} didn't start: ${said}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const at = (app: 'web-app' | 'spa' | 'resource-server' | 'macaroon-web') => `http://127.0.0.1:${ports[app]}`
  return {
    home,
    issuer: `http://localhost:${ports['gatehouse']}`,
    urls: {
      'web-app': at('web-app'),
      spa: at('spa'),
      'resource-server': at('resource-server'),
      'macaroon-web': at('macaroon-web'),
    },
    person: { username: 'maria', password: readFileSync(join(home, 'data/maria.password'), 'utf8') },
    said: () => said,
    close,
  }
}
