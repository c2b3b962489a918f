import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { AccessToken } from './ledger/books.ts'
import { createDice } from './ledger/dice.ts'
import { inspect } from './ledger/inspect.ts'
import { load } from './ledger/life.ts'
import { onStage } from './ledger/stage.ts'
import { inspectStored } from './ledger/stored.ts'
import { clientCredentials, introspect } from './ledger/tokens.ts'
import { outcomeOf, type World } from './ledger/world.ts'

const rounds = 20
const diskMegabytes = 160
const healMillis = 5_000
/** Every so often the server is killed while the disk is full. */
const killEvery = 5

test(`FLT-03: the disk fills up ${rounds} times; writes are refused, reads go on, and it heals by itself`, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-full-'))
  const disk = join(folder, 'template')
  mkdirSync(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMegabytes}m,mode=700`, 'tmpfs', disk], { stdio: 'pipe' })
  } catch (error) {
    rmSync(folder, { recursive: true })
    return context.skip(`no file system can be mounted here: ${String(error)}`)
  }
  let longestHealing = 0
  let refused = 0
  try {
    const violations = await onStage({ folder }, async ({ start, world, journal }) => {
      let server = await start()
      for (let round = 0; round < rounds; round += 1) {
        const probe = await probeToken(world)
        const loading = load(world, 3, round)
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
        expect(refusals(world), 'the disk never was full').toBeGreaterThan(before)
        expect(server.running(), server.output()).toBe(true)
        if (round % killEvery === killEvery - 1) {
          server.kill('SIGKILL')
          await server.exited
          await inspectStored(disk, world.books, journal)
          rmSync(join(disk, 'filler'))
          server = await start()
        } else {
          rmSync(join(disk, 'filler'))
          world.ended = false
          longestHealing = Math.max(longestHealing, await untilWritten(world))
        }
        await inspect(world, createDice('full', round))
      }
      server.kill('SIGTERM')
      expect(await server.exited).toBe(0)
      await inspectStored(disk, world.books, journal)
    })
    console.log(
      `FLT-03: n = ${rounds}, seed = 3, ${refused} writes refused, longest healing ${Math.round(longestHealing)} ms, ${violations.length} violations`,
    )
    expect(violations).toEqual([])
    expect(longestHealing).toBeLessThan(healMillis)
  } finally {
    execFileSync('umount', ['-l', disk])
    rmSync(folder, { recursive: true, force: true })
  }
})

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
