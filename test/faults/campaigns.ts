import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { backUpUnderLoad, printBackups } from './backups.ts'
import { damageFile, printDamage } from './damage.ts'
import { fillDisk } from './disk-full.ts'
import { kill, printReport, runCampaign, type Report } from './ledger/campaign.ts'
import { cutOften, restart, strikePair, strikePostgres } from './postgres.ts'
import { powerLoss } from './power-loss.ts'
import { presentRestored, printPresented } from './restore-replay.ts'
import { printStruck, type Struck } from './strike-store.ts'
import { crashInRefreshWindow, printCrashes } from './vault-crash.ts'

type Piece = { readonly rounds: number; readonly firstRound: number; readonly seed: number }
type Outcome = Pick<Report, 'answers' | 'violations' | 'readyMillis'> & {
  /** How many it were, where that isn't as many as were asked for. */
  readonly n?: number
}
type Campaign = {
  /** As it stands in RESULTS.md. */
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

export const campaigns: Readonly<Record<string, Campaign>> = {
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
  backup: {
    fault: 'FLT-32 backup under load and kills, restored, SQLite',
    rounds: 500,
    chunk: 25,
    run: async (piece) => {
      const outcome = await backUpUnderLoad(piece)
      return { outcome, said: printBackups(piece.rounds, outcome) }
    },
  },
  'disk-full': {
    fault: 'FLT-03 disk full, SQLite',
    rounds: 200,
    chunk: 20,
    run: async (piece) => told('FLT-03', piece, await fillDisk(piece)),
  },
  damage: {
    fault: 'FLT-07 file damaged in one place, SQLite',
    rounds: 1_000,
    chunk: 250,
    run: async (piece) => {
      const outcome = await damageFile(piece)
      return { outcome, said: printDamage(outcome) }
    },
  },
  cuts: {
    fault: 'FLT-12 answer to a COMMIT cut off, PostgreSQL',
    rounds: 5_000,
    chunk: 500,
    run: async (piece) => {
      const { cuts, ...struck } = await cutOften(piece)
      return { outcome: { ...struck, n: cuts }, said: printStruck('FLT-12', cuts, struck) }
    },
  },
  replay: {
    fault: 'FLT-33 presented after a restore, SQLite',
    rounds: 10_000,
    chunk: 10_000,
    run: async ({ rounds }) => {
      const outcome = await presentRestored(rounds)
      return { outcome, said: printPresented(outcome) }
    },
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
