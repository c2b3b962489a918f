import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const names = ['web-app', 'macaroon-web', 'resource-server', 'curl-basic', 'curl-post'] as const

export type Secrets = Readonly<Record<(typeof names)[number], string>>

/** The secrets that gatehouse.yaml names: 256 bits each, made once, readable by their owner alone. */
export function makeSecrets(home: string): Secrets {
  mkdirSync(join(home, 'data'), { recursive: true, mode: 0o700 })
  return Object.fromEntries(names.map((name) => [name, kept(join(home, 'data', `${name}.secret`), 32)])) as Secrets
}

/** What the file holds; at the first time, `bytes` random ones. */
export function kept(path: string, bytes: number): string {
  if (!existsSync(path)) writeFileSync(path, randomBytes(bytes).toString('base64url'), { mode: 0o600, flag: 'wx' })
  return readFileSync(path, 'utf8')
}
