import { setTimeout as pause } from 'node:timers/promises'
import { startPostgres, type TestPostgres } from '../kit/postgres.ts'
import { startPostgresPair } from '../kit/postgres-pair.ts'
import { startTcpProxy, type TcpProxy } from '../kit/tcp-proxy.ts'
import type { Dice } from './ledger/dice.ts'
import { strikeStore, type Struck } from './strike-store.ts'

/** What strikes the database, or the way to it, while the server lives on. Resolves when it is over. */
export type Blow = (struck: {
  readonly postgres: TestPostgres
  readonly proxy: TcpProxy
  readonly dice: Dice
}) => Promise<void>

/** The ledger on PostgreSQL: the servers live through all of it, and their database is struck again and again. */
export async function strikePostgres(options: {
  readonly rounds: number
  readonly firstRound?: number
  readonly seed: number
  readonly blow: Blow
  readonly persons?: number
  readonly nodes?: number
}): Promise<Struck> {
  const postgres = await startPostgres()
  const proxy = await startTcpProxy(postgres.port)
  const address = postgres.address('ledger')
  try {
    return await strikeStore({
      ...options,
      address: address.replace(`:${postgres.port}`, `:${proxy.port}`),
      blow: ({ dice }) => options.blow({ postgres, proxy, dice }),
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
  readonly firstRound?: number
  readonly seed: number
  readonly persons?: number
  readonly nodes?: number
}): Promise<Struck> {
  const pair = await startPostgresPair()
  const address = pair.address('ledger', 'standby=synchronous')
  try {
    return await strikeStore({
      ...options,
      address,
      blow: () => pair.failOver(),
      mend: () => pair.rebuild(),
    })
  } finally {
    await pair.stop()
  }
}

/** FLT-09: no checkpoint and no goodbye, as after a crash. */
export const restart: Blow = ({ postgres }) => postgres.restart()

/** FLT-14: nobody answers for two to eight seconds, longer than a lease some of the time; then all that was sent is done. */
export const hang: Blow = async ({ postgres, dice }) => {
  postgres.hang()
  await pause(2_000 + 6_000 * dice.fraction())
  postgres.wake()
}

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

/** About as many as one blow of `cutOften` cuts. */
const cutsPerRound = 40

/** FLT-12, about as often as asked for: `cuts` says how often. */
export async function cutOften(options: {
  readonly rounds: number
  readonly firstRound?: number
  readonly seed: number
}): Promise<Struck & { readonly cuts: number }> {
  const { blow, cuts } = cutCommits(4, 4_000)
  const rounds = Math.ceil(options.rounds / cutsPerRound)
  const struck = await strikePostgres({ ...options, rounds, blow })
  return { ...struck, cuts: cuts() }
}
