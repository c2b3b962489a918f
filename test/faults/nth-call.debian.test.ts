import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createDice } from './ledger/dice.ts'
import { inspect } from './ledger/inspect.ts'
import { NotReady, type ServerProcess } from './ledger/server-process.ts'
import { onStage, type Stage } from './ledger/stage.ts'
import { inspectStored } from './ledger/stored.ts'
import { refreshAdminToken } from './ledger/world.ts'
import { script, type Act } from './script.ts'
import { calls, faultyDisk, type Breakage, type FaultyDisk } from './shim/fault-control.ts'

/** No operation makes as many calls: who comes here is in a loop. */
const mostCalls = 300

const breakages: readonly (readonly [name: string, breakage: Breakage])[] = [
  ['a write that fails once', { calls: calls.write, error: 'EIO' }],
  ['writing that fails from then on', { calls: calls.write, error: 'EIO', persistent: true }],
  ['a disk that is full from then on', { calls: calls.write, error: 'ENOSPC', persistent: true }],
  ['a write of which half is done', { calls: calls.write, error: 'short' }],
  [
    'a write of which half is done, on a disk that then is full',
    { calls: calls.write, error: 'short', persistent: true },
  ],
  ['reading, cutting or opening that fails once', { calls: calls.read | calls.truncate | calls.open, error: 'EIO' }],
]

