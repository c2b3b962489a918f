import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createRandom } from '../../src/crypto/random.ts'
import { kinds } from '../../src/domain/fence.ts'
import type { Kind } from '../../src/domain/record.ts'
import { createFill, writeOf } from '../../src/store/fill.ts'
import { openSqliteStore } from '../../src/store/sqlite/open-sqlite-store.ts'
import type { OpenStore } from '../../src/store/port.ts'
import { freePort } from '../kit/free-port.ts'
import { startPostgres } from '../kit/postgres.ts'
import type { Release } from '../kit/release.ts'
import { openTestPostgres } from '../store/postgres-subject.ts'
import { createDice } from './ledger/dice.ts'
import { inspect } from './ledger/inspect.ts'
import { begin, load } from './ledger/life.ts'
import { program, serve, type ServerProcess } from './ledger/server-process.ts'
import { spread } from './ledger/spread.ts'
import { onStage } from './ledger/stage.ts'
import { inspectOpened, inspectStored } from './ledger/stored.ts'
import { openWire } from './ledger/wire.ts'
import { refreshAdminToken } from './ledger/world.ts'

export type Upgraded = {
  readonly violations: readonly string[]
  readonly acknowledged: number
  /** Requests that were answered with 503. */
  readonly unavailable: number
}

type Options = {
  readonly release: Release
  readonly seed: number
  readonly persons: number
  /** How long the load runs before and after each change. */
  readonly loadMillis: number
}

/**
 * FLT-26 on PostgreSQL: two nodes of the last release; under load one after the other is replaced by one of this tree, and then
 * replaced back. Whenever both run, everybody goes over to what the other one wrote.
 */
export async function rollingUpgrade({ release, seed, persons, loadMillis }: Options): Promise<Upgraded> {
  const postgres = await startPostgres()
  const address = postgres.address('ledger')
  const counted = new Map<string, number>()
  const stage = { environment: () => ({ GATEHOUSE_STORE: address }), persons, unavailable: 'unknown' as const }
  try {
    const violations = await onStage({ ...stage, program: release.program }, async ({ world, journal, place }) => {
      const host = `localhost:${place.port}`
      const environment = { ...place.environment, GATEHOUSE_ISSUER: world.issuer }
      const node = async (of: string): Promise<ServerProcess> =>
        serve({ ...place, port: await freePort(), environment, program: of })
      const nodes = [await node(release.program), await node(release.program)]
      const wire = spread(nodes.map(({ port }) => openWire(port, host)))
      world.wire = wire
      world.livesOn = true
      world.mixed = true
      const replacements = [program, release.program].flatMap((by) => nodes.map((_, index) => ({ index, by })))
      for (const [round, { index, by }] of replacements.entries()) {
        world.ended = false
        world.spawnedAt = Date.now()
        await refreshAdminToken(world)
        const loading = load(world, seed, round)
        await pause(loadMillis)
        wire.leave(index)
        const before = nodes[index]
        before?.kill('SIGTERM')
        if ((await before?.exited) !== 0) journal.violate('INV10', `a stop under load: ${before?.output()}`)
        const after = await node(by)
        nodes[index] = after
        wire.take(index, openWire(after.port, host))
        wire.turn()
        await pause(leaseAndLoad(loadMillis))
        world.ended = true
        await loading
        await inspect(world, createDice(seed, round))
        for (const one of nodes)
          if (!one.running()) journal.violate('INV10', `a node went away by itself: ${one.output()}`)
      }
      wire.close()
      for (const one of nodes) {
        one.kill('SIGTERM')
        await one.exited
      }
      const { admin } = await openTestPostgres(address)
      await inspectOpened(admin, world.books, journal)
      await admin.close()
      for (const [what, count] of journal.answers) counted.set(what, count)
    })
    return upgraded(violations, counted)
  } finally {
    await postgres.stop()
  }
}

/** Whoever changes nodes waits for the lease first. */
const leaseAndLoad = (loadMillis: number): number => 5_500 + loadMillis

/**
 * FLT-26 on SQLite, which takes one server at a time: the last release, this tree, and both again on records that carry a field
 * neither of them knows, as one that comes after them may write. Whoever rewrites a record keeps it.
 */
export async function upgradeAndBack({ release, seed, persons, loadMillis }: Options): Promise<Upgraded> {
  const counted = new Map<string, number>()
  const violations = await onStage({ persons, program: release.program }, async ({ world, journal, place }) => {
    const { dataDirectory } = place
    world.mixed = true
    let marked: ReadonlySet<string> = new Set()
    const lives = [release.program, program, release.program, program, release.program]
    for (const [round, of] of lives.entries()) {
      if (round === 2) marked = await onStore(dataDirectory, addFields)
      const server = await begin(world, { ...place, program: of })
      await inspect(world, createDice(seed, round))
      const loading = load(world, seed, round)
      await pause(loadMillis)
      world.ended = true
      await loading
      server.kill('SIGTERM')
      if ((await server.exited) !== 0) journal.violate('INV10', `a stop: ${server.output()}`)
      await inspectStored(dataDirectory, world.books, journal)
      if (round >= 2)
        for (const lost of await onStore(dataDirectory, (opened) => lostFields(opened, marked)))
          journal.violate('INV9', `round ${round} rewrote ${lost} without the field that it didn't know`)
    }
    for (const [what, count] of journal.answers) counted.set(what, count)
  })
  return upgraded(violations, counted)
}

const strange = { fromTomorrow: 'kept' } as const
/** Written once and bound by hashes: nobody rewrites them. A consent that is given anew is another one, in the same place. */
const others: ReadonlySet<Kind> = new Set(['event', 'chain', 'seal', 'bound', 'change', 'consent'])
const rewritten = kinds.filter((kind) => !others.has(kind))

/** Returns which records carry it now. */
async function addFields({ store, admin }: OpenStore): Promise<ReadonlySet<string>> {
  const fill = createFill(store)
  const random = createRandom()
  const found = []
  for await (const record of admin.scan(...rewritten)) found.push(record)
  for (const record of found) {
    const value = { ...record.value, ...strange }
    await fill.add(writeOf({ ...record, value, version: random.stamp() }, record.version))
  }
  await fill.end()
  return new Set(found.map(({ kind, id }) => `${kind} ${id}`))
}

async function lostFields({ admin }: OpenStore, marked: ReadonlySet<string>): Promise<readonly string[]> {
  const lost: string[] = []
  for await (const { kind, id, value } of admin.scan(...rewritten))
    // What stands for a deleted client holds nothing of it.
    if (marked.has(`${kind} ${id}`) && !('fromTomorrow' in value) && !('deletedAt' in value)) lost.push(`${kind} ${id}`)
  return lost
}

async function onStore<T>(dataDirectory: string, work: (opened: OpenStore) => Promise<T>): Promise<T> {
  const opened = await openSqliteStore({
    path: join(dataDirectory, 'gatehouse.db'),
    clock: { monotonic: () => performance.now() },
    random: createRandom(),
    onFatal: (reason) => {
      throw reason
    },
  })
  try {
    return await work(opened)
  } finally {
    await opened.admin.close()
  }
}

function upgraded(violations: readonly string[], counted: ReadonlyMap<string, number>): Upgraded {
  const sum = (end: string): number =>
    [...counted].filter(([what]) => what.endsWith(end)).reduce((total, [, count]) => total + count, 0)
  return { violations, acknowledged: sum(' done'), unavailable: sum(' unknown') }
}
