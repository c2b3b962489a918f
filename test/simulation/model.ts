import type { Grant } from '../../src/domain/grant.ts'
import { directoryLeaseMillis } from '../../src/store/lease.ts'
import type { StampedWrite } from '../../src/store/port.ts'
import type { Held } from './operations.ts'

/** What a family is in the reference model: a list of successors, and an end. */
type Family = {
  /** Nonces by generation: the one lineage there may be. */
  readonly lineage: string[]
  code: 'open' | 'redeemed' | 'burned'
  stored: Grant
  /** Why it ended, by the event beside the write that ended it. */
  ended?: string | undefined
  /** The order in which somebody was told that it has ended. */
  endTold?: number
  /** Somebody else than its client presented something: an alarm is right. */
  attacked: boolean
  redeemedTold: number
}

/** A bump that somebody was told of, and where. */
type Bump = {
  readonly order: number
  readonly node: string
  readonly whose: (typeof epochKinds)[number]
  readonly epoch: number
}

/** In their order within an epoch. */
const epochKinds = ['instance', 'user', 'client'] as const

/** Whether an epoch is older than what a bump made: another one's bump says nothing of that. */
function isBefore(epoch: string, bump: Bump): boolean {
  return Number(epoch.split('.')[epochKinds.indexOf(bump.whose)]) < bump.epoch
}

/** A sentence that says what must never be, with what was seen. */
export class Violation extends Error {}

/**
 * The reference model. It sees two things: each commit as the store made it, in order, and each answer that somebody got.
 * It knows nothing of how either came about.
 */
/** When something was: by simulated time, and in the order in which it happened. */
export type Moment = { readonly millis: number; readonly order: number }

