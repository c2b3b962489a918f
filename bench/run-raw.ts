import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Outcome } from './load/main.ts'
import type { RoundOptions } from './run-round.ts'
import { makeDirectory, onCore, SERVER_CORE } from './sides/start.ts'

/** One round of bare row updates, on the server's core. */
export const runRawUpdates = async ({ warmupCpuSeconds, seconds }: RoundOptions): Promise<Outcome> => {
  const directory = makeDirectory()
  try {
    const script = join(import.meta.dirname, 'peers', 'raw-updates.ts')
    const [command, args] = onCore(SERVER_CORE, [script, directory, String(warmupCpuSeconds), String(seconds)])
    const { stdout } = await promisify(execFile)(command, args)
    return JSON.parse(stdout) as Outcome
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
