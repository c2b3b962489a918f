import { closeSync, fsyncSync } from 'node:fs'
import { StoreRefused } from '../refused.ts'
import { logDamage } from './log-damage.ts'
import { openLog } from './open-log.ts'

/**
 * Before anybody opens the file: SQLite would drop what is damaged in the log of the store at this path, and the log with it.
 * Returns what is damaged, if anything is. Throws StoreRefused where the disk fails.
 */
export function prepareLog(path: string): string | undefined {
  const log = `${path}-wal`
  try {
    const damage = logDamage(log)
    if (damage === undefined) syncLog(log)
    return damage
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new StoreRefused(
      `the write-ahead log of the store ${path} can't be read or synced (${reason}): check the disk and who may read the file`,
      { cause: error },
    )
  }
}

/**
 * SQLite takes for committed what a killed process wrote and never synced, and builds on it. Power that is lost then could tear that and
 * leave whole what came later, which is how damage looks.
 */
function syncLog(log: string): void {
  const file = openLog(log)
  if (file === undefined) return
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
