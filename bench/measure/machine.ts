import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { pins } from '../sides/start.ts'

/** What a figure depends on beside the code. */
export type Machine = {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly fileSystem: string
  readonly pinned: boolean
  readonly node: string
  readonly commit: string
  readonly peers: Readonly<Record<string, string>>
}

const root = join(import.meta.dirname, '..', '..')

export const describeMachine = (): Machine => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  fileSystem: ask('findmnt', ['-no', 'FSTYPE', '--target', tmpdir()]),
  pinned: pins,
  node: process.version,
  commit: ask('git', ['-C', root, 'describe', '--always', '--dirty']),
  peers: { 'oidc-provider': packageVersion('oidc-provider'), fastify: packageVersion('fastify') },
})

const ask = (command: string, args: readonly string[]): string => {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'unknown'
  }
}

const packageVersion = (name: string): string => {
  const manifest = readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
