import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { endAll, openJournal, type Journal } from './books.ts'
import { createDice, type Dice } from './dice.ts'
import { inspect } from './inspect.ts'
import { begin, load } from './life.ts'
import { prepare, worldOf, type Template } from './prepare.ts'
import { endServers, NotReady, program, serve, type ServerProcess } from './server-process.ts'
import { inspectStored } from './stored.ts'
import type { Wire } from './wire.ts'
import { asAdmin, type World } from './world.ts'

/** What a fault may reach beside the process itself. */
export type Blast = { readonly dataDirectory: string; readonly dice: Dice; readonly wire: Wire }

/** What ends each life of the server. */
export type Fault = {
  /** Whether answers may be lost by it. */
  readonly losesAnswers: boolean
  /** For every process of the run. */
  readonly environment?: Readonly<Record<string, string>>
  readonly beforeStart?: (dataDirectory: string) => void
  /** Resolves when the server is gone, and its files are what they will be at the next start. */
  readonly strike: (server: ServerProcess, blast: Blast) => Promise<void>
}

export const kill: Fault = {
  losesAnswers: true,
  strike: async (server) => {
    server.kill('SIGKILL')
    await server.exited
  },
}

export type CampaignOptions = {
  readonly rounds: number
  /** Which rounds of the seed: a long run is many short ones, none of which does what another did. */
  readonly firstRound?: number
  readonly seed: number
  readonly fault: Fault
  /** How long the load runs before the fault, in milliseconds, by the dice. */
  readonly untilFault?: (dice: Dice) => number
  readonly persons?: number
  /** How many faults one data directory sees before a fresh one. */
  readonly roundsPerDirectory?: number
  /** How often a start is killed before it is ready. */
  readonly interruptedStarts?: number
}

export type Report = {
  readonly rounds: number
  readonly seed: number
  readonly violations: readonly string[]
  readonly answers: ReadonlyMap<string, number>
  /** Milliseconds from spawn to ready after each fault, sorted. */
  readonly readyMillis: readonly number[]
  /** Everything that was noted, if something was violated. */
  readonly journalPath: string | undefined
}

/** 50 to 2,000 ms, as often below 316 as above. */
const usualLoadMillis = (dice: Dice): number => 50 * 40 ** dice.fraction()

/**
 * The ledger outside the blast: 64 clients load a real server, it is struck, started again on what is left, and asked about
 * everything that it had acknowledged; over and over on the same data. What is done is decided by the seed.
 */
export async function runCampaign(options: CampaignOptions): Promise<Report> {
  const { rounds, firstRound = 0, seed, fault, roundsPerDirectory = 50, untilFault = usualLoadMillis } = options
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-ledger-'))
  const journalPath = join(folder, 'journal.jsonl')
  const journal = openJournal(journalPath)
  const readyMillis: number[] = []
  try {
    fault.beforeStart?.(join(folder, 'template'))
    const template = await prepare(folder, journal, {
      ...(fault.environment && { environment: fault.environment }),
      ...(options.persons !== undefined && { persons: options.persons }),
    })
    for (let done = 0; done < rounds; done += roundsPerDirectory) {
      await runOnOneDirectory(template, Math.min(roundsPerDirectory, rounds - done), firstRound + done)
    }
  } finally {
    endServers()
    if (journal.violations.length === 0) rmSync(folder, { recursive: true, force: true })
    else journal.save()
  }
  const { violations, answers } = journal
  readyMillis.sort((a, b) => a - b)
  return {
    rounds,
    seed,
    violations,
    answers,
    readyMillis,
    journalPath: violations.length === 0 ? undefined : journalPath,
  }

  async function runOnOneDirectory(template: Template, lives: number, before: number): Promise<void> {
    const dataDirectory = join(folder, `data-${before}`)
    cpSync(template.dataDirectory, dataDirectory, { recursive: true })
    const place = { ...template, dataDirectory }
    const world = worldOf(template, journal, 'nothing')
    let looking: Promise<void> = Promise.resolve()
    for (let life = 0; life < lives; life += 1) {
      const round = before + life
      const dice = createDice(seed, round)
      fault.beforeStart?.(dataDirectory)
      if (life > 0 && dice.chance(options.interruptedStarts ?? 0)) await interruptStart(place, journal, dice)
      const server = await begin(world, place)
      if (life > 0) readyMillis.push(server.readyMillis)
      await looking
      await inspect(world, dice)
      const loading = load(world, seed, round)
      await pause(untilFault(dice))
      if (life === lives - 1) await endEverything(world, loading)
      if (!server.running()) journal.violate('INV10', `the server went away by itself: ${server.output()}`)
      world.faulted = fault.losesAnswers
      await fault.strike(server, { dataDirectory, dice, wire: world.wire })
      world.ended = true
      await loading
      looking = inspectStored(dataDirectory, world.books, journal)
      journal.note({ struck: round, readyMillis: server.readyMillis })
    }
    fault.beforeStart?.(dataDirectory)
    const server = await begin(world, place)
    await looking
    await inspect(world, createDice(seed, before, 'last'))
    await close(world, server, dataDirectory)
    if (journal.violations.length === 0) rmSync(dataDirectory, { recursive: true, force: true })
  }
}

