import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'

/** How far a long run has come: it may be ended at any time, and goes on where it was. */
export type Progress = {
  /** Absent: of the core. */
  readonly of?: 'vault'
  /** Of the first episode. */
  readonly from: number
  readonly episodes: number
  readonly steps: number
  readonly seconds: number
  /** Seeds whose episodes failed. */
  readonly failed: readonly number[]
}

/** What the file says, or the beginning of a run whose first seed is `from`. A file of another run is refused. */
export function readProgress(file: string | undefined, from: number, of: 'core' | 'vault' = 'core'): Progress {
  const begun = { from, episodes: 0, steps: 0, seconds: 0, failed: [] }
  if (file === undefined || !existsSync(file)) return of === 'core' ? begun : { of, ...begun }
  const found = JSON.parse(readFileSync(file, 'utf8')) as Progress
  if (found.from !== from)
    throw new Error(`${file} is of a run from seed ${found.from}: name another file, or --from ${found.from}`)
  if ((found.of ?? 'core') !== of)
    throw new Error(`${file} is of a run of the ${found.of ?? 'core'}: name another file`)
  return found
}

/** Whole or not at all, whenever the run is killed. */
export function keepProgress(file: string | undefined, progress: Progress): void {
  if (file === undefined) return
  writeFileSync(`${file}.next`, `${JSON.stringify(progress)}\n`)
  renameSync(`${file}.next`, file)
}
