import { chmodSync, closeSync, openSync, readSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeFolder, syncFolder } from '../make-folder.ts'
import { StoreRefused } from '../refused.ts'
import { applicationId } from './schema.ts'

const magic = 'SQLite format 3\0'
const headerBytes = 100
const applicationIdAt = 68

/**
 * Make sure that the file exists, is ours, and is nobody else's to read. Looks at the header itself, because even opening
 * another program's database may change it. Throws StoreRefused.
 */
export function prepareFile(path: string): void {
  const folder = dirname(path)
  try {
    makeFolder(folder)
    // Created before SQLite opens it, so that it is never readable by others, not even for a moment.
    closeSync(openSync(path, 'a', 0o600))
    syncFolder(folder)
  } catch (error) {
    throw new StoreRefused(
      `the store ${path} can't be opened or created (${reason(error)}): name a place where this user may write`,
      { cause: error },
    )
  }
  refuseForeign(path)
  // The log files beside it take over its mode.
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600)
}

function refuseForeign(path: string): void {
  const header = Buffer.alloc(headerBytes)
  const file = openSync(path, 'r')
  try {
    const length = readSync(file, header, 0, headerBytes, 0)
    if (length === 0) return
  } finally {
    closeSync(file)
  }
  if (header.toString('latin1', 0, magic.length) !== magic) {
    throw new StoreRefused(
      `the store ${path} is no SQLite database, or its first page is damaged: name another file, or restore the newest backup`,
    )
  }
  const found = header.readUInt32BE(applicationIdAt)
  if (found !== applicationId) {
    throw new StoreRefused(
      `the store ${path} is a SQLite database of another program (application id 0x${found.toString(16).padStart(8, '0')}): ` +
        'name another file, or move that one away',
    )
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
