import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a folder for its owner alone, and those above it that are missing; returns the first one made. Node's own recursive way
 * never ends where a file system says of a new folder that it isn't there (/proc).
 */
export function makeFolder(path: string): string | undefined {
  if (isFolder(path)) return undefined
  const above = dirname(path)
  const first = above === path ? undefined : makeFolder(above)
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Another process that starts was faster.
    if (!isFolder(path)) throw error
  }
  return first ?? path
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
