import type { Fixture } from '../fixture.ts'
import { usageOf } from '../measure/process.ts'
import { connect, ConnectionLost, connectionLostStatus, type Connection } from './connection.ts'
import { flows, type FlowName } from './flows/registry.ts'
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
  /** Stop after so many seconds, or after so many flows. */
  readonly until: { readonly seconds: number } | { readonly flows: number }
  readonly fixture: Fixture
}

/** What goes back, as JSON in the last line on stdout, behind a line for each end of what is measured. Latencies are per flow, in milliseconds. */
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

const LONGEST_WARMUP_SECONDS = 10

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
  const stopping = new AbortController()
  const failed = Promise.withResolvers<never>()
  const running = prepared.map(async ({ repeat }) => {
    while (!stopping.signal.aborted) {
      const began = performance.now()
      await repeat()
      meter.countFlow(performance.now() - began)
    }
  })
  for (const lane of running) lane.catch(failed.reject)
  const measure = async (): Promise<Outcome> => {
    await warm(job)
    const before = usageOf(job.pid)
    const began = performance.now()
    meter.start()
    process.stdout.write('begin\n')
    if ('seconds' in job.until) await sleep(job.until.seconds)
    else while (meter.flows() < job.until.flows) await sleep(0.01)
    const measured = meter.stop()
    process.stdout.write('end\n')
    const after = usageOf(job.pid)
    const seconds = (performance.now() - began) / 1000
    stopping.abort()
    await Promise.all(running)
    return {
      ...measured,
      seconds,
      serverCpuMicroseconds: after.cpuMicroseconds - before.cpuMicroseconds,
      serverRssBytes: after.rssBytes,
    }
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
