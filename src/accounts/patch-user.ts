import { eventWrite } from '../audit/event-write.ts'
import type { Actor, Deed } from '../domain/authority.ts'
import type { EventType } from '../domain/event.ts'
import type { Imprint } from '../domain/grant.ts'
import { check, put, ref, remove, type Decision, type Slot, type Write } from '../domain/record.ts'
import type { Role, User } from '../domain/user.ts'
import { describe, isRefusal } from '../protocol/errors.ts'
import { problem, type Problem } from '../protocol/problem.ts'
import { carrySession } from '../domain/carry-session.ts'
import { standsInForPassword } from '../domain/stands-in-for-password.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { parseUsername, type Username } from '../protocol/username.ts'
import { transition } from '../store/transition.ts'
import { botPatchProblem, nameTaken, roleProblem, wranglerProblem } from './account-problems.ts'
import type { Outcome, PasswordsContext } from './context.ts'
import { emailRef } from './email-name.ts'
import { factorsRef } from './find-factors.ts'
import { findUser, normalOf, usernameRef } from './find-user.ts'
import { noSuchUser } from './no-such-user.ts'
import { noticeWrites } from './notice-writes.ts'
import { changeWrites } from './change-writes.ts'
import { ownWords, passwordProblem } from './password-policy.ts'
import { actorName, permit } from './permit.ts'
import { putOut } from './put-out.ts'
import type { LettersContext } from './request-letter.ts'
import { emailProblem, fullNameProblem, scopesProblem } from './user-fields.ts'
import {
  withLocked,
  withPassword,
  withProfile,
  withRole,
  withScopes,
  withWrangler,
  type Profile,
} from './user-steps.ts'

/** The fields of an account that change. Absent: stays as it is. */
export type UserPatch = Profile & {
  readonly username?: string
  readonly password?: string
  readonly role?: Role
  readonly scopes?: readonly string[]
  /** User id of the person who answers for the bot. */
  readonly wrangler?: string
  readonly locked?: boolean
}

type Request = {
  readonly actor: Actor
  readonly userId: string
  readonly patch: UserPatch
  /** The person himself, who may change his names and address alone. */
  readonly own?: boolean
  readonly keep?: KeptSession
}

/** The session in which the person changes his own password: it alone outlives the change. */
type KeptSession = {
  readonly sessionId: string
  /** Its sign-in is all that says that it is he: no current password was named. */
  readonly standsIn: boolean
  /** Of the token that was shown, where one was. */
  readonly grantId?: string | undefined
  /** Of its next cookie, where the person asks in that very browser. */
  readonly imprint?: Imprint | undefined
}

type PatchContext = PasswordsContext & LettersContext

/** Change several things about one account in one commit: if one of them may not be, none is. */
export async function patchUser(context: PatchContext, request: Request): Promise<Outcome<User>> {
  const { actor, userId, patch } = request
  const wanted = patch.username === undefined ? undefined : parseUsername(patch.username)
  if (isRefusal(wanted)) return { refused: problem('invalid_field', { field: 'username', detail: describe(wanted) }) }
  const malformed =
    fullNameProblem(patch.fullName ?? undefined) ??
    emailProblem(patch.email ?? undefined) ??
    scopesProblem(patch.scopes)
  if (malformed !== undefined) return { refused: malformed }
  let passwordHash: string | undefined
  for (;;) {
    const before = await findUser(context, userId)
    if (before === undefined) return { refused: noSuchUser }
    // Asked before the work of judging and hashing too, so that nobody unentitled can cause it.
    const refused = refusalOf(actor, before, request) ?? botPatchProblem(before, patch)
    if (refused !== undefined) return { refused }
    if (patch.password !== undefined && passwordHash === undefined) {
      const weak = await passwordProblem(context.strength, patch.password, ownWords(before))
      if (weak !== undefined) return weak
      passwordHash = await context.passwords.hash(patch.password)
    }
    const result = await patchFrom(context, { ...request, before, wanted, passwordHash })
    if (result === 'changed meanwhile') continue
    if (patch.email !== undefined || passwordHash !== undefined) context.outbox?.wake()
    return result
  }
}

