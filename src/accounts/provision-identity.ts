import type { Actor } from '../domain/authority.ts'
import type { MintRequest } from '../domain/mint-request.ts'
import { usualScopes } from '../domain/mint-request.ts'
import { ref, type Decision } from '../domain/record.ts'
import { signInBar } from '../domain/sign-in-bar.ts'
import type { User } from '../domain/user.ts'
import { userIdPrefix } from '../protocol/client-id.ts'
import { isRefusal } from '../protocol/errors.ts'
import { problem } from '../protocol/problem.ts'
import { parseUsername } from '../protocol/username.ts'
import { readAlive } from '../store/read-alive.ts'
import { transition } from '../store/transition.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { findUserOfIdentity } from './find-identity.ts'
import { identifiedAccount, type Identified } from './identified-account.ts'
import { identityNameRef } from './identity-refs.ts'
import { mintToken, type MintContext, type MintedToken } from './mint-token.ts'
import { changeWrites } from './change-writes.ts'
import { actorName, permit } from './permit.ts'
import { suggestUsername } from './suggest-username.ts'
import { usernameRef } from './find-user.ts'

export type Provisioning = {
  readonly actor: Actor
  readonly address: string
  readonly identified: Identified
  /** What he would like to be called. A name like it is given to him, whole and free. */
  readonly preferredUsername: string
  readonly token: MintRequest
}

export type Provisioned = MintedToken & { readonly user: User; readonly created: boolean }

/** More than that many others can't be quicker each time. */
const mostTries = 8

/**
 * Login-or-create for a front end that signed somebody in itself: the account of an identity, made if there is none, and a token
 * for it. The token never holds a power over this server, and no sign-in stands behind it here.
 */
export async function provisionIdentity(context: MintContext, asked: Provisioning): Promise<Outcome<Provisioned>> {
  const { actor, address, identified, token } = asked
  // Asked before anything is made; for an account that is there the decision asks again, with its role.
  const scopes = token.scope ?? (token.resource === undefined ? usualScopes : [])
  const refused = permit(actor, { do: 'provision', target: undefined, scopes })
  if (refused !== undefined) return { refused }
  const found = await findOrMake(context, asked)
  if ('refused' in found) return found
  const { user, created } = found.done
  const bar = signInBar(user)
  if (bar !== undefined) return { refused: bar === 'bot' ? ofBot : locked }
  const name = token.name ?? identified.provider
  const made = await mintToken(context, { actor, userId: user.userId, address, right: 'provision' }, { ...token, name })
  return 'refused' in made ? made : { done: { ...made.done, user, created } }
}

type Found = { readonly user: User; readonly created: boolean }

async function findOrMake(context: AccountsContext, asked: Provisioning): Promise<Outcome<Found>> {
  const { identified, preferredUsername } = asked
  for (let tries = 0; tries < mostTries; tries += 1) {
    const user = await findUserOfIdentity(context, identified)
    if (user !== undefined) return { done: { user, created: false } }
    const username = await suggestUsername(context, [preferredUsername, `${preferredUsername}-${identified.provider}`])
    const made = await make(context, asked, username)
    // Somebody was quicker, with the name or with this very identity.
    if (made !== 'taken') return { done: { user: made, created: true } }
  }
  return { refused: problem('conflict', { detail: 'others take the same names at the same time: try again' }) }
}

async function make(
  context: AccountsContext,
  { actor, address, identified }: Provisioning,
  wish: string,
): Promise<User | 'taken'> {
  const parsed = parseUsername(wish)
  if (isRefusal(parsed)) return 'taken'
  const { username, normal } = parsed
  const userId = userIdPrefix + context.random.text(16)
  const nameRef = identityNameRef(identified.issuer, identified.subject)
  const before = await readAlive(context.transition.store, nameRef, context.clock.seconds())
  const by = { userId, actor: actorName(actor), address }
  const trail = changeWrites(context, { type: 'user.created', ...by }, [ref('user', userId)])
  const link = changeWrites(context, { type: 'identity.linked', ...by, target: identified.provider }, [])
  const refs = { username: usernameRef(normal), name: nameRef, holder: ref('user', before?.target ?? userId) }
  return transition(context.transition, refs, (slots, now): Decision<User | 'taken'> => {
    // What a deleted account left behind is nobody's.
    const isFree =
      slots.name.value === undefined || (slots.name.value.target === before?.target && slots.holder.value === undefined)
    if (!isFree || slots.username.value !== undefined) return { writes: [], result: 'taken' }
    const { user, writes } = identifiedAccount({ userId, username, identified }, slots, now)
    return { writes: [...writes, ...trail(now), ...link(now)], result: user }
  })
}

const locked = problem('forbidden', { detail: 'the account of this identity is locked' })
const ofBot = problem('forbidden', { detail: 'the account of this identity is a bot, and nobody signs in as it' })