export function createModel(context: {
  readonly now: () => number
  readonly order: () => number
  /** The clocks of nodes jump: then the grace may be over too early. */
  readonly clocksStep: boolean
}) {
  const { now, order, clocksStep } = context
  const families = new Map<string, Family>()
  const bumps: Bump[] = []
  const epochs = { instance: 1, user: 1, client: 1 }
  /** When each epoch there was gave way to the next. */
  const replaced = new Map<string, Moment>()
  const once = new Set<string>()
  const events = new Set<string>()
  const counts = { commits: 0, answers: 0 }

  function must(holds: boolean, sentence: string): asserts holds {
    if (!holds) throw new Violation(sentence)
  }

  /** INV1, INV2, INV3, INV7 on what is stored: which step of a family may follow which. */
  function sawCommit(writes: readonly StampedWrite[]): void {
    counts.commits += 1
    const told = writes.filter((write) => write.op === 'append')
    for (const { id } of told) {
      must(!events.has(id), `INV7: event ${id} happened twice`)
      events.add(id)
    }
    for (const write of writes) {
      if (write.op !== 'put') continue
      if (write.kind === 'instance' || write.kind === 'user' || write.kind === 'client')
        sawEpoch(write.kind, write.value)
      if (write.kind !== 'grant') continue
      const [event, ...more] = told.map((one) => one.event)
      must(event !== undefined && more.length === 0, `INV7: grant ${write.id} changed with ${told.length} events`)
      // A put of kind `grant` holds a grant.
      sawGrant(write.id, write.value as Grant, event.type, event.reason)
    }
  }

  function sawEpoch(kind: 'instance' | 'user' | 'client', value: object): void {
    const next = 'epoch' in value ? Number(value.epoch) : 0
    must(next > epochs[kind], `INV4: the epoch of the ${kind} went from ${epochs[kind]} to ${next}`)
    replaced.set(currentEpoch(), { millis: now(), order: order() })
    epochs[kind] = next
  }

  const currentEpoch = (): string => `${epochs.instance}.${epochs.user}.${epochs.client}`

  function sawGrant(id: string, next: Grant, type: string, reason: string | undefined): void {
    const family = families.get(id)
    if (family === undefined) {
      must(type === 'code.issued', `grant ${id} began with ${type}`)
      families.set(id, { lineage: [], code: 'open', stored: next, attacked: false, redeemedTold: 0 })
      return
    }
    const { stored } = family
    const [before, after] = [stored.refresh, next.refresh]
    must(
      stored.revokedAt === undefined || next.revokedAt !== undefined,
      `INV3: grant ${id} came back to life by ${type}`,
    )
    if (type === 'token.issued') {
      must(family.code === 'open', `INV1: the code of ${id} was redeemed though it was ${family.code}`)
      must(stored.revokedAt === undefined, `INV3: the code of ${id} was redeemed after its end`)
      must(after?.generation === 0, `the family of ${id} begins with generation ${after?.generation}`)
      family.code = 'redeemed'
      family.lineage.push(after.current.nonce)
    } else if (type === 'token.refreshed') {
      must(stored.revokedAt === undefined, `INV3: grant ${id} rotated after its end`)
      must(before !== undefined && after !== undefined, `grant ${id} rotated without a family`)
      must(
        after.generation === before.generation + 1,
        `INV2: ${id} went from generation ${before.generation} to ${after.generation}`,
      )
      must(after.previous?.nonce === before.current.nonce, `INV2: ${id} has another predecessor than it had`)
      family.lineage.push(after.current.nonce)
    } else {
      must(before?.generation === after?.generation, `INV2: ${type} moved the generation of ${id}`)
      must(before?.current.nonce === after?.current.nonce, `INV2: ${type} changed the current token of ${id}`)
      if (next.code?.burnedAt !== undefined) family.code = 'burned'
    }
    if (stored.revokedAt === undefined && next.revokedAt !== undefined) {
      family.ended = reason ?? type
      const alarm = family.ended === 'refresh_reuse' || family.ended === 'code_replayed'
      must(!alarm || family.attacked || clocksStep, `INV2: a false alarm (${family.ended}) ended ${id}`)
    }
    family.stored = next
  }

  /** INV10: whoever was told yes was told what is stored; INV3, INV4: and not after an end that others were told of. */
  function mustLive(id: string, from: Moment, node: string, what: string): Family {
    const family = families.get(id)
    must(family !== undefined, `INV10: ${what} of ${id}, which nothing stored`)
    must(
      family.endTold === undefined || from.order <= family.endTold,
      `INV3: ${what} of ${id} begun after somebody was told of its end (${family.ended})`,
    )
    const gone = replaced.get(family.stored.epoch)
    if (gone === undefined) return family
    must(
      from.millis <= gone.millis + directoryLeaseMillis,
      `INV4: ${what} of ${id} begun ${from.millis - gone.millis} ms after its epoch was gone`,
    )
    const knew = bumps.find((bump) => bump.node === node && isBefore(family.stored.epoch, bump))
    must(
      knew === undefined || from.order <= knew.order,
      `INV4: ${what} of ${id} where somebody was told that its epoch is gone`,
    )
    return family
  }

  return {
    sawCommit,
    counts,
    epochsMoved: () => replaced.size > 0,
    family: (id: string) => families.get(id),
    forget: (id: string) => void families.delete(id),
    attacked: (id: string): void => {
      const family = families.get(id)
      if (family !== undefined) family.attacked = true
    },
    bumped: (node: string, whose: Bump['whose'], epoch: number): void => {
      bumps.push({ order: order(), node, whose, epoch })
    },
    ended: (id: string): void => {
      const family = families.get(id)
      if (family !== undefined) family.endTold ??= order()
    },
    redeemed(held: Held, eventId: string, from: Moment, node: string): void {
      counts.answers += 1
      const family = mustLive(held.grantId, from, node, 'a redemption')
      family.redeemedTold += 1
      must(family.redeemedTold === 1, `INV1: the code of ${held.grantId} gave tokens ${family.redeemedTold} times`)
      must(
        family.lineage[0] === held.imprint.nonce,
        `INV10: ${held.grantId} was told another first token than is stored`,
      )
      must(events.has(eventId), `INV7: the redemption of ${held.grantId} left no event`)
    },
    rotated(
      presented: Held,
      got: Held,
      about: { readonly eventId: string; readonly from: Moment; readonly node: string },
    ): void {
      counts.answers += 1
      const family = mustLive(got.grantId, about.from, about.node, 'a rotation')
      must(
        got.generation === presented.generation + 1,
        `INV2: ${got.grantId} answered generation ${presented.generation} with ${got.generation}`,
      )
      must(
        family.lineage[got.generation] === got.imprint.nonce,
        `INV2: ${got.grantId} has two successors of generation ${presented.generation}`,
      )
      must(events.has(about.eventId), `INV7: a rotation of ${got.grantId} left no event`)
    },
    lives: (id: string, from: Moment, node: string): void => {
      counts.answers += 1
      mustLive(id, from, node, 'a verification')
    },
    usedOnce(jti: string): void {
      counts.answers += 1
      must(!once.has(jti), `INV8: ${jti} was taken twice`)
      once.add(jti)
    },
    must: (holds: boolean, sentence: string): void => must(holds, sentence),
  }
}

export type Model = ReturnType<typeof createModel>
