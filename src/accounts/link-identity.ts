import type { Actor } from '../domain/authority.ts'
import { isSameIdentity, type Identity } from '../domain/identity.ts'
import { check, put, ref, type Decision } from '../domain/record.ts'
import { problem } from '../protocol/problem.ts'
import { readAlive } from '../store/read-alive.ts'
import { transition } from '../store/transition.ts'
import type { Outcome } from './context.ts'
import { findUser } from './find-user.ts'
import { identityNameRef, identityRef } from './identity-refs.ts'
import { noSuchUser } from './no-such-user.ts'
import { changeWrites } from './change-writes.ts'
import { noticeWrites, type NoticesContext } from './notice-writes.ts'
import { actorName, permit } from './permit.ts'

export type Linking = Pick<Identity, 'provider' | 'issuer' | 'subject' | 'label'>

export const identityTaken = problem('conflict', {
  detail: 'this identity belongs to another account; unlink it there first',
})
export const otherLinked = problem('conflict', {
  detail: 'the account has another identity of this provider; unlink that one first',
})

const putOut = problem('forbidden', { detail: 'the sign-in that asked for it has ended' })

/** Add an identity to an account. Nobody's identity is taken away by it, and an account has one of each provider. */
export async function linkIdentity(
  context: NoticesContext,
  asked: { readonly actor: Actor; readonly userId: string; readonly own?: boolean; readonly identity: Linking },
): Promise<Outcome<Identity>> {
  const { actor, userId, identity } = asked
  const nameRef = identityNameRef(identity.issuer, identity.subject)
  const papers = changeWrites(
    context,
    { type: 'identity.linked', userId, actor: actorName(actor), target: identity.provider },
    [],
  )
  const notice = noticeWrites(context, await findUser(context, userId), 'identity.linked')
  for (;;) {
    const before = await readAlive(context.transition.store, nameRef, context.clock.seconds())
    const holder = before?.target ?? userId
    const refs = {
      user: ref('user', userId),
      holder: ref('user', holder),
      name: nameRef,
      place: identityRef(userId, identity.provider),
    }
    const result = await transition(
      context.transition,
      refs,
      ({ user, holder: held, name, place }, now): Decision<Outcome<Identity> | 'moved'> => {
        if ((name.value?.target ?? userId) !== holder) return { writes: [], result: 'moved' }
        if (user.value === undefined) return { writes: [], result: { refused: noSuchUser } }
        const refused = permit(actor, { do: asked.own === true ? 'change-self' : 'change-user', target: user.value })
        if (refused !== undefined) return { writes: [], result: { refused } }
        // Whoever was put out since he asked links nothing: recovering an account ends this way back too.
        if (asked.own === true && actor.kind === 'user' && actor.user.epoch !== user.value.epoch)
          return { writes: [], result: { refused: putOut } }
        // What a deleted account left behind is nobody's.
        if (holder !== userId && held.value !== undefined) return { writes: [], result: { refused: identityTaken } }
        const there = place.value
        if (there !== undefined && isSameIdentity(there, identity) && name.value !== undefined)
          return { writes: [], result: { done: there } }
        if (there !== undefined) return { writes: [], result: { refused: otherLinked } }
        const linked: Identity = { v: 1, userId, ...identity, linkedAt: now }
        return {
          writes: [
            check(user),
            put(name, { v: 1, target: userId }, { expiresAt: null, owners: [userId] }),
            put(place, linked, { expiresAt: null, owners: [userId] }),
            ...papers(now),
            ...notice,
          ],
          result: { done: linked },
        }
      },
    )
    if (result === 'moved') continue
    context.outbox?.wake()
    return result
  }
}
