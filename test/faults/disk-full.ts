import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { AccessToken } from './ledger/books.ts'
import { createDice } from './ledger/dice.ts'
import { inspect } from './ledger/inspect.ts'
import { load } from './ledger/life.ts'
import { onStage } from './ledger/stage.ts'
import { inspectStored } from './ledger/stored.ts'
import { clientCredentials, introspect } from './ledger/tokens.ts'
import { outcomeOf, type World } from './ledger/world.ts'
import type { Struck } from './strike-store.ts'

const diskMegabytes = 160
const healMillis = 5_000
/** Every so often the server is killed while the disk is full. */
const killEvery = 5

export type Filled = Struck & {
  /** Writes that were refused because of it. */
  readonly refused: number
}

/** No file system can be mounted here. */
export class NoDisk extends Error {}

/**
 * FLT-03: a file system of its own is filled under load, and freed again. `readyMillis`: from then until something was written,
 * each; longer than five seconds is a violation, and so is a disk that nobody found full. Throws NoDisk.
 */
export async function fillDisk(options: {
  readonly rounds: number
  readonly firstRound?: number
  readonly seed: number
}): Promise<Filled> {
  const { rounds, firstRound = 0, seed } = options
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-full-'))
  const disk = join(folder, 'template')
  mkdirSync(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMegabytes}m,mode=700`, 'tmpfs', disk], { stdio: 'pipe' })
  } catch (error) {
    rmSync(folder, { recursive: true })
    throw new NoDisk(`no file system can be mounted here: ${String(error)}`)
  }
  const answers = new Map<string, number>()
  const healing: number[] = []
  let refused = 0
  let violations: readonly string[] = []
  try {
    violations = await onStage({ folder }, async ({ start, world, journal }) => {
      let server = await start()
      for (let round = firstRound; round < firstRound + rounds; round += 1) {
        const probe = await probeToken(world)
        const loading = load(world, seed, round)
        await pause(200)
        const before = refusals(world)
        fill(join(disk, 'filler'))
        const deadline = performance.now() + 30_000
        while (refusals(world) === before && performance.now() < deadline) await pause(10)
        for (let look = 0; look < 5; look += 1) {
          await readsGoOn(world, probe)
          await pause(50)
        }
        world.ended = true
        await loading
        refused += refusals(world) - before
        if (refusals(world) === before) journal.violate('INV10', 'the disk never was full')
        if (!server.running()) journal.violate('INV10', `the server went away by itself: ${server.output()}`)
        if (round % killEvery === killEvery - 1) {
          server.kill('SIGKILL')
          await server.exited
          await inspectStored(disk, world.books, journal)
          rmSync(join(disk, 'filler'))
          server = await start()
        } else {
          rmSync(join(disk, 'filler'))
          world.ended = false
          const millis = await untilWritten(world)
          if (millis >= healMillis) journal.violate('INV10', `nothing was written for ${Math.round(millis)} ms after`)
          healing.push(millis)
        }
        await inspect(world, createDice('full', seed, round))
      }
      server.kill('SIGTERM')
      const exit = await server.exited
      if (exit !== 0) journal.violate('INV9', `the server ended with ${exit}: ${server.output()}`)
      await inspectStored(disk, world.books, journal)
      for (const [what, times] of journal.answers) answers.set(what, times)
    })
  } finally {
    // What was violated is looked into afterwards: the journal and the data lie on that disk.
    if (violations.length === 0) {
      execFileSync('umount', ['-l', disk])
      rmSync(folder, { recursive: true, force: true })
    }
  }
  return { violations, answers, readyMillis: healing.toSorted((a, b) => a - b), refused }
}

/** Write until not a byte more fits. */
function fill(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (const size of [1024 * 1024, 4096, 1]) while (writesAll(file, Buffer.alloc(size)));
  } finally {
    closeSync(file)
  }
}

function writesAll(file: number, bytes: Buffer): boolean {
  try {
    return writeSync(file, bytes) === bytes.length
  } catch {
    return false
  }
}

function refusals(world: World): number {
  return [...world.journal.answers]
    .filter(([what]) => what.endsWith(' nothing'))
    .reduce((sum, [, count]) => sum + count, 0)
}

async function probeToken(world: World): Promise<AccessToken> {
  const [person] = world.books.persons
  if (person === undefined) throw new Error('nobody is there')
  await clientCredentials(world, person)
  const token = person.own.pop()
  if (token === undefined) throw new Error('there is no token to look at')
  return token
}

async function readsGoOn(world: World, probe: AccessToken): Promise<void> {
  for (const path of ['/.well-known/jwks.json', '/.well-known/openid-configuration', '/readyz']) {
    const { is } = await outcomeOf(world, 'read', path)
    if (is !== 'done') world.journal.violate('INV10', `${path} is ${is} while the disk is full`)
  }
  if ((await introspect(world, probe, { username: 'the probe' })) !== true)
    world.journal.violate('INV10', 'a live token can’t be introspected while the disk is full')
}

/** How long it takes until something is written again. */
async function untilWritten(world: World): Promise<number> {
  const began = performance.now()
  for (;;) {
    const before = world.books.issued.size
    const [person] = world.books.persons
    if (person !== undefined) await clientCredentials(world, person)
    if (world.books.issued.size > before || performance.now() - began > 2 * healMillis) return performance.now() - began
    await pause(20)
  }
}