async function patchFrom(
  context: PatchContext,
  request: Request & {
    readonly before: User
    readonly wanted: Username | undefined
    readonly passwordHash: string | undefined
  },
): Promise<Outcome<User> | 'changed meanwhile'> {
  const { actor, userId, patch, before, wanted, passwordHash, keep } = request
  const nowMillis = context.clock.millis()
  const target = ref('user', userId)
  const oldName = usernameRef(normalOf(before.username))
  const newName = wanted === undefined ? oldName : usernameRef(wanted.normal)
  const [first, ...others] = eventsOf(patch)
  const about = { userId, actor: actorName(actor) }
  const trail = changeWrites(context, { type: first ?? 'user.changed', ...about }, [target])
  const readdressed = patch.email !== undefined && (patch.email ?? undefined) !== before.email
  // H18: whoever reads the address of until now hears of it, whoever takes it away.
  const farewell = [
    ...(readdressed ? noticeWrites(context, before, 'user.email_changed') : []),
    ...(passwordHash === undefined ? [] : noticeWrites(context, before, 'user.password_changed')),
  ]
  const further = others.map((type) => eventWrite(context, { type, ...about }))
  const refs = {
    user: target,
    from: oldName,
    to: newName,
    wrangler: ref('user', patch.wrangler ?? before.wrangler ?? userId),
    kept: ref('session', keep?.sessionId ?? 'none'),
    address: emailRef(before.email ?? ''),
    instance: ref('instance', 'self'),
    factors: factorsRef(userId),
    grant: ref('grant', keep?.grantId ?? 'none'),
  }
  return transition(context.transition, refs, (slots, now): Decision<Outcome<User> | 'changed meanwhile'> => {
    const { user: slot, from, to, wrangler, address } = slots
    const user = slot.value
    if (user === undefined) return { writes: [], result: { refused: noSuchUser } }
    if (user.username !== before.username || user.wrangler !== before.wrangler || user.email !== before.email)
      return { writes: [], result: 'changed meanwhile' }
    const moves = newName.id !== oldName.id
    if (keep?.standsIn === true && !stillStandsIn(keep, slots, now)) return { writes: [], result: { refused: putOut } }
    const refused =
      refusalOf(actor, user, request) ??
      botPatchProblem(user, patch) ??
      (moves && to.value !== undefined ? nameTaken : undefined) ??
      (patch.wrangler === undefined ? undefined : wranglerProblem(wrangler.value, patch.role ?? user.role)) ??
      (user.bot ? roleProblem(wrangler.value, patch.role) : undefined)
    if (refused !== undefined) return { writes: [], result: { refused } }
    const after = patched(user, { patch, wanted, passwordHash, nowMillis })
    if (after === user) return { writes: [], result: { done: user } }
    const dated: User = { ...after, updatedAt: now }
    return {
      writes: [
        put(slot, dated, { expiresAt: null }),
        ...(moves ? renameWrites(from, to, userId) : []),
        ...(wrangler.id === userId ? [] : [check(wrangler)]),
        // An address that is given up is free for whoever proves it next.
        ...(user.emailVerified && !dated.emailVerified && address.value?.target === userId ? remove(address) : []),
        ...(keep === undefined ? [] : keptSessionWrites(keep, slots, [user, dated])),
        ...trail(now),
        ...further,
        ...farewell,
      ],
      result: { done: dated },
    }
  })
}

type SignInSlots = {
  readonly user: Slot<'user'>
  readonly kept: Slot<'session'>
  readonly instance: Slot<'instance'>
  readonly factors: Slot<'factors'>
  readonly grant: Slot<'grant'>
}

/** L4: as with the password itself, judging and hashing took their time. */
function stillStandsIn({ grantId }: KeptSession, slots: SignInSlots, now: EpochSeconds): boolean {
  const { user, kept, instance, factors, grant } = slots
  const takenBack = grantId !== undefined && (grant.value === undefined || grant.value.revokedAt !== undefined)
  const signIn = { session: kept.value, user: user.value, instance: instance.value, factors: factors.value }
  return !takenBack && standsInForPassword(signIn, now)
}

/** The kept session outlives the change; what its sign-in was judged by is checked in the same commit (L4). */
function keptSessionWrites(
  { standsIn, grantId, imprint }: KeptSession,
  { kept, instance, factors, grant }: SignInSlots,
  accounts: readonly [before: User, after: User],
): readonly Write[] {
  const carried = carrySession(kept, accounts, imprint)
  // What this commit doesn't write itself.
  const judgedBy = standsIn ? [check(instance), check(factors), ...(grantId === undefined ? [] : [check(grant)])] : []
  return [...carried, ...judgedBy]
}

/** Takes the new name, and frees the old one where that is still this account's. */
function renameWrites(from: Slot<'name'>, to: Slot<'name'>, userId: string): readonly Write[] {
  const freed = from.value?.target === userId ? remove(from) : []
  return [...freed, put(to, { v: 1, target: userId }, { expiresAt: null, owners: [userId] })]
}

function patched(
  user: User,
  about: {
    readonly patch: UserPatch
    readonly wanted: Username | undefined
    readonly passwordHash: string | undefined
    readonly nowMillis: number
  },
): User {
  const { patch, wanted, passwordHash, nowMillis } = about
  let after = withProfile(user, patch)
  if (wanted !== undefined && wanted.username !== after.username) after = { ...after, username: wanted.username }
  if (patch.role !== undefined) after = withRole(after, patch.role, nowMillis)
  if (patch.scopes !== undefined) after = withScopes(after, patch.scopes, nowMillis)
  if (patch.wrangler !== undefined) after = withWrangler(after, patch.wrangler, nowMillis)
  if (patch.locked !== undefined) after = withLocked(after, patch.locked, nowMillis)
  return passwordHash === undefined ? after : withPassword(after, passwordHash, nowMillis)
}

/** Every deed that the patch means must be allowed. */
function refusalOf(actor: Actor, target: User, { patch, own = false }: Request): Problem | undefined {
  const { role, scopes, locked } = patch
  // L4: judging and hashing take their time; who is put out meanwhile, by another password above all, changes nothing any more.
  if (own && actor.kind === 'user' && actor.user.epoch !== target.epoch) return putOut
  const deeds: readonly Deed[] = [
    { do: own ? 'change-self' : 'change-user', target },
    // Naming the role that an account has already changes nothing.
    ...(role === undefined || role === target.role ? [] : [{ do: 'set-role', target, role } as const]),
    ...(scopes === undefined ? [] : [{ do: 'set-scopes', target, scopes } as const]),
    ...(locked === undefined ? [] : [{ do: locked ? 'lock-user' : 'unlock-user', target } as const]),
  ]
  for (const deed of deeds) {
    const refused = permit(actor, deed)
    if (refused !== undefined) return refused
  }
  return undefined
}

function eventsOf({ password, locked, ...rest }: UserPatch): readonly EventType[] {
  return [
    ...(Object.keys(rest).length > 0 ? ['user.changed' as const] : []),
    ...(password === undefined ? [] : ['user.password_changed' as const]),
    ...(locked === undefined ? [] : [locked ? ('user.locked' as const) : ('user.unlocked' as const)]),
  ]
}
