import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import type { Fixture } from './fixture.ts'
import { ConnectionLost, connectionLostStatus } from './load/connection.ts'
import type { Job, Outcome } from './load/main.ts'
import type { Row } from './scenarios.ts'
import { LOAD_CORE, onCore, start, type Running } from './sides/start.ts'

export type RoundOptions = Pick<Job, 'lanes' | 'warmupCpuSeconds'> & { readonly seconds: number }

/** A turn is long beside a garbage collection, and short beside what else a shared machine does. */
const TURN_SECONDS = 0.5

/**
 * Every side started afresh and set up; then all take turns of half a second on the one core, first until they are warm, then until
 * each had its seconds. A minute in which the machine is slow is slow for all of them, and none waits for long while others are
 * warmed: in the code flow the first to be started, which did, was a sixth dearer.
 */
export const runRound = async (
  rows: readonly Row[],
  fixture: Fixture,
  { seconds, ...options }: RoundOptions,
): Promise<Outcome[]> => {
  const running: { readonly row: Row; readonly server: Running }[] = []
  try {
    for (const row of rows) if ('prepare' in row.side) running.push({ row, server: await start(row.side, fixture) })
    const turns = Math.max(1, Math.round(seconds / TURN_SECONDS))
    // Each process compiles for itself.
    const processes = Math.max(...rows.map(({ keeps }) => keeps?.cores ?? 1))
    const warmTurns = Math.ceil((options.warmupCpuSeconds * processes) / TURN_SECONDS)
    const loads: TurnLoad[] = []
    for (const { row, server } of running) {
      const { flow, lanes = options.lanes } = row
      const until = { seconds, turns, warmTurns }
      const load = runTurns({ warmupCpuSeconds: 0, flow, lanes, port: server.port, pid: server.pid, fixture, until })
      loads.push(load)
      await load.ready()
    }
    for (let turn = 1; turn <= warmTurns + turns; turn++) {
      for (const load of loads) {
        load.go()
        if (turn < warmTurns + turns) await load.ready()
        else await load.outcome
      }
    }
    const loaded = await Promise.all(loads.map(({ outcome }) => outcome))
    const outcomes: Outcome[] = []
    for (const row of rows) {
      const outcome = 'measure' in row.side ? await row.side.measure({ seconds, ...options }) : loaded.shift()
      if (outcome !== undefined) outcomes.push(outcome)
    }
    return outcomes
  } finally {
    for (const { server } of running) await server.stop()
  }
}

// A round that hangs fails alone, and the run goes on.
const SETTING_UP_SECONDS = 180
const LONGEST_COUNT_SECONDS = 1_200

/**
 * Runs the load generator on its own core. `mark` is called when it begins to measure, and when it ends. Rejects with
 * ConnectionLost where no answer was wrong, but a connection broke.
 */
export const runLoad = (job: Job, mark?: () => void): Promise<Outcome> =>
  spawnLoad(job, (text) => {
    if (/^(?:begin|end)$/m.test(text)) mark?.()
  }).outcome

/** A load that waits for its turns. */
type TurnLoad = {
  /** Resolves when it is warm, or its turn over; rejects as `outcome` does. */
  readonly ready: () => Promise<void>
  readonly go: () => void
  readonly outcome: Promise<Outcome>
}

const runTurns = (job: Job): TurnLoad => {
  let ready = Promise.withResolvers<void>()
  const { outcome, input } = spawnLoad(job, (text) => {
    if (/^ready$/m.test(text)) ready.resolve()
  })
  const failed = outcome.then(() => undefined)
  failed.catch(() => undefined)
  return {
    ready: () => Promise.race([ready.promise, failed]),
    go: () => {
      ready = Promise.withResolvers()
      input.write('\n')
    },
    outcome,
  }
}

const spawnLoad = (job: Job, said: (text: string) => void): { outcome: Promise<Outcome>; input: Writable } => {
  const [command, args] = onCore(LOAD_CORE, [join(import.meta.dirname, 'load', 'main.ts'), JSON.stringify(job)])
  const longest = 'seconds' in job.until ? job.until.seconds + SETTING_UP_SECONDS : LONGEST_COUNT_SECONDS
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: longest * 1000 })
  let out = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
    said(text)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      const why = signal === null ? errors.slice(0, 4000) : `it was not over after ${longest} seconds`
      const failed = `the flow ${job.flow} failed: ${why}`
      if (code === 0) resolve(JSON.parse(out.slice(out.lastIndexOf('\n') + 1)) as Outcome)
      else reject(code === connectionLostStatus ? new ConnectionLost(failed) : new Error(failed))
    })
  })
  return { outcome, input: child.stdin }
}