describe('FLT-04: the n-th call on the store’s files fails, for every n until one of each operation passes', () => {
  test.each(breakages)('%s: a clean no, or done; nothing half', { timeout: 1_800_000 }, async (name, breakage) => {
    let struck = 0
    const violations = await onDisk(async (stage, disk) => {
      for (const act of script) {
        // A new life for each, so that no checkpoint of the log comes in between and fails instead.
        const server = await stage.start()
        struck += await strikeEachCall(stage, disk, { act, breakage, server })
        await end(stage, server)
      }
      await inspectAnew(stage)
    })
    console.log(`FLT-04: ${name}: ${struck} operations struck, ${violations.length} violations`)
    expect(violations).toEqual([])
    if ((breakage.calls & calls.write) !== 0) expect(struck).toBeGreaterThan(100)
  })

  test(
    'FLT-05: an fsync that fails: no further answer is a yes, and the process ends in failure',
    { timeout: 1_800_000 },
    async () => {
      let ended = 0
      const violations = await onDisk(async (stage, disk) => {
        for (const act of script) {
          const server = await stage.start()
          await inspectHere(stage)
          await runBefore(stage, act)
          stage.world.faulted = true
          disk.arm({ calls: calls.sync, error: 'EIO' }, 1)
          await runAct({ ...stage, world: { ...stage.world, unavailable: 'unknown' } }, act)
          expect(await exitOf(server), act.name).toBe(1)
          expect(server.output()).toMatch(/can't be written any more/)
          expect(disk.disarm()).toBe(1)
          ended += 1
          await inspectStored(stage.place.dataDirectory, stage.world.books, stage.journal)
        }
        await inspectAnew(stage)
      })
      console.log(`FLT-05: ${ended} failed syncs, ${violations.length} violations`)
      expect(violations).toEqual([])
    },
  )

  test.each([
    ['write', { calls: calls.write, error: 'EIO' }],
    ['read, cut or open', { calls: calls.read | calls.truncate | calls.open, error: 'EIO' }],
    ['sync', { calls: calls.sync, error: 'EIO' }],
  ] as const)(
    'during the start, %s: it starts, or ends in one line that says why',
    { timeout: 1_800_000 },
    async (name, breakage) => {
      let refused = 0
      let lost = 0
      let struck = 0
      const violations = await onDisk(async (stage, disk) => {
        // A log to recover from is read in hundreds of calls that are all alike, so reading fails where there is none.
        const signal = (breakage.calls & calls.read) === 0 ? 'SIGKILL' : 'SIGTERM'
        await inspectAnew(stage, signal)
        for (let n = 1; ; n += 1) {
          expect(n).toBeLessThan(mostCalls)
          disk.arm(breakage, n)
          const started = await stage.serve().catch((error: unknown) => error)
          const failed = disk.disarm()
          if (started instanceof NotReady) {
            refused += 1
            expect(started.exit, started.message).toBe(1)
            expect(started.message).toMatch(/gatehouse: .+/)
            expect(started.message).not.toMatch(/^ +at /m)
          } else if (started instanceof Error) throw started
          else if (!(await isWritable(stage, started as ServerProcess))) lost += 1
          else {
            await inspectHere(stage)
            await end(stage, started as ServerProcess, signal)
          }
          if (failed === 0) break
          struck += 1
        }
        await inspectAnew(stage)
      })
      console.log(
        `FLT-04: at the start, ${name}: ${struck} starts struck, ${refused} refused, ${lost} ended later, ${violations.length} violations`,
      )
      expect(violations).toEqual([])
    },
  )
})

function onDisk(play: (stage: Stage, disk: FaultyDisk) => Promise<void>): Promise<readonly string[]> {
  let disk: FaultyDisk | undefined
  const environment = (folder: string): FaultyDisk['environment'] => (disk = faultyDisk(folder)).environment
  return onStage({ persons: 1, environment }, async (stage) => {
    if (disk !== undefined) await play(stage, disk)
  })
}

/** The same operation with its first call failing, its second, and so on until none is left to fail. Returns how often one did. */
async function strikeEachCall(
  stage: Stage,
  disk: FaultyDisk,
  { act, breakage, server }: { readonly act: Act; readonly breakage: Breakage; readonly server: ServerProcess },
): Promise<number> {
  for (let n = 1; n < mostCalls; n += 1) {
    await runBefore(stage, act)
    disk.arm(breakage, n)
    await runAct(stage, act)
    const failed = disk.disarm()
    expect(server.running(), `${act.name}, call ${n}: ${server.output()}`).toBe(true)
    await inspectHere(stage)
    if (failed === 0) return n - 1
  }
  throw new Error(`${act.name} never passes`)
}

async function runBefore({ world }: Stage, { before }: Act): Promise<void> {
  for (const person of world.books.persons) await before?.(world, person, createDice('before'))
}

async function runAct({ world }: Pick<Stage, 'world'>, { name, act }: Act): Promise<void> {
  for (const person of world.books.persons) await act(world, person, createDice(name, world.books.counter))
}

/**
 * Ready is no promise: the call that failed may have been the last of the start. A sync that failed ends the process before its
 * first yes (FLT-05); whatever else failed is over within five seconds (FLT-03).
 */
async function isWritable({ world }: Stage, server: ServerProcess): Promise<boolean> {
  world.faulted = true
  world.adminToken = undefined
  const until = performance.now() + 5_000
  try {
    for (;;) {
      try {
        await refreshAdminToken(world)
        return true
      } catch (error) {
        if (!world.ended && performance.now() < until) await pause(100)
        else if ((await exitOf(server)) === 'still running') throw error
        else break
      }
    }
    expect(await server.exited).toBe(1)
    expect(server.output()).toMatch(/can't be written any more/)
    return false
  } finally {
    world.faulted = false
    world.ended = false
  }
}

function inspectHere({ world }: Stage): Promise<void> {
  return inspect(world, createDice('inspect', world.books.counter))
}

async function end(
  { world, journal, place }: Stage,
  server: ServerProcess,
  signal: NodeJS.Signals = 'SIGKILL',
): Promise<void> {
  world.wire.close()
  server.kill(signal)
  await server.exited
  await inspectStored(place.dataDirectory, world.books, journal)
}

async function inspectAnew(stage: Stage, signal?: NodeJS.Signals): Promise<void> {
  const server = await stage.start()
  await inspectHere(stage)
  await end(stage, server, signal)
}

async function exitOf(server: ServerProcess): Promise<number | string> {
  const late = new Promise<string>((resolve) => setTimeout(() => resolve('still running'), 10_000).unref())
  return Promise.race([server.exited, late])
}
