import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Fixture } from './fixture.ts'
import { ConnectionLost, connectionLostStatus } from './load/connection.ts'
import type { Job, Outcome } from './load/main.ts'
import type { Row } from './scenarios.ts'
import { LOAD_CORE, onCore, start } from './sides/start.ts'

export type RoundOptions = Pick<Job, 'lanes' | 'warmupCpuSeconds' | 'until'>

/** One side, started afresh, warmed up, loaded and stopped. */
export const runRound = async (row: Row, fixture: Fixture, options: RoundOptions): Promise<Outcome> => {
  if ('measure' in row.side) return row.side.measure(options)
  const server = await start(row.side, fixture)
  try {
    return await runLoad({ flow: row.flow, port: server.port, pid: server.pid, fixture, ...options })
  } finally {
    await server.stop()
  }
}

// A round that hangs fails alone, and the run goes on.
const SETTING_UP_SECONDS = 180
const LONGEST_COUNT_SECONDS = 1_200

/**
 * Runs the load generator on its own core. `mark` is called when it begins to measure, and when it ends. Rejects with
 * ConnectionLost where no answer was wrong, but a connection broke.
 */
export const runLoad = (job: Job, mark?: () => void): Promise<Outcome> => {
  const [command, args] = onCore(LOAD_CORE, [join(import.meta.dirname, 'load', 'main.ts'), JSON.stringify(job)])
  const longest = 'seconds' in job.until ? job.until.seconds + SETTING_UP_SECONDS : LONGEST_COUNT_SECONDS
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: longest * 1000 })
  let out = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
    if (/^(?:begin|end)$/m.test(text)) mark?.()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      const why = signal === null ? errors.slice(0, 4000) : `it was not over after ${longest} seconds`
      const failed = `the flow ${job.flow} failed: ${why}`
      if (code === 0) resolve(JSON.parse(out.slice(out.lastIndexOf('\n') + 1)) as Outcome)
      else reject(code === connectionLostStatus ? new ConnectionLost(failed) : new Error(failed))
    })
  })
}
