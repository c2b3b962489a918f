import { lstatSync, realpathSync, type Stats } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { makeFolder } from '../store/make-folder.ts'

/**
 * Keeps what was compiled for the next start, which then reads and compiles nothing again: a fifth of its time, from source more
 * than half. What lies there is run, so it must be a directory that nobody else can write to; Node's own choice would be the
 * temporary directory, which everybody shares.
 */
export function keepCompiledCode(home: string = homedir()): string | undefined {
  const asked = join(home, '.cache', 'gatehouse', 'compiled')
  let directory: string
  try {
    makeFolder(asked)
    directory = realpathSync(asked)
    const ours = dirname(directory)
    if (![ours, directory].every((path) => isOursAlone(lstatSync(path)))) return undefined
    for (let above = dirname(ours); ; above = dirname(above)) {
      if (!staysInPlace(lstatSync(above))) return undefined
      if (above === dirname(above)) break
    }
  } catch {
    // No home that can be written to: the start takes longer, that is all.
    return undefined
  }
  return enableCompileCache(directory).directory
}

function isOursAlone(found: Stats): boolean {
  return found.isDirectory() && !isOpen(found) && found.uid === process.getuid?.()
}

/** Whoever can write to a directory can put another one in the place of what is in it, unless it is one like /tmp. */
function staysInPlace(found: Stats): boolean {
  const isSticky = (found.mode & 0o1000) !== 0
  return (found.uid === 0 || found.uid === process.getuid?.()) && (isSticky || !isOpen(found))
}

const isOpen = ({ mode }: Stats): boolean => (mode & 0o022) !== 0
