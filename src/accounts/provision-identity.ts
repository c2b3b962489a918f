import type { UsersPolicy } from '../config/config.ts'
import type { Actor } from '../domain/authority.ts'
import type { MintRequest } from '../domain/mint-request.ts'
import { usualScopes } from '../domain/mint-request.ts'
import { ref, type Decision } from '../domain/record.ts'
import { signInBar } from '../domain/sign-in-bar.ts'
import { hasSecondFactor } from '../domain/factors.ts'
import type { User } from '../domain/user.ts'
import { userIdPrefix } from '../protocol/client-id.ts'
import { isRefusal } from '../protocol/errors.ts'
import { problem } from '../protocol/problem.ts'
import { parseUsername } from '../protocol/username.ts'
import { readAlive } from '../store/read-alive.ts'
import { transition } from '../store/transition.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { findFactors } from './find-factors.ts'
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

type ProvisionContext = MintContext & { readonly usersPolicy: () => UsersPolicy }

export type Provisioned = MintedToken & { readonly user: User; readonly created: boolean }

/** More than that many others can't be quicker each time. */
const mostTries = 8

/**
 * Login-or-create for a front end that signed somebody in itself: the account of an identity, made if there is none, and a token
 * for it. The token never holds a power over this server, and no sign-in stands behind it here.
 */
export async function provisionIdentity(context: ProvisionContext, asked: Provisioning): Promise<Outcome<Provisioned>> {
  const { actor, address, identified, token } = asked
  // Asked before anything is made; for an account that is there the decision asks again, with its role.
  const scopes = token.scope ?? (token.resource === undefined ? usualScopes : [])
  const refused = permit(actor, { do: 'provision', target: undefined, scopes })
  if (refused !== undefined) return { refused }
  const found = await findOrMake(context, asked)
  if ('refused' in found) return found
  const { user, created } = found.done
  if (hasSecondFactor(await findFactors(context, user.userId))) return { refused: secondFactorNeeded }
  const bar = (one: User) => barOf(context, one)
  const name = token.name ?? identified.provider
  const minting = { actor, userId: user.userId, address, right: 'provision', bar } as const
  const made = await mintToken(context, minting, { ...token, name })
  return 'refused' in made ? made : { done: { ...made.done, user, created } }
}

/** C25: what a front end saw of somebody is a first factor, and the second is never skipped (decision 0013). */
function barOf({ usersPolicy }: ProvisionContext, user: Pick<User, 'bot' | 'locked' | 'role'>) {
  const bar = signInBar(user)
  if (bar !== undefined) return bar === 'bot' ? ofBot : locked
  return usersPolicy().secondFactor?.includes(user.role) === true ? secondFactorNeeded : undefined
}

type Found = { readonly user: User; readonly created: boolean }

async function findOrMake(context: ProvisionContext, asked: Provisioning): Promise<Outcome<Found>> {
  const { identified, preferredUsername } = asked
  for (let tries = 0; tries < mostTries; tries += 1) {
    const user = await findUserOfIdentity(context, identified)
    if (user !== undefined) return { done: { user, created: false } }
    // Nobody is made who would get nothing.
    const barred = barOf(context, { role: 'editor', bot: false, locked: false })
    if (barred !== undefined) return { refused: barred }
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

const locked = problem('forbidden', {
  detail: 'the account of this identity is locked: an administrator may unlock it',
})
const secondFactorNeeded = problem('forbidden', {
  detail:
    'the account of this identity has a second factor, or its role must have one, and nobody has shown it: send its person through the authorization code flow',
})
const ofBot = problem('forbidden', {
  detail: 'the account of this identity is a bot, and nobody signs in as it: an administrator may unlink the identity',
})
