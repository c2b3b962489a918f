import { makeFixture, type Fixture } from '../fixture.ts'
import type { FlowName } from '../load/flows/registry.ts'
import type { Outcome } from '../load/main.ts'
import { median } from '../report/statistics.ts'
import { runLoad } from '../run-round.ts'
import { gatehouseWithoutHashing } from '../sides/gatehouse.ts'
import type { Side } from '../sides/side.ts'
import { start } from '../sides/start.ts'
import { dynamodbEngine } from './dynamodb.ts'
import type { Counters, Engine, RawStore } from './engine.ts'
import { mariadbEngine } from './mariadb.ts'
import { publish } from './publish.ts'
import { printed, type Measured } from './printed.ts'
import { postgresEngine } from './postgres.ts'
import { sqliteEngine } from './sqlite.ts'

const engines = { sqlite: sqliteEngine, postgres: postgresEngine, mariadb: mariadbEngine, dynamodb: dynamodbEngine }
const flows = ['refresh', 'code-flow', 'introspect-opaque'] as const satisfies readonly FlowName[]
const concurrency = [1, 16, 64, 256]
/** Of a grant's record, as stored. */
const rowBytes = 900
const rawRows = 10_000
const mostRepeats = 3
const rawId = (row: number): string => `grant-${String((row * 7_919) % rawRows).padStart(32, '0')}`

export type StoresPlan = {
  readonly rounds: number
  readonly seconds: number
  readonly only: readonly string[]
  /** Whether STORES.md says what came of it. */
  readonly publishes: boolean
}

/**
 * `npm run bench -- stores`: the same flows on every store at four concurrencies, beside rows of a grant's size that are
 * written to that store by its bare driver, in commits as large as so many at once make them. Returns whether all could be measured.
 */
export async function benchStores({ rounds, seconds, only, publishes }: StoresPlan): Promise<boolean> {
  let complete = true
  const chosen = Object.entries(engines).filter(([name]) => only.length === 0 || only.includes(name))
  const sections = new Map<string, string>()
  for (const [name, open] of chosen) {
    let engine: Engine | undefined
    try {
      engine = await open()
      const { measured, missed } = await measureEngine(engine, { rounds, seconds })
      complete &&= missed.length === 0
      const without = missed.length === 0 ? '' : `\n\nNot measured, since it answered too late: ${missed.join(', ')}.`
      sections.set(name, `${engine.title}.\n\n${printed(measured)}${without}`)
    } catch (error) {
      complete = false
      console.error(error instanceof Error ? error.message : String(error))
    } finally {
      await engine?.stop()
    }
    console.log(`\n## ${name}\n\n${sections.get(name) ?? 'Not measured.'}`)
  }
  if (publishes) await publish(Object.keys(engines), sections)
  return complete
}

async function measureEngine(
  engine: Engine,
  { rounds, seconds }: Pick<StoresPlan, 'rounds' | 'seconds'>,
): Promise<{ readonly measured: readonly Measured[]; readonly missed: readonly string[] }> {
  const fixture = makeFixture()
  const server = await start(onEngine(engine), fixture)
  const measured: Measured[] = []
  const missed: string[] = []
  const raw = await engine.openRaw()
  try {
    // From here on every raw row is there, and is replaced.
    for (let row = 0; row < rawRows; row += 500)
      await raw.write(
        Array.from({ length: 500 }, (_, index) => rawId(row + index)),
        'x',
      )
    for (const lanes of engine.atOnce ?? concurrency) {
      const rawRounds: Measured[] = []
      for (let round = 0; round < rounds; round += 1) {
        console.error(`  ${engine.name}, ${lanes} at once, round ${round + 1}/${rounds}`)
        rawRounds.push(await measureRaw(engine, { raw, lanes, seconds }))
      }
      measured.push(middle(rawRounds))
      for (const flow of flows) {
        const mine: Measured[] = []
        for (let round = 0; round < rounds; round += 1) {
          const one = await untilAnswered(() => measureFlow(engine, { fixture, flow, lanes, seconds, server }))
          if (one !== undefined) mine.push(one)
        }
        if (mine.length > 0) measured.push(middle(mine))
        else missed.push(`${flow} by ${lanes} at once`)
      }
    }
  } finally {
    await raw.close()
    await server.stop()
  }
  return { measured, missed }
}

