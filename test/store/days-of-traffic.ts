import { randomBytes } from 'node:crypto'
import type { Kind } from '../../src/domain/record.ts'
import type { SealEntry } from '../../src/domain/seal.ts'
import { createRandom } from '../../src/crypto/random.ts'
import type { StampedWrite, Store } from '../../src/store/port.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'

const hour = 3_600
const day = 24 * hour

/** As `domain/lifetimes.ts` has them, but for the long ones, which are shortened: what is steady after a year is so after two weeks. */
export const shortened = { idle: 5 * day, absolute: 12 * day, events: 5 * day }

const signInsPerStep = 50
/** A multiple of them is in flight on a busy server. */
const atOnce = 100
const eventsPerSeal = 250
/** As the server's sweeper. */
const sweptAtOnce = 5_000

/** Who goes on refreshing: one in ten for as long as he may, half for a day, the others never. */
const activeFor = (number: number): number => {
  if (number % 10 === 0) return shortened.absolute
  return number % 2 === 0 ? 0 : day
}

type Living = {
  readonly id: string
  readonly number: number
  readonly madeAt: number
  version: string
  expiresAt: number
}

export type Traffic = {
  /** What happens in two hours; throws where a commit meets a conflict, as none may here. */
  readonly step: (store: Store) => Promise<void>
  /** As the server does, until nothing is left to sweep. */
  readonly sweep: (store: Store) => Promise<void>
  readonly now: () => number
  readonly livingGrants: () => number
}

export const stepsPerDay = 12

/**
 * Sign-ins and refreshes at a steady rate, as records and events of the sizes that they have. The ids, the lists and the ends are
 * those of the server; what the values say is nothing.
 */
export function startTraffic(start: number): Traffic {
  const random = createRandom()
  let living: Living[] = []
  let now = start
  let made = 0
  let sealed = 0
  const head = { version: undefined as string | undefined, lease: undefined as string | undefined }

  const put = (
    kind: Kind,
    id: string,
    {
      bytes,
      expect,
      expiresAt,
      owners,
    }: { bytes: number; expect?: string; expiresAt: number | null; owners?: readonly string[] },
  ) =>
    ({
      op: 'put',
      kind,
      id,
      expect: expect ?? null,
      expiresAt,
      // Random, as sealed values and hashes are: nothing to compress.
      value: { v: 1, holder: randomBytes(bytes / 2).toString('hex') },
      version: random.stamp(),
      ...(owners !== undefined && { owners }),
    }) as const satisfies StampedWrite

  async function step(store: Store): Promise<void> {
    let millis = now * 1000
    const newId = (): string => random.id((millis += 1))
    const events: SealEntry[] = []
    const event = (): StampedWrite => {
      const id = newId()
      events.push([id, now, randomBytes(32).toString('base64url')])
      return { op: 'append', id, event: { v: 1, type: 'token.issued', at: now, jti: randomBytes(110).toString('hex') } }
    }
    const commit = async (...writes: StampedWrite[]): Promise<void> => {
      const outcome = await committed(store, writes)
      if (outcome !== 'committed') throw new Error(`${writes.map(({ op }) => op).join(', ')} met a conflict`)
    }

    async function signIn(number: number): Promise<void> {
      const [user, client] = [`u${number % 400}`, `client:${number % 5}`]
      const interaction = put('interaction', newId(), { bytes: 1_200, expiresAt: now + 600 })
      await commit(interaction, event())
      // Some turn away.
      if (number % 5 === 0) return
      const session = newId()
      const grant = put('grant', newId(), {
        bytes: 800,
        expiresAt: now + 60,
        owners: [user, client, `session:${session}`],
      })
      await commit(
        { op: 'delete', kind: 'interaction', id: interaction.id, expect: interaction.version },
        put('session', session, { bytes: 400, expiresAt: now + 12 * hour, owners: [user] }),
        grant,
        event(),
      )
      // Some codes are never redeemed.
      if (number % 9 === 0) return
      const redeemed = put('grant', grant.id, { bytes: 800, expect: grant.version, expiresAt: now + shortened.idle })
      const once = put('once', randomBytes(32).toString('base64url'), { bytes: 20, expiresAt: now + 300 })
      await commit(redeemed, once, event())
      living.push({ id: grant.id, number, madeAt: now, version: redeemed.version, expiresAt: now + shortened.idle })
    }

    async function rotate(grant: Living): Promise<void> {
      const expiresAt = Math.min(now + shortened.idle, grant.madeAt + shortened.absolute)
      const next = put('grant', grant.id, { bytes: 800, expect: grant.version, expiresAt })
      await commit(next, event())
      Object.assign(grant, { version: next.version, expiresAt })
    }

    async function beat(): Promise<void> {
      const next = put('lease', 'node', {
        bytes: 20,
        ...(head.lease !== undefined && { expect: head.lease }),
        expiresAt: now + day,
      })
      await commit(next)
      head.lease = next.version
    }

    async function announce(): Promise<void> {
      const value = { v: 1, forget: { kind: 'client', id: 'c' } } as const
      await commit({ ...put('change', newId(), { bytes: 2, expiresAt: now + 600, owners: ['*'] }), value })
    }

    async function seal(entries: readonly SealEntry[]): Promise<void> {
      const id = (sealed += 1).toString(16).padStart(12, '0')
      const expiresAt = now + shortened.events + day
      const chain = put('chain', 'events', {
        bytes: 400,
        ...(head.version !== undefined && { expect: head.version }),
        expiresAt: null,
      })
      await commit(chain, put('seal', id, { bytes: 500, expiresAt, owners: ['*'] }), {
        ...put('bound', id, { bytes: 2, expiresAt, owners: ['*'] }),
        value: { v: 1, entries },
      })
      head.version = chain.version
    }

    living = living.filter((grant) => grant.expiresAt > now)
    const active = living.filter(({ number, madeAt }) => madeAt + activeFor(number) > now)
    const work = [
      ...Array.from({ length: signInsPerStep }, () => {
        const number = (made += 1)
        return () => signIn(number)
      }),
      ...active.filter(({ number }) => (number + made) % 4 < 2).map((grant) => () => rotate(grant)),
      ...Array.from({ length: 5 }, () => announce),
    ]
    for (let index = 0; index < work.length; index += atOnce) {
      await Promise.all(work.slice(index, index + atOnce).map((one) => one()))
      await beat()
    }
    for (let from = 0; from < events.length; from += eventsPerSeal) await seal(events.slice(from, from + eventsPerSeal))
    now += day / stepsPerDay
  }

  async function sweep(store: Store): Promise<void> {
    const some = (): Promise<number> => store.sweep(now, sweptAtOnce, now - shortened.events)
    while ((await patiently(some)) === sweptAtOnce);
  }

  return { step, sweep, now: () => now, livingGrants: () => living.length }
}

/** What came of a commit that nobody could answer for is read back. */
function committed(store: Store, writes: readonly StampedWrite[]): Promise<'committed' | 'conflict'> {
  const put = writes.find((write) => write.op === 'put')
  let tried = false
  return patiently(async () => {
    const [found] = tried && put !== undefined ? await store.read([put]) : []
    if (found !== undefined && found.version === put?.version) return 'committed'
    tried = true
    return store.commit(writes)
  })
}

/** A machine that is busy with other things makes a store say that it can't just now. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let left = 20; ; left -= 1) {
    try {
      return await work()
    } catch (error) {
      if (left === 0 || !(error instanceof StoreUnavailable)) throw error
    }
  }
}
