import { directoryLeaseMillis } from '../../../src/store/lease.ts'
import type { FreshToken } from '../../../src/vault/fresh-token.ts'
import type { Moment } from '../model.ts'
import type { Known } from './known.ts'

/** What the way of an answer and the clocks of two nodes may add to a token's life. */
const slackMillis = 9_000

type Judge = {
  readonly order: () => number
  readonly clocksStep: boolean
  /** When it was recalled, with all others of its provider; undefined: it wasn't. */
  readonly recalledAt: (one: Known) => number | undefined
  readonly must: (holds: boolean, sentence: string) => void
}

/** INV3, INV6, INV10, L25: what somebody is told who asks for a token, beside what is stored and what others were told before he asked. */
export function judgeAnswer(
  judge: Judge,
  one: Known | undefined,
  { id, fresh, from }: { readonly id: string; readonly fresh: FreshToken; readonly from: Moment },
): void {
  const { order, recalledAt, must } = judge
  const { stored } = one ?? {}
  if (one === undefined || stored === undefined) {
    must(fresh.outcome === 'unknown', `INV10: ${fresh.outcome} was answered for ${id}, which isn’t there`)
    return
  }
  switch (fresh.outcome) {
    case 'token':
      return judgeToken(judge, one, { fresh, from })
    case 'needs_reauth':
      must(
        one.brokenAt >= from.order || ('reason' in stored && stored.state === 'needs_reauth'),
        `INV6: ${id} was said to need its person (${fresh.reason}) and doesn’t`,
      )
      if (stored.state === 'needs_reauth') one.reauthTold ??= { order: order(), kept: one.kept }
      return
    case 'revoked':
      must(
        stored.state === 'revoked' || recalledAt(one) !== undefined,
        `INV10: ${id} was said to be over and is ${stored.state}`,
      )
      // Of a recall another node may hear later.
      if (stored.state === 'revoked') one.endTold ??= order()
      return
    case 'unavailable':
      return
    default:
      must(false, `INV6: ${fresh.outcome} was answered for ${id}, which is ${stored.state}`)
  }
}

function judgeToken(
  { order, clocksStep, recalledAt, must }: Judge,
  one: Known,
  { fresh, from }: { readonly fresh: FreshToken & { readonly outcome: 'token' }; readonly from: Moment },
): void {
  const { id, endTold, reauthTold, given } = one
  const [access, edition] = [fresh.accessToken.reveal(), fresh.edition]
  const told = one.editions.get(edition)
  must(told?.access === access, `INV10: a token of ${id} was given that isn’t what edition ${edition} holds`)
  if (told === undefined) return
  const recalled = recalledAt(one)
  must(
    recalled === undefined || from.millis <= recalled + directoryLeaseMillis,
    `L25: a token of ${id} was given ${from.millis - (recalled ?? 0)} ms after its provider was recalled`,
  )
  must(
    endTold === undefined || from.order <= endTold,
    `INV3: a token of ${id} was given after somebody was told of its end`,
  )
  must(
    reauthTold === undefined ||
      from.order <= reauthTold.order ||
      reauthTold.kept?.family !== told.family ||
      told.generation > reauthTold.kept.generation,
    `INV6: generation ${told.generation} of ${id} was given after somebody was told that it is dead`,
  )
  must(
    edition >= given.edition || from.order <= given.order,
    `INV6: edition ${edition} of ${id} was given after ${given.edition}`,
  )
  const until = told.family.accessUntil[told.generation] ?? 0
  must(
    clocksStep || from.millis <= until + slackMillis,
    `INV6: a token of ${id} was given ${from.millis - until} ms after its end`,
  )
  if (edition > given.edition) one.given = { edition, order: order() }
}
