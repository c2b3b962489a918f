import type { Actor } from '../domain/authority.ts'
import { isSameIdentity } from '../domain/identity.ts'
import { check, put, ref, remove, type Decision } from '../domain/record.ts'
import { problem } from '../protocol/problem.ts'
import { readAlive } from '../store/read-alive.ts'
import { transition } from '../store/transition.ts'
import type { Outcome } from './context.ts'
import { findUser } from './find-user.ts'
import { identitiesOf } from './find-identity.ts'
import { identityNameRef, identityRef } from './identity-refs.ts'
import { noSuchUser } from './no-such-user.ts'
import { changeWrites } from './change-writes.ts'
import { noticeWrites } from './notice-writes.ts'
import { actorName, permit } from './permit.ts'
import type { LettersContext } from './request-letter.ts'
import { siteCredential } from './site-credential.ts'

const noSuchIdentity = problem('not_found', { detail: 'the account has no identity of this provider' })
const last = problem('conflict', {
  detail: 'without this identity nobody could sign in to the account; set a password or link another one first',
})

/** Take an identity from an account, unless it is the person's own last way in. An administrator may take that too. */
export async function unlinkIdentity(
  context: LettersContext,
  asked: { readonly actor: Actor; readonly userId: string; readonly own?: boolean; readonly provider: string },
): Promise<Outcome<{ readonly provider: string }>> {
  const { actor, userId, provider } = asked
  const placeRef = identityRef(userId, provider)
  const happening = { type: 'identity.unlinked', userId, actor: actorName(actor), target: provider } as const
  const trail = changeWrites(context, happening, [ref('user', userId)])
  const credential = await siteCredential(context, { userId, provider, actor: actorName(actor) })
  const identity = await readAlive(context.transition.store, placeRef, context.clock.seconds())
  if (identity === undefined) return { refused: noSuchIdentity }
  // The same identity under another provider's name goes too: it is no other way in.
  const other = (await identitiesOf(context, userId)).find(
    (one) => one.provider !== provider && !isSameIdentity(one, identity),
  )
  const refs = {
    user: ref('user', userId),
    place: placeRef,
    name: identityNameRef(identity.issuer, identity.subject),
    // The other way in must still be there when this one goes: two taken at once would lock the person out.
    other: identityRef(userId, other?.provider ?? provider),
    credential: credential.ref,
    edition: credential.editionRef,
  }
  const notice = noticeWrites(context, await findUser(context, userId), 'identity.unlinked')
  const unlinked = await transition(
    context.transition,
    refs,
    (slots, now): Decision<Outcome<{ readonly provider: string }>> => {
      const user = slots.user.value
      if (user === undefined) return { writes: [], result: { refused: noSuchUser } }
      const refused = permit(actor, { do: asked.own === true ? 'change-self' : 'change-user', target: user })
      if (refused !== undefined) return { writes: [], result: { refused } }
      const there = slots.place.value
      if (there === undefined || !isSameIdentity(there, identity))
        return { writes: [], result: { refused: noSuchIdentity } }
      const stays = other !== undefined && slots.other.value !== undefined
      if (asked.own === true && user.passwordHash === undefined && !stays)
        return { writes: [], result: { refused: last } }
      return {
        writes: [
          // By its time an account that nobody has touched is told apart from this one (cli/bring-in.ts).
          put(slots.user, { ...user, updatedAt: Math.max(now, user.updatedAt + 1) }, { expiresAt: null }),
          ...(stays ? [check(slots.other)] : []),
          ...remove(slots.place),
          ...(slots.name.value?.target === userId ? remove(slots.name) : []),
          ...credential.end(slots.credential, slots.edition, now),
          ...trail(now),
          ...notice,
        ],
        result: { done: { provider } },
      }
    },
  )
  context.outbox?.wake()
  return unlinked
}