/** Killed before it was ready: in the middle of recovery, perhaps. It may not give up by itself. */
async function interruptStart(place: Template, journal: Journal, dice: Dice): Promise<void> {
  try {
    const server = await serve({ ...place, patienceMillis: 600 * dice.fraction() })
    server.kill('SIGKILL')
    await server.exited
  } catch (error) {
    if (!(error instanceof NotReady)) throw error
    if (error.exit !== undefined) journal.violate('INV9', error.message)
  }
}

/** INV4 for everybody at once: acknowledged, and the fault follows on its heels. */
async function endEverything(world: World, loading: Promise<void>): Promise<void> {
  world.ended = true
  await loading
  const outcome = await asAdmin(world, 'revoke everything', '/api/v1/revoke-tokens', { method: 'POST' })
  if (outcome.is !== 'done') return
  world.adminToken = undefined
  for (const person of world.books.persons) {
    endAll(person, person.epoch)
    for (const token of person.own) token.dead = 'yes'
  }
}

/** The end of a data directory: stopped in peace, and read by the command line. */
async function close(world: World, server: ServerProcess, dataDirectory: string): Promise<void> {
  const { journal, books } = world
  world.wire.close()
  server.kill('SIGTERM')
  const exit = await server.exited
  if (exit !== 0) journal.violate('INV9', `the server ended with ${exit}: ${server.output()}`)
  await inspectStored(dataDirectory, books, journal)
  const verified = spawnSync(process.execPath, [program, 'store', 'verify', '--data', dataDirectory], {
    encoding: 'utf8',
  })
  if (verified.status !== 0) journal.violate('INV9', `gatehouse store verify: ${verified.stdout}${verified.stderr}`)
}

export function printReport({ rounds, seed, violations, answers, readyMillis, journalPath }: Report): string {
  const done = [...answers].filter(([what]) => what.endsWith(' done')).reduce((sum, [, count]) => sum + count, 0)
  const unknown = [...answers].filter(([what]) => what.endsWith(' unknown')).reduce((sum, [, count]) => sum + count, 0)
  const at = (part: number): number => Math.round(readyMillis[Math.floor((readyMillis.length - 1) * part)] ?? 0)
  return [
    `n = ${rounds}, seed = ${seed}, violations = ${violations.length}`,
    `${done} requests acknowledged, ${unknown} in flight at a fault; ready again in ${at(0.5)} ms (median), ${at(1)} ms (most)`,
    ...violations.slice(0, 20),
    ...(journalPath === undefined ? [] : [`journal and data: ${journalPath}`]),
  ].join('\n')
}
