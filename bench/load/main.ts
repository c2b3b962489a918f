import { createInterface } from 'node:readline/promises'
import type { Fixture } from '../fixture.ts'
import { usageOf } from '../measure/process.ts'
import { connect, ConnectionLost, connectionLostStatus, type Connection } from './connection.ts'
import { flows, type FlowName } from './flows/registry.ts'
import { makeGate } from './gate.ts'
import { openLane } from './lane.ts'
import { makeMeter } from './meter.ts'
import { discoverSite } from './site.ts'

/** What the parent asks for, as JSON in the first argument. */
export type Job = {
  readonly flow: FlowName
  readonly port: number
  /** The server's process, whose CPU time is read at the same instants as the clock. */
  readonly pid: number
  readonly lanes: number
  /** Warm until the server has used so much CPU time: on a busy machine seconds of the clock would leave it cold. */
  readonly warmupCpuSeconds: number
  /**
   * Stop after so many seconds, or after so many flows; seconds may be cut into turns, each of which a line on stdin begins, and the
   * first of which, as long as the others, may be for warming up alone.
   */
  readonly until:
    | { readonly seconds: number }
    | { readonly seconds: number; readonly turns: number; readonly warmTurns: number }
    | { readonly flows: number }
  readonly fixture: Fixture
}

/**
 * What goes back, as JSON in the last line on stdout, behind a line for each end of what is measured: `begin` and `end`, or `ready` when
 * it is warm and again after every turn. Latencies are per flow, in milliseconds.
 */
export type Outcome = {
  readonly requests: number
  readonly flows: number
  readonly seconds: number
  readonly p50: number
  readonly p99: number
  readonly serverCpuMicroseconds: number
  readonly serverRssBytes: number
}

const sleep = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

const LONGEST_WARMUP_SECONDS = 40

const warm = async ({ pid, warmupCpuSeconds }: Job): Promise<void> => {
  const until = usageOf(pid).cpuMicroseconds + warmupCpuSeconds * 1e6
  const giveUp = performance.now() + LONGEST_WARMUP_SECONDS * 1000
  while (usageOf(pid).cpuMicroseconds < until && performance.now() < giveUp) await sleep(0.05)
}

const run = async (job: Job): Promise<Outcome> => {
  const site = await discoverSite(job.port)
  const meter = makeMeter()
  const prepared: { connection: Connection; repeat: () => Promise<void> }[] = []
  // One after the other: sign-ins all at once would meet the limit on attempts for one account.
  for (let number = 0; number < job.lanes; number++) {
    const connection = await connect('127.0.0.1', job.port)
    const repeat = await flows[job.flow](openLane(number, connection, meter, site, job.fixture))
    prepared.push({ connection, repeat })
  }
  const gate = makeGate(prepared.length)
  const failed = Promise.withResolvers<never>()
  for (const { repeat } of prepared) {
    const lane = async (): Promise<void> => {
      while (await gate.passed()) {
        const began = performance.now()
        await repeat()
        meter.countFlow(performance.now() - began)
      }
    }
    lane().catch(failed.reject)
  }
  const used = { seconds: 0, cpuMicroseconds: 0 }
  const count = async (enough: () => Promise<void>): Promise<void> => {
    const before = usageOf(job.pid)
    const began = performance.now()
    meter.start()
    await enough()
    meter.pause()
    used.cpuMicroseconds += usageOf(job.pid).cpuMicroseconds - before.cpuMicroseconds
    used.seconds += (performance.now() - began) / 1000
  }
  const measure = async (): Promise<Outcome> => {
    await warm(job)
    const { until } = job
    if ('turns' in until) {
      const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
      for (let turn = 0; turn < until.warmTurns + until.turns; turn++) {
        await gate.close()
        process.stdout.write('ready\n')
        await lines.next()
        // What was asked for is answered within the turn, and counted: the gate opens and closes inside.
        const length = until.seconds / until.turns
        const load = async (): Promise<void> => {
          gate.open()
          await sleep(length)
          await gate.close()
        }
        await (turn < until.warmTurns ? load() : count(load))
      }
    } else {
      process.stdout.write('begin\n')
      await count(async () => {
        if ('seconds' in until) await sleep(until.seconds)
        else while (meter.flows() < until.flows) await sleep(0.01)
      })
      process.stdout.write('end\n')
    }
    const { cpuMicroseconds, seconds } = used
    const { rssBytes } = usageOf(job.pid)
    await gate.end()
    return { ...meter.read(), seconds, serverCpuMicroseconds: cpuMicroseconds, serverRssBytes: rssBytes }
  }
  const outcome = await Promise.race([measure(), failed.promise])
  for (const { connection } of prepared) connection.close()
  return outcome
}

const job = JSON.parse(process.argv[2] ?? 'null') as Job
try {
  process.stdout.write(JSON.stringify(await run(job)))
} catch (error) {
  process.stderr.write(error instanceof Error ? error.message : String(error))
  process.exit(error instanceof ConnectionLost ? connectionLostStatus : 1)
}
process.exit(0)
