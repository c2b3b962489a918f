import { setTimeout as pause } from 'node:timers/promises'
import { usageOf } from '../../bench/measure/process.ts'
import { startPostgres, type TestPostgres } from '../kit/postgres.ts'
import { onStage } from './ledger/stage.ts'
import type { Ask, Reply, Wire } from './ledger/wire.ts'
import { asApp, basic, clients, jsonOf } from './ledger/world.ts'

/** How a database is gone, and comes back. */
export const gone = {
  /** Connections are taken and nothing is answered; what was sent is done afterwards. */
  hung: {
    strike: async (postgres: TestPostgres) => postgres.hang(),
    mend: async (postgres: TestPostgres) => postgres.wake(),
  },
  /** As after a crash: nobody listens. */
  killed: { strike: (postgres: TestPostgres) => postgres.kill(), mend: (postgres: TestPostgres) => postgres.start() },
} as const

/** One answer, or none, by when it was asked for, counted from the strike, and how long it took. */
type Seen = { readonly path: string; readonly at: number; readonly millis: number; readonly reply: Reply }

export type Outage = {
  /** Asked for while the database was gone, once the circuit had had its time. */
  readonly refused: readonly Seen[]
  /** Everything that was asked for, from the strike to the end. */
  readonly all: readonly Seen[]
  /** Requests that waited for an answer at once, at most: of those that came in the first seconds, and of those after them. */
  readonly mostWaiting: { readonly first: number; readonly later: number }
  /** By how much the server's memory grew at most. */
  readonly grownBytes: number
  /** From the moment when the database took connections until the first and until every good answer. */
  readonly firstGoodMillis: number
  readonly allGoodMillis: number
  /** The keys, which need no database: before, and while it was gone. */
  readonly keysMillis: { readonly before: readonly number[]; readonly meanwhile: readonly number[] }
}

/** A newcomer each so many milliseconds, whatever became of those before him: nobody's waiting slows the others down. */
const everyMillis = 10
/** Those who were under way run into their timeouts, and nothing but failures is told for a second. */
export const settlingMillis = 4_000
const calmMillis = 4_000
/** Whoever asks later may be answered by the database that came back: `/readyz` waits for a second. */
const longestPatienceMillis = 1_200

/** FLT-14: a server whose database is gone for a while, asked for tokens and about a token by people who don't wait for each other. */
export async function outage(how: keyof typeof gone, { millis }: { readonly millis: number }): Promise<Outage> {
  const postgres = await startPostgres()
  const all: Seen[] = []
  const keysMillis = { before: [] as number[], meanwhile: [] as number[] }
  const waiting = { first: 0, later: 0 }
  const mostWaiting = { first: 0, later: 0 }
  let [grownBytes, backAt] = [0, Infinity]
  try {
    await onStage(
      { environment: () => ({ GATEHOUSE_STORE: postgres.address('gone') }), persons: 1 },
      async ({ world, start }) => {
        const server = await start()
        const headers = { authorization: basic(clients.app, world.appSecret) }
        const made = await asApp(world, 'token', '/oauth/token', { grant_type: 'client_credentials' })
        if (made.is !== 'done') throw new Error('no token')
        const token = String(jsonOf(made.value)['access_token'])
        const asks: readonly (readonly [string, Ask])[] = [
          ['/oauth/token', { form: { grant_type: 'client_credentials' }, headers }],
          ['/oauth/introspect', { form: { token }, headers }],
          ['/readyz', {}],
        ]
        const calm = { on: true }
        const lookingBefore = lookAtKeys(world.wire, { going: calm, took: keysMillis.before })
        // The same load, so that what differs is the database.
        const pressing = press(asks, calm, (path, how) => void world.wire.ask(path, how))
        await pause(2_000)
        calm.on = false
        await Promise.all([lookingBefore, pressing])
        const before = usageOf(server.pid).rssBytes
        const struckAt = performance.now()
        const asked: Promise<void>[] = []
        const going = { on: true }
        const ask = async (path: string, how: Ask): Promise<void> => {
          const since = performance.now()
          const stage = since - struckAt < settlingMillis ? 'first' : 'later'
          waiting[stage] += 1
          mostWaiting[stage] = Math.max(mostWaiting[stage], waiting[stage])
          const reply = await world.wire.ask(path, how)
          waiting[stage] -= 1
          all.push({ path, at: since - struckAt, millis: performance.now() - since, reply })
        }
        await gone[how].strike(postgres)
        const loading = press(asks, going, (path, how) => {
          asked.push(ask(path, how))
          grownBytes = Math.max(grownBytes, usageOf(server.pid).rssBytes - before)
        })
        const looking = lookAtKeys(world.wire, { going, took: keysMillis.meanwhile })
        await pause(millis)
        await gone[how].mend(postgres)
        backAt = performance.now() - struckAt
        await pause(calmMillis)
        going.on = false
        await Promise.all([loading, looking])
        await Promise.all(asked)
      },
    )
  } finally {
    await postgres.stop()
  }
  const bad = all.filter(({ at, reply }) => at > backAt && !isGood(reply))
  const good = all.filter(({ at, reply }) => at + everyMillis > settlingMillis && isGood(reply))
  return {
    all,
    refused: all.filter(({ at }) => at > settlingMillis && at < millis - longestPatienceMillis),
    mostWaiting,
    grownBytes,
    firstGoodMillis: Math.min(...good.map(({ at, millis: took }) => at + took)) - backAt,
    allGoodMillis: Math.max(0, ...bad.map(({ at, millis: took }) => at + took - backAt)),
    keysMillis,
  }
}

/** One after the other, without waiting for any: tokens and introspections in turn, and each tenth time whether it is ready. */
async function press(
  asks: readonly (readonly [string, Ask])[],
  going: { readonly on: boolean },
  ask: (path: string, how: Ask) => void,
): Promise<void> {
  for (let turn = 0; going.on; turn += 1) {
    const [path, how] = asks[turn % 10 === 0 ? 2 : turn % 2] as (typeof asks)[number]
    ask(path, how)
    await pause(everyMillis)
  }
}

async function lookAtKeys(
  wire: Wire,
  { going, took }: { readonly going: { readonly on: boolean }; readonly took: number[] },
): Promise<void> {
  while (going.on) {
    const since = performance.now()
    const reply = await wire.ask('/.well-known/jwks.json')
    took.push(isGood(reply) ? performance.now() - since : Infinity)
    await pause(20)
  }
}

export function isGood(reply: Reply): boolean {
  return 'status' in reply && reply.status === 200
}
