import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from '../kit/free-port.ts'
import type { Books, Journal } from './ledger/books.ts'
import { createDice } from './ledger/dice.ts'
import { createFacts, type Facts } from './ledger/facts.ts'
import { inspect } from './ledger/inspect.ts'
import { inspectPairs, keptIn } from './ledger/kept.ts'
import { load } from './ledger/life.ts'
import type { Template } from './ledger/prepare.ts'
import { program, serve } from './ledger/server-process.ts'
import { onStage } from './ledger/stage.ts'
import { inspectOpened, lookInto } from './ledger/stored.ts'
import { openWire } from './ledger/wire.ts'
import type { World } from './ledger/world.ts'
import { inspectFenced } from './restored.ts'
import { printStruck, type Struck } from './strike-store.ts'

export type BackedUp = Struck & {
  /** Of the server, while it was backed up. */
  readonly kills: number
  /** Codes and tokens of before that a restored server was shown. */
  readonly presented: number
}

/**
 * FLT-32: `gatehouse store backup` beside a server under load, at a moment that the dice choose; about every third time the server
 * is killed meanwhile. Each backup is restored into an empty folder, and must be sound, as of one commit, no older than its own
 * beginning, fenced, and good to serve. `readyMillis`: from the beginning of the restore until the restored server was ready.
 */
export async function backUpUnderLoad(options: {
  readonly rounds: number
  readonly firstRound?: number
  readonly seed: number
  readonly persons?: number
}): Promise<BackedUp> {
  const { rounds, firstRound = 0, seed, persons } = options
  const answers = new Map<string, number>()
  const readyMillis: number[] = []
  let [kills, presented] = [0, 0]
  const violations = await onStage(persons === undefined ? {} : { persons }, async (stage) => {
    const { folder, world, journal, place } = stage
    const facts = createFacts()
    const start: typeof stage.start = async () => {
      const server = await stage.start()
      world.wire = facts.watch(world.wire)
      return server
    }
    let server = await start()
    for (let round = firstRound; round < firstRound + rounds; round += 1) {
      const dice = createDice('backup', seed, round)
      world.ended = false
      const loading = load(world, seed, round)
      await pause(50 * 40 ** dice.fraction())
      const before = structuredClone(world.books)
      const begunAt = performance.now()
      const file = join(folder, `backup-${round}`)
      const backingUp = gatehouse(place, ['store', 'backup', file, '--data', place.dataDirectory], journal)
      if (dice.chance(0.3)) {
        await pause(1_500 * dice.fraction())
        world.faulted = true
        server.kill('SIGKILL')
        await server.exited
        kills += 1
      }
      const made = await backingUp
      world.ended = true
      await loading
      journal.note({ backup: round, millis: Math.round(performance.now() - begunAt), killed: !server.running() })
      if (made) {
        const inspected = await inspectBackup({ world, place, journal, facts, before, begunAt, file, seed, round })
        readyMillis.push(inspected.millis)
        presented += inspected.presented
      }
      if (world.faulted) server = await start()
      if (!server.running()) journal.violate('INV9', `the server went away by itself: ${server.output()}`)
      await inspect(world, dice)
    }
    server.kill('SIGTERM')
    await server.exited
    for (const [what, times] of journal.answers) answers.set(what, times)
  })
  return { violations, answers, readyMillis: readyMillis.toSorted((a, b) => a - b), kills, presented }
}

type Backup = {
  readonly world: World
  readonly place: Template
  readonly journal: Journal
  readonly facts: Facts
  /** The books when it began, at `begunAt` by `performance.now`. */
  readonly before: Books
  readonly begunAt: number
  readonly file: string
  readonly seed: number
  readonly round: number
}

/** Restore it, look at what came of it, serve it and ask it. `millis`: of restore and start. */
async function inspectBackup(backup: Backup): Promise<{ readonly millis: number; readonly presented: number }> {
  const { world, place, journal, facts, before, begunAt, file, seed, round } = backup
  const found = journal.violations.length
  const dataDirectory = `${file}-restored`
  mkdirSync(dataDirectory, { mode: 0o700 })
  copyFileSync(join(place.dataDirectory, 'gatehouse.key'), join(dataDirectory, 'gatehouse.key'))
  const restoring = performance.now()
  if (!(await gatehouse(place, ['store', 'restore', file, '--data', dataDirectory], journal)))
    return { millis: 0, presented: 0 }
  const restoreMillis = performance.now() - restoring
  await lookInto(dataDirectory, journal, async (admin) => {
    // What `store verify` does, and more.
    await inspectOpened(admin, world.books, journal, before.issued)
    const kept = await keptIn(admin)
    inspectPairs(kept, journal)
    facts.inspectCopy(kept, begunAt, journal)
    if (kept.codes < before.codes)
      journal.violate(
        'INV10',
        `the copy knows ${kept.codes} codes of the ${before.codes} that had come before it began`,
      )
  })
  const environment = { ...place.environment, GATEHOUSE_ISSUER: world.issuer }
  const server = await serve({ ...place, dataDirectory, port: await freePort(), environment })
  const there: World = {
    ...world,
    books: before,
    wire: openWire(server.port, new URL(world.issuer).host),
    spawnedAt: server.spawnedAt,
    adminToken: undefined,
    faulted: false,
    ended: false,
  }
  const presented = await inspectFenced(there, world.books, createDice('restored', seed, round))
  there.wire.close()
  server.kill('SIGTERM')
  const exit = await server.exited
  if (exit !== 0) journal.violate('INV9', `the restored server ended with ${exit}: ${server.output()}`)
  if (journal.violations.length === found) for (const path of [file, dataDirectory]) rmSync(path, { recursive: true })
  return { millis: restoreMillis + server.readyMillis, presented }
}

/** A command in a process of its own. Whether it succeeded; if it didn't, that is a violation. */
async function gatehouse(place: Template, args: readonly string[], journal: Journal): Promise<boolean> {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', ...place.environment },
  })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const exit = await new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown')),
  )
  if (exit !== 0) journal.violate('INV9', `gatehouse ${args.join(' ')} ended with ${exit}: ${said}`)
  return exit === 0
}

export function printBackups(count: number, backedUp: BackedUp): string {
  return `${printStruck('FLT-32', count, backedUp)}\nthe server was killed during ${backedUp.kills} of them; restored servers were shown ${backedUp.presented} codes and tokens of before`
}
