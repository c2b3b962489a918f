import type { Actor } from '../domain/authority.ts'
import { isSameIdentity, type Identity } from '../domain/identity.ts'
import { hasSecondFactor } from '../domain/factors.ts'
import { check, put, ref, type Decision, type Ref } from '../domain/record.ts'
import { isStillIn } from '../domain/session-state.ts'
import { problem } from '../protocol/problem.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { readAlive } from '../store/read-alive.ts'
import { transition, type SlotsOf } from '../store/transition.ts'
import type { Outcome } from './context.ts'
import { factorsRef } from './find-factors.ts'
import { findUser } from './find-user.ts'
import { identityNameRef, identityRef } from './identity-refs.ts'
import { noSuchUser } from './no-such-user.ts'
import { changeWrites } from './change-writes.ts'
import { noticeWrites, type NoticesContext } from './notice-writes.ts'
import { actorName, permit } from './permit.ts'
import { putOut } from './put-out.ts'
import { showedSecondFactor, standingRefs, type StandingRefs } from './standing.ts'

export type Linking = Pick<Identity, 'provider' | 'issuer' | 'subject' | 'label'>

export const identityTaken = problem('conflict', {
  detail: 'this identity belongs to another account; unlink it there first',
})
const notForBots = problem('conflict', {
  detail: 'a bot has no identity elsewhere, since nobody signs in as it: link it to the account of a person',
})
export const otherLinked = problem('conflict', {
  detail: 'the account has another identity of this provider; unlink that one first',
})

/**
 * Add an identity to an account. Nobody's identity is taken away by it, an account has one of each provider, and a bot has none
 * (docs/decisions/0023). `own`: in which session the person adds it himself.
 */
export async function linkIdentity(
  context: NoticesContext,
  asked: {
    readonly actor: Actor
    readonly userId: string
    readonly own?: { readonly sessionId: string }
    readonly identity: Linking
  },
): Promise<Outcome<Identity>> {
  const { actor, userId, own, identity } = asked
  const nameRef = identityNameRef(identity.issuer, identity.subject)
  const trail = changeWrites(
    context,
    { type: 'identity.linked', userId, actor: actorName(actor), target: identity.provider },
    [],
  )
  const notice = noticeWrites(context, await findUser(context, userId), 'identity.linked')
  for (;;) {
    const before = await readAlive(context.transition.store, nameRef, context.clock.seconds())
    const holder = before?.target ?? userId
    const refs: LinkRefs = {
      user: ref('user', userId),
      ...(own !== undefined && { ...standingRefs(userId, own), factors: factorsRef(userId) }),
      holder: ref('user', holder),
      name: nameRef,
      place: identityRef(userId, identity.provider),
    }
    const result = await transition(context.transition, refs, (slots, now): Decision<Outcome<Identity> | 'moved'> => {
      const { user, holder: held, name, place } = slots
      if ((name.value?.target ?? userId) !== holder) return { writes: [], result: 'moved' }
      if (user.value === undefined) return { writes: [], result: { refused: noSuchUser } }
      const refused = permit(actor, { do: own === undefined ? 'change-user' : 'change-self', target: user.value })
      if (refused !== undefined) return { writes: [], result: { refused } }
      if (user.value.bot) return { writes: [], result: { refused: notForBots } }
      if (own !== undefined && !mayStill(slots, own, now)) return { writes: [], result: { refused: putOut } }
      // What a deleted account left behind is nobody's.
      if (holder !== userId && held.value !== undefined) return { writes: [], result: { refused: identityTaken } }
      const there = place.value
      if (there !== undefined && isSameIdentity(there, identity) && name.value !== undefined)
        return { writes: [], result: { done: there } }
      if (there !== undefined) return { writes: [], result: { refused: otherLinked } }
      const linked: Identity = { v: 1, userId, ...identity, linkedAt: now }
      return {
        writes: [
          ...[user, slots.instance, slots.session, slots.factors].flatMap((slot) =>
            slot === undefined ? [] : [check(slot)],
          ),
          put(name, { v: 1, target: userId }, { expiresAt: null, owners: [userId] }),
          put(place, linked, { expiresAt: null, owners: [userId] }),
          ...trail(now),
          ...notice,
        ],
        result: { done: linked },
      }
    })
    if (result === 'moved') continue
    context.outbox?.wake()
    return result
  }
}

type LinkRefs = Partial<StandingRefs> & {
  readonly user: Ref<'user'>
  readonly holder: Ref<'user'>
  readonly name: Ref<'name'>
  readonly place: Ref<'identity'>
  readonly factors?: Ref<'factors'>
}

/**
 * Whoever was put out since he asked links nothing, since asking elsewhere takes its time (L4): recovering an account ends this way
 * back too. Nor does whoever has to show more by now.
 */
function mayStill(slots: SlotsOf<LinkRefs>, own: { readonly sessionId: string }, now: EpochSeconds): boolean {
  const { instance, user, session, factors } = slots
  if (instance === undefined || session === undefined || !isStillIn({ instance, user, session }, now)) return false
  return !hasSecondFactor(factors?.value) || showedSecondFactor({ session }, own)
}
