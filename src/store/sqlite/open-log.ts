import { openSync } from 'node:fs'

/** The write-ahead log at this path, for reading; undefined if there is none. */
export function openLog(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
