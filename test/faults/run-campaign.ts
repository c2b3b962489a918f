// npm run faults:kill -- [--rounds N] [--seed S] [--chunk N] [--publish]: the same as the test, for as long as one likes.
// faults:power-loss, faults:restart, faults:promotion and faults:vault take the same. With --publish each chunk becomes a row of RESULTS.md, and
// the same command run again goes on behind the last one, until the seed has N rounds.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { kill, printReport, runCampaign, type Report } from './ledger/campaign.ts'
import { restart, strikePair, strikePostgres } from './postgres.ts'
import { powerLoss } from './power-loss.ts'
import { commitHere, nextRound, publish, published } from './results.ts'
import { printStruck, type Struck } from './strike-store.ts'
import { crashInRefreshWindow, printCrashes } from './vault-crash.ts'

type Piece = { readonly rounds: number; readonly firstRound: number; readonly seed: number }
type Outcome = Pick<Report, 'answers' | 'violations' | 'readyMillis'>
type Campaign = {
  readonly fault: string
  readonly rounds: number
  readonly chunk: number
  readonly run: (piece: Piece) => Promise<{ readonly outcome: Outcome; readonly said: string }>
}

const onOwnFiles = async (piece: Piece, fault: 'kill' | 'power-loss'): ReturnType<Campaign['run']> => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-faults-'))
  try {
    const outcome = await runCampaign({
      ...piece,
      ...(fault === 'kill' ? { fault: kill, interruptedStarts: 0.05 } : { fault: powerLoss(folder) }),
    })
    return { outcome, said: printReport(outcome) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
const told = (what: string, { rounds }: Piece, outcome: Struck): { outcome: Outcome; said: string } => ({
  outcome,
  said: printStruck(what, rounds, outcome),
})

const campaigns: Readonly<Record<string, Campaign>> = {
  kill: {
    fault: 'FLT-01 kill -9, SQLite',
    rounds: 10_000,
    chunk: 250,
    run: (piece) => onOwnFiles(piece, 'kill'),
  },
  'power-loss': {
    fault: 'FLT-02 power loss, SQLite',
    rounds: 2_000,
    chunk: 250,
    run: (piece) => onOwnFiles(piece, 'power-loss'),
  },
  restart: {
    fault: 'FLT-09 PostgreSQL crashes, 3 nodes',
    rounds: 500,
    chunk: 20,
    run: async (piece) => told('FLT-09', piece, await strikePostgres({ ...piece, blow: restart, nodes: 3 })),
  },
  promotion: {
    fault: 'FLT-10 synchronous standby promoted, 3 nodes',
    rounds: 200,
    chunk: 10,
    run: async (piece) => told('FLT-10', piece, await strikePair({ ...piece, nodes: 3 })),
  },
  vault: {
    fault: 'FLT-29 kill -9 in a refresh, SQLite',
    rounds: 300,
    chunk: 50,
    run: async (piece) => {
      const outcome = await crashInRefreshWindow(piece)
      return { outcome, said: printCrashes(outcome) }
    },
  },
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    chunk: { type: 'string' },
    seed: { type: 'string', default: '1' },
    publish: { type: 'boolean', default: false },
  },
})
const campaign = campaigns[positionals[0] ?? '']
if (campaign === undefined) throw new Error(`name a fault: ${Object.keys(campaigns).join(', ')}`)
const rounds = Number(values.rounds ?? campaign.rounds)
const chunk = Number(values.chunk ?? campaign.chunk)
const seed = Number(values.seed)
if (![rounds, chunk, seed].every((count) => Number.isSafeInteger(count) && count > 0))
  throw new Error('--rounds, --chunk and --seed are whole numbers above 0')

const begun = values.publish ? nextRound(published(), { ...campaign, seed }) : 0
for (let firstRound = begun; firstRound < rounds; firstRound += chunk) {
  const piece = { rounds: Math.min(chunk, rounds - firstRound), firstRound, seed }
  // Before it: what is run is what stands here now.
  const commit = commitHere()
  const { outcome, said } = await campaign.run(piece)
  console.log(`${campaign.fault}, rounds ${firstRound} to ${firstRound + piece.rounds - 1} of ${rounds}\n${said}`)
  if (outcome.violations.length > 0) process.exitCode = 1
  if (!values.publish) continue
  const sum = (end: string): number =>
    [...outcome.answers].filter(([name]) => name.endsWith(end)).reduce((total, [, times]) => total + times, 0)
  await publish(
    {
      fault: campaign.fault,
      seed,
      from: firstRound,
      n: piece.rounds,
      violations: outcome.violations.length,
      acknowledged: sum(' done'),
      unknown: sum(' unknown'),
      readyMillis: Math.round(outcome.readyMillis.at(-1) ?? 0),
    },
    commit,
  )
}
