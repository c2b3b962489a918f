import { setTimeout as pause } from 'node:timers/promises'
import { createRandom } from '../../src/crypto/random.ts'
import { openStore } from '../../src/store/open.ts'
import { freePort } from '../kit/free-port.ts'
import { createDice, type Dice } from './ledger/dice.ts'
import { inspect } from './ledger/inspect.ts'
import { load } from './ledger/life.ts'
import { serve, type ServerProcess } from './ledger/server-process.ts'
import { spread } from './ledger/spread.ts'
import { onStage } from './ledger/stage.ts'
import { inspectOpened } from './ledger/stored.ts'
import { openWire } from './ledger/wire.ts'

export type Struck = {
  readonly violations: readonly string[]
  readonly answers: ReadonlyMap<string, number>
  /** From the end of each blow until every node was ready, sorted. */
  readonly readyMillis: readonly number[]
}

/** What a blow may reach: the dice, and the nodes, one of which it may kill. */
export type Reach = { readonly dice: Dice; readonly kill: (node: number) => Promise<void>; readonly nodes: number }

export type StrikeOptions = {
  readonly rounds: number
  /** Which rounds of the seed, as in a campaign. */
  readonly firstRound?: number
  readonly seed: number
  /** Of the store, as the nodes are told it, and as it is looked at in the end. */
  readonly address: string
  readonly addressNow?: () => string
  readonly blow: (reach: Reach) => Promise<void>
  readonly persons?: number
  /** How many servers share the store; everybody keeps to one of them, and goes over to another one every now and then. */
  readonly nodes?: number
  /** After everybody was asked, before the next blow. */
  readonly mend?: () => Promise<void>
}

/** As often everybody goes over to another node before he is asked, which takes as long as a lease. */
const roundsPerTurn = 4

/**
 * The ledger on a store that several servers share: they are loaded by everybody, the store or one of them is struck again and
 * again, and after each time the servers and the store are asked about everything that was acknowledged.
 */
export async function strikeStore(options: StrikeOptions): Promise<Struck> {
  const { rounds, firstRound = 0, seed, persons = 32, nodes: count = 1 } = options
  const answers = new Map<string, number>()
  const readyMillis: number[] = []
  const environment = (): Record<string, string> => ({ GATEHOUSE_STORE: options.address })
  // The connection may end between a COMMIT and its answer, and again when the server looks what became of it.
  const violations = await onStage(
    { environment, persons, unavailable: 'unknown' },
    async ({ world, journal, place, start }) => {
      const servers: ServerProcess[] = [await start()]
      const host = new URL(world.issuer).host
      const environmentOf = { ...place.environment, GATEHOUSE_ISSUER: world.issuer }
      const join = async (node: number): Promise<void> => {
        const port = servers[node]?.port ?? (await freePort())
        servers[node] = await serve({ ...place, port, environment: environmentOf })
        wire.take(node, openWire(port, host))
      }
      const wire = spread([world.wire])
      world.wire = wire
      for (let node = 1; node < count; node += 1) await join(node)
      world.livesOn = true
      for (let round = 0; round < rounds; round += 1) {
        const dice = createDice(seed, firstRound + round)
        world.ended = false
        world.faulted = false
        const loading = load(world, seed, firstRound + round)
        await pause(100 + 500 * dice.fraction())
        // The grace for a lost answer counts from the rotation, and none was lost before this.
        world.spawnedAt = Date.now()
        const killed = new Set<number>()
        await options.blow({
          dice,
          nodes: count,
          kill: async (node) => {
            world.faulted = true
            killed.add(node)
            servers[node]?.kill('SIGKILL')
            await servers[node]?.exited
          },
        })
        const struckAt = performance.now()
        for (const node of killed) await join(node)
        await Promise.all(servers.map(({ port }) => untilReady(port)))
        readyMillis.push(performance.now() - struckAt)
        await pause(200)
        world.ended = true
        await loading
        if (round % roundsPerTurn === roundsPerTurn - 1) wire.turn()
        await inspect(world, dice)
        for (const server of servers)
          if (!server.running()) journal.violate('INV10', `a server went away by itself: ${server.output()}`)
        journal.note({ struck: round })
        if (round < rounds - 1) await options.mend?.()
      }
      const { admin } = await openStore(options.addressNow?.() ?? options.address, {
        clock: { monotonic: () => performance.now() },
        random: createRandom(),
        onFatal: (reason) => journal.violate('INV9', reason.message),
      })
      wire.close()
      for (const server of servers) server.kill('SIGTERM')
      await Promise.all(servers.map(({ exited }) => exited))
      await inspectOpened(admin, world.books, journal)
      await admin.close()
      for (const [what, times] of journal.answers) answers.set(what, times)
    },
  )
  return { violations, answers, readyMillis: readyMillis.toSorted((a, b) => a - b) }
}

async function untilReady(port: number): Promise<void> {
  const since = performance.now()
  while (performance.now() - since < 30_000) {
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      async (answer) => (await answer.arrayBuffer(), answer.status === 200),
      () => false,
    )
    if (ready) return
    await pause(10)
  }
}

export function printStruck(what: string, count: number, { violations, answers, readyMillis }: Struck): string {
  const sum = (end: string): number =>
    [...answers].filter(([name]) => name.endsWith(end)).reduce((total, [, times]) => total + times, 0)
  return [
    `${what}: n = ${count}, violations = ${violations.length}`,
    `${sum(' done')} requests acknowledged, ${sum(' unknown')} of unknown outcome; ready again in at most ${Math.round(readyMillis.at(-1) ?? 0)} ms`,
    ...violations.slice(0, 20),
  ].join('\n')
}

/** FLT-01 where several servers share a store: one of them is killed, some millisecond or other after the load began. */
export async function killOne({ dice, nodes, kill }: Reach): Promise<void> {
  await pause(400 * dice.fraction())
  await kill(dice.below(nodes))
}