function onEngine(engine: Engine): Side {
  return {
    ...gatehouseWithoutHashing,
    prepare: (place) => {
      const { args, env } = gatehouseWithoutHashing.prepare(place)
      return { args, env: { ...env, ...engine.environment } }
    },
  }
}

async function measureFlow(
  engine: Engine,
  options: {
    readonly fixture: Fixture
    readonly flow: FlowName
    readonly lanes: number
    readonly seconds: number
    readonly server: { readonly pid: number; readonly port: number }
  },
): Promise<Measured> {
  const { fixture, flow, lanes, seconds, server } = options
  const seen: Promise<Counters>[] = []
  const { pid, port } = server
  const outcome: Outcome = await runLoad(
    { flow, port, pid, fixture, lanes, warmupCpuSeconds: 0.5, until: { seconds } },
    () => void seen.push(engine.counters(pid)),
  )
  const [before, after] = await Promise.all(seen)
  if (before === undefined || after === undefined) throw new Error('the load did not say when it began and ended')
  const per = perOne(before, after, outcome.flows)
  return {
    flow,
    lanes,
    rate: outcome.flows / outcome.seconds,
    per: { ...per, ourCpuMicroseconds: outcome.serverCpuMicroseconds / outcome.flows },
  }
}

/** A round in which a busy machine's store answered too late, so that somebody was told 503, measures that machine: it runs again, a few times. */
async function untilAnswered(round: () => Promise<Measured>): Promise<Measured | undefined> {
  for (let left = mostRepeats; ; left -= 1) {
    try {
      return await round()
    } catch (error) {
      if (!/^HTTP\/1\.1 503 /m.test(String(error))) throw error
      if (left === 0) return undefined
      console.error('    the store answered too late: once more')
    }
  }
}

async function measureRaw(
  engine: Engine,
  { raw, lanes, seconds }: { readonly raw: RawStore; readonly lanes: number; readonly seconds: number },
): Promise<Measured> {
  // Another each time: SQLite and MariaDB write nothing where a row stays what it was.
  const value = (): string => String(performance.now()).padEnd(rowBytes, 'x')
  const ids = (turn: number): readonly string[] =>
    Array.from({ length: lanes }, (_, lane) => rawId(turn * lanes + lane))
  const writeFor = async (millis: number): Promise<number> => {
    let turn = 0
    for (const until = performance.now() + millis; performance.now() < until; turn += 1)
      await raw.write(ids(turn), value())
    return turn * lanes
  }
  await writeFor(300)
  const before = await engine.counters(process.pid)
  const [cpu, began] = [process.cpuUsage(), performance.now()]
  const rows = await writeFor(seconds * 1_000)
  const took = (performance.now() - began) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  const per = perOne(before, await engine.counters(process.pid), rows)
  return { flow: 'raw rows', lanes, rate: rows / took, per: { ...per, ourCpuMicroseconds: (user + system) / rows } }
}

function perOne(before: Counters, after: Counters, count: number): Counters {
  const each = (name: keyof Counters): number => ((after[name] ?? 0) - (before[name] ?? 0)) / count
  return {
    cpuMicroseconds: each('cpuMicroseconds'),
    writtenBytes: each('writtenBytes'),
    fsyncs: each('fsyncs'),
    roundTrips: each('roundTrips'),
    ...(after.writeUnits !== undefined && { writeUnits: each('writeUnits'), readUnits: each('readUnits') }),
  }
}

/** The round whose CPU is the median. */
function middle(rounds: readonly Measured[]): Measured {
  const cost = ({ per }: Measured): number => per.ourCpuMicroseconds + per.cpuMicroseconds
  const wanted = median(rounds.map(cost))
  const [nearest] = rounds.toSorted((a, b) => Math.abs(cost(a) - wanted) - Math.abs(cost(b) - wanted))
  if (nearest === undefined) throw new Error('no round')
  return nearest
}
