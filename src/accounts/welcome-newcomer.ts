import type { Newcomer } from '../domain/identity.ts'
import { ref, remove, type Decision } from '../domain/record.ts'
import type { User } from '../domain/user.ts'
import { userIdPrefix } from '../protocol/client-id.ts'
import { problem } from '../protocol/problem.ts'
import { readAlive } from '../store/read-alive.ts'
import { transition } from '../store/transition.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { nameTaken } from './account-problems.ts'
import { usernameRef } from './find-user.ts'
import { identifiedAccount } from './identified-account.ts'
import { identityNameRef } from './identity-refs.ts'
import { identityTaken } from './link-identity.ts'
import { changeWrites } from './change-writes.ts'
import { readUserFields } from './user-fields.ts'

const gone = problem('not_found', { detail: 'the sign-in that this belongs to has ended' })

/**
 * Make an account for somebody who proved an identity that no account has: name, identity and account in one commit, in which the
 * newcomer is used up. It has no password, and his address is not taken for confirmed: he confirms it to us himself.
 */
export async function welcomeNewcomer(
  context: AccountsContext,
  asked: { readonly newcomerId: string; readonly newcomer: Newcomer; readonly username: string },
): Promise<Outcome<User>> {
  const { newcomer } = asked
  const { provider, issuer, subject } = newcomer
  const fields = readUserFields({ username: asked.username })
  if ('refused' in fields) return fields
  const { username, normal } = fields.done
  const userId = userIdPrefix + context.random.text(16)
  const nameRef = identityNameRef(issuer, subject)
  const before = await readAlive(context.transition.store, nameRef, context.clock.seconds())
  const trail = changeWrites(context, { type: 'user.created', userId, actor: `provider ${provider}` }, [
    ref('user', userId),
  ])
  const link = changeWrites(context, { type: 'identity.linked', userId, target: provider }, [])
  const refs = {
    newcomer: ref('newcomer', asked.newcomerId),
    username: usernameRef(normal),
    name: nameRef,
    holder: ref('user', before?.target ?? userId),
  }
  return transition(context.transition, refs, (slots, now): Decision<Outcome<User>> => {
    if (slots.newcomer.value === undefined) return { writes: [], result: { refused: gone } }
    const isFree =
      slots.name.value === undefined || (slots.name.value.target === before?.target && slots.holder.value === undefined)
    if (!isFree) return { writes: [], result: { refused: identityTaken } }
    if (slots.username.value !== undefined) return { writes: [], result: { refused: nameTaken } }
    const { user, writes } = identifiedAccount({ userId, username, identified: newcomer }, slots, now)
    return { writes: [...remove(slots.newcomer), ...writes, ...trail(now), ...link(now)], result: { done: user } }
  })
}
