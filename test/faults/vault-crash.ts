import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { createTestClock, startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import {
  connectDirectly,
  etsyProvider,
  eventsOf,
  fetchAsTimeGoesOn,
  keptTokens,
  storedConnection,
} from '../vault/house.ts'
import { createDice, type Dice } from './ledger/dice.ts'

export type CrashReport = {
  /** Kills that found at least one refresh between the provider's answer and our commit: the rounds. */
  readonly struck: number
  readonly kills: number
  /** Refreshes whose answer the provider gave, and whose outcome the dead process never stored. One kill strikes several. */
  readonly inWindow: number
  /** Of these: the provider took the old refresh token once more; the connection says `needs_reauth`. */
  readonly recovered: number
  readonly broken: number
  readonly violations: readonly string[]
  /** What the provider answered: stored by the process that asked, or in the window. */
  readonly answers: ReadonlyMap<string, number>
  /** How long each process took to open the store that a kill had left, the slowest last. */
  readonly readyMillis: readonly number[]
}

type Counts = { inWindow: number; recovered: number; broken: number; violations: string[] }

const program = fileURLToPath(new URL('vault-refresh.ts', import.meta.url))
const connections = 8
/** Longer than a token lives. */
const step = 4_000

/**
 * FLT-29: kill -9 between the provider's answer and our commit, until `rounds` kills have struck a refresh there. After each kill a
 * new process looks at every connection, and INV6 must hold: the newest refresh token of the provider is kept, or the connection
 * says `needs_reauth` and an event says when. Every other kill the provider gives a grace.
 */
export async function crashInRefreshWindow(piece: {
  readonly rounds: number
  readonly firstRound: number
  readonly seed: number
}): Promise<CrashReport> {
  const { rounds, firstRound, seed } = piece
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-vault-'))
  const path = join(folder, 'gatehouse.db')
  const etsy = await startEtsy()
  const counts: Counts = { inWindow: 0, recovered: 0, broken: 0, violations: [] }
  let [struck, kills, rotated] = [0, 0, 0]
  const readyMillis: number[] = []
  const clock = createTestClock()
  let ids: string[] = []
  let dice = createDice('vault', seed, firstRound)
  try {
    for (;;) {
      const began = performance.now()
      const server = await startGatehouse({
        clock,
        store: { adapter: 'sqlite', path },
        config: { providers: [etsyProvider(etsy)] },
      })
      if (kills > 0) readyMillis.push(performance.now() - began)
      const before = counts.inWindow
      ids = await examine(server, etsy, ids, counts)
      await server.close()
      if (counts.inWindow > before) {
        struck += 1
        dice = createDice('vault', seed, firstRound + struck)
      }
      if (struck >= rounds) break
      etsy.grace = kills % 2 === 1
      clock.advance(step)
      const ahead = clock.seconds() - Math.floor(Date.now() / 1000)
      const args = [path, etsy.url, etsy.keystring, etsy.sharedSecret, String(ahead), ...ids]
      rotated += await killWhileRefreshing(etsy, args, dice)
      kills += 1
      clock.advance(step)
    }
  } finally {
    await etsy.close()
    rmSync(folder, { recursive: true, force: true })
  }
  readyMillis.sort((a, b) => a - b)
  const answers = new Map([
    ['refresh done', rotated - counts.inWindow],
    ['refresh unknown', counts.inWindow],
  ])
  return { ...counts, struck, kills, answers, readyMillis }
}

export function printCrashes({ struck, kills, inWindow, recovered, broken, violations }: CrashReport): string {
  return [
    `FLT-29: ${struck} of ${kills} kills struck in the window, ${inWindow} refreshes: ${recovered} recovered, ${broken} say needs_reauth; ${violations.length} violations`,
    ...violations,
  ].join('\n')
}

/** What became of each connection; those that broke are made anew. */
async function examine(server: TestGatehouse, etsy: Etsy, ids: readonly string[], report: Counts): Promise<string[]> {
  const kept: string[] = []
  for (const id of ids) {
    const before = await storedConnection(server, id)
    const wasUnderWay = before.intent !== undefined
    // What was never asked is neither here nor there.
    const hadUsed = wasUnderWay && !(await isNewest(server, etsy, id))
    const fresh = await fetchAsTimeGoesOn(server, id)
    if (hadUsed) report.inWindow += 1
    if (fresh.outcome === 'token') {
      if (hadUsed) report.recovered += 1
      if (!(await isNewest(server, etsy, id))) report.violations.push(`${id}: keeps a refresh token that is dead`)
      kept.push(id)
    } else if (fresh.outcome === 'needs_reauth') {
      if (hadUsed) report.broken += 1
      else report.violations.push(`${id}: needs its person, though nothing was lost`)
      if (etsy.grace) report.violations.push(`${id}: was given up within the provider's grace`)
      const events = await eventsOf(server, id)
      if (!events.includes('connection.broken')) report.violations.push(`${id}: broke in silence`)
    } else report.violations.push(`${id}: ${fresh.outcome}`)
  }
  while (kept.length < connections) kept.push(await connectDirectly(server, etsyProvider(etsy)))
  return kept
}

/** Whether nothing newer was issued for the refresh token that is kept. */
async function isNewest(server: TestGatehouse, etsy: Etsy, id: string): Promise<boolean> {
  return etsy.isNewest((await keptTokens(server, id)).refresh ?? '')
}

/** Starts the process and kills it a moment after the provider has used up the first refresh token; how many it used up by then. */
async function killWhileRefreshing(etsy: Etsy, args: readonly string[], dice: Dice): Promise<number> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let rotated = 0
  etsy.onRotated = () => {
    rotated += 1
    if (rotated > 1) return
    // From before the answer leaves to after the commits.
    const millis = dice.fraction() * 12
    if (millis < 2) child.kill('SIGKILL')
    else setTimeout(() => child.kill('SIGKILL'), millis)
  }
  await ended
  etsy.onRotated = () => undefined
  if (rotated === 0) throw new Error('the process ended before it asked the provider')
  return rotated
}
