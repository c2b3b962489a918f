import { lstatSync, mkdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * Keeps what was compiled for the next start, which then reads and compiles nothing again: a fifth of its time, from source more
 * than half. What lies there is run, so it must be a directory that nobody else can write to; Node's own choice would be the
 * temporary directory, which everybody shares.
 */
export function keepCompiledCode(home: string = homedir()): string | undefined {
  const ours = join(home, '.cache', 'gatehouse')
  const directory = join(ours, 'compiled')
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    if (![ours, directory].every(isOursAlone)) return undefined
  } catch {
    // No home that can be written to: the start takes longer, that is all.
    return undefined
  }
  return enableCompileCache(directory).directory
}

function isOursAlone(path: string): boolean {
  const found = lstatSync(path)
  return found.isDirectory() && (found.mode & 0o022) === 0 && found.uid === process.getuid?.()
}
