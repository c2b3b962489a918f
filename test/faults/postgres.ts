import { setTimeout as pause } from 'node:timers/promises'
import { startPostgres, type TestPostgres } from '../kit/postgres.ts'
import { startPostgresPair } from '../kit/postgres-pair.ts'
import { startTcpProxy, type TcpProxy } from '../kit/tcp-proxy.ts'
import { openTestPostgres } from '../store/postgres-subject.ts'
import { createDice, type Dice } from './ledger/dice.ts'
import { inspect } from './ledger/inspect.ts'
import { load } from './ledger/life.ts'
import { onStage } from './ledger/stage.ts'
import { inspectOpened } from './ledger/stored.ts'

/** What strikes the database, or the way to it, while the server lives on. Resolves when it is over. */
export type Blow = (struck: {
  readonly postgres: TestPostgres
  readonly proxy: TcpProxy
  readonly dice: Dice
}) => Promise<void>

export type Struck = {
  readonly violations: readonly string[]
  readonly answers: ReadonlyMap<string, number>
  /** From the end of each blow until the server was ready, sorted. */
  readonly readyMillis: readonly number[]
}

/**
 * The ledger on PostgreSQL: one server lives through all of it and is loaded by everybody, its database is struck again and again,
 * and after each time the server and the store are asked about everything that was acknowledged.
 */
export async function strikePostgres(options: {
  readonly rounds: number
  readonly seed: number
  readonly blow: Blow
  readonly persons?: number
}): Promise<Struck> {
  const postgres = await startPostgres()
  const proxy = await startTcpProxy(postgres.port)
  const address = postgres.address('ledger')
  try {
    return await strikeStore({
      ...options,
      address: address.replace(`:${postgres.port}`, `:${proxy.port}`),
      blow: (dice) => options.blow({ postgres, proxy, dice }),
      addressNow: () => address,
    })
  } finally {
    await proxy.close()
    await postgres.stop()
  }
}

/** FLT-10: the primary crashes, its synchronous standby takes over, and the old one comes back as the standby of the new. */
export async function strikePair(options: {
  readonly rounds: number
  readonly seed: number
  readonly persons?: number
  readonly onRound?: (round: number) => void
}): Promise<Struck> {
  const pair = await startPostgresPair()
  const address = pair.address('ledger', 'standby=synchronous')
  try {
    return await strikeStore({
      ...options,
      address,
      blow: () => pair.failOver(),
      mend: () => pair.rebuild(),
      addressNow: () => address,
    })
  } finally {
    await pair.stop()
  }
}

async function strikeStore(options: {
  readonly rounds: number
  readonly seed: number
  readonly persons?: number
  /** Of the store, as the server is told it, and as it is looked at in the end. */
  readonly address: string
  readonly addressNow: () => string
  readonly blow: (dice: Dice) => Promise<void>
  /** After everybody was asked, before the next blow. */
  readonly mend?: () => Promise<void>
  readonly onRound?: (round: number) => void
}): Promise<Struck> {
  const { rounds, seed, persons = 32 } = options
  const answers = new Map<string, number>()
  const readyMillis: number[] = []
  const environment = (): Record<string, string> => ({ GATEHOUSE_STORE: options.address })
  // The connection may end between a COMMIT and its answer, and again when the server looks what became of it.
  const violations = await onStage(
    { environment, persons, unavailable: 'unknown' },
    async ({ world, journal, start }) => {
      const server = await start()
      world.livesOn = true
      for (let round = 0; round < rounds; round += 1) {
        const dice = createDice(seed, round)
        world.ended = false
        const loading = load(world, seed, round)
        await pause(100 + 500 * dice.fraction())
        // The grace for a lost answer counts from the rotation, and none was lost before this.
        world.spawnedAt = Date.now()
        await options.blow(dice)
        readyMillis.push(await untilReady(server.port))
        await pause(200)
        world.ended = true
        await loading
        await inspect(world, dice)
        if (!server.running()) journal.violate('INV10', `the server went away by itself: ${server.output()}`)
        journal.note({ struck: round })
        if (round < rounds - 1) await options.mend?.()
        options.onRound?.(round)
      }
      const { admin } = await openTestPostgres(options.addressNow())
      await inspectOpened(admin, world.books, journal)
      await admin.close()
      server.kill('SIGTERM')
      await server.exited
      for (const [what, count] of journal.answers) answers.set(what, count)
    },
  )
  return { violations, answers, readyMillis: readyMillis.toSorted((a, b) => a - b) }
}

async function untilReady(port: number): Promise<number> {
  const since = performance.now()
  for (;;) {
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      async (answer) => (await answer.arrayBuffer(), answer.status === 200),
      () => false,
    )
    const passed = performance.now() - since
    if (ready || passed > 30_000) return passed
    await pause(10)
  }
}

export function printStruck(what: string, count: number, { violations, answers, readyMillis }: Struck): string {
  const sum = (end: string): number =>
    [...answers].filter(([name]) => name.endsWith(end)).reduce((total, [, times]) => total + times, 0)
  return [
    `${what}: n = ${count}, violations = ${violations.length}`,
    `${sum(' done')} requests acknowledged, ${sum(' unknown')} answered with 503; ready again in at most ${Math.round(readyMillis.at(-1) ?? 0)} ms`,
    ...violations.slice(0, 20),
  ].join('\n')
}

/** FLT-09: no checkpoint and no goodbye, as after a crash. */
export const restart: Blow = ({ postgres }) => postgres.restart()

/** FLT-12: the server gets the COMMIT, or the only statement of a commit, and its answer is lost; about one time in `oneIn`. */
export function cutCommits(oneIn: number, millis: number): { readonly blow: Blow; readonly cuts: () => number } {
  let cuts = 0
  return {
    cuts: () => cuts,
    blow: async ({ proxy, dice }) => {
      proxy.watch = (sent) => {
        const ends = sent.includes('ledger_commit') || sent.includes('ledger_append')
        if (!ends || dice.fraction() * oneIn >= 1) return 'pass'
        cuts += 1
        return 'cut after'
      }
      await pause(millis)
      proxy.watch = undefined
    },
  }
}
