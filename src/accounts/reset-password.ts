import { eventWrite } from '../audit/event-write.ts'
import type { Identity } from '../domain/identity.ts'
import { check, put, ref, remove, type Decision, type Ref, type Write } from '../domain/record.ts'
import { isFor } from '../domain/ticket.ts'
import type { User } from '../domain/user.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { readAlive } from '../store/read-alive.ts'
import { transition, type SlotsOf } from '../store/transition.ts'
import type { Outcome, PasswordsContext } from './context.ts'
import { identitiesOf } from './find-identity.ts'
import { findUser } from './find-user.ts'
import { identityNameRef, identityRef } from './identity-refs.ts'
import { letterUsed } from './letter-used.ts'
import { changeWrites } from './change-writes.ts'
import { noticeWrites } from './notice-writes.ts'
import { ownWords, passwordProblem } from './password-policy.ts'
import type { LettersContext } from './request-letter.ts'
import { siteCredential, type SiteCredential } from './site-credential.ts'
import { withPassword } from './user-steps.ts'

type Resetting = {
  readonly ticketId: string
  readonly userId: string
  readonly password: string
  /** Names of all there are: at each the account may have an identity. */
  readonly providers: Iterable<string>
}

/**
 * A new password for whoever read the letter. Once: the ticket goes in the same commit, and so does every session and token, by
 * the epoch, and every identity elsewhere: who recovers an account may do it because somebody else came in and left himself such
 * a way back, with what a site gave for it. A letter from before another change of the account is worth nothing any more.
 */
export async function resetPassword(
  context: PasswordsContext & LettersContext,
  asked: Resetting,
): Promise<Outcome<User>> {
  const { ticketId, userId, password } = asked
  const before = await findUser(context, userId)
  if (before === undefined) return { refused: letterUsed }
  const weak = await passwordProblem(context.strength, password, ownWords(before))
  if (weak !== undefined) return weak
  const passwordHash = await context.passwords.hash(password)
  const nowMillis = context.clock.millis()
  const trail = changeWrites(context, { type: 'user.password_changed', userId }, [ref('user', userId)])
  // Not only its reader should know: his mailbox may be read by others.
  const notice = noticeWrites(context, before, 'user.password_changed')
  for (;;) {
    const linked = await linkedAt(context, asked)
    const unlinked = linked.flatMap(({ identity }) =>
      identity === undefined
        ? []
        : [eventWrite(context, { type: 'identity.unlinked', userId, target: identity.provider })],
    )
    const result = await transition(
      context.transition,
      { ticket: ref('ticket', ticketId), user: ref('user', userId), ...refsOf(userId, linked) },
      (slots, now): Decision<Outcome<User> | 'changed meanwhile'> => {
        const { ticket, user: slot } = slots
        const user = slot.value
        const addressee = ticket.value?.purpose === 'recover' ? ticket.value.addressee : undefined
        if (user === undefined || user.locked || !isFor(addressee, user))
          return { writes: [], result: { refused: letterUsed } }
        const gone = unlinkAll(slots, { userId, linked, now })
        if (gone === 'changed meanwhile') return { writes: [], result: gone }
        const after = { ...withPassword(user, passwordHash, nowMillis), updatedAt: now }
        return {
          writes: [
            ...remove(ticket),
            put(slot, after, { expiresAt: null }),
            ...gone,
            ...unlinked,
            ...notice,
            ...trail(now),
          ],
          result: { done: after },
        }
      },
    )
    if (result === 'changed meanwhile') continue
    context.outbox?.wake()
    return result
  }
}

/** What an account is, or isn't, at one provider. */
type Linked = {
  readonly provider: string
  readonly identity: Identity | undefined
  readonly credential: SiteCredential
}

type IdentityRefs = Readonly<Record<`place ${string}`, Ref<'identity'>>> &
  Readonly<Record<`name ${string}`, Ref<'name'>>> &
  Readonly<Record<`credential ${string}`, Ref<'connection'>>> &
  Readonly<Record<`edition ${string}`, Ref<'edition'>>>

/** Each place is read by itself, since lists may lag behind; they add the providers that are no more and may come back. */
async function linkedAt(context: PasswordsContext, { userId, providers }: Resetting): Promise<readonly Linked[]> {
  const once = (await identitiesOf(context, userId)).map(({ provider }) => provider)
  const { store } = context.transition
  return Promise.all(
    [...new Set([...providers, ...once])].map(async (provider) => ({
      provider,
      identity: await readAlive(store, identityRef(userId, provider), context.clock.seconds()),
      credential: await siteCredential(context, { userId, provider, actor: userId }),
    })),
  )
}

function refsOf(userId: string, linked: readonly Linked[]): IdentityRefs {
  const refs: { -readonly [Name in keyof IdentityRefs]: IdentityRefs[Name] } = {}
  for (const { provider, identity, credential } of linked) {
    refs[`credential ${provider}`] = credential.ref
    refs[`edition ${provider}`] = credential.editionRef
    refs[`place ${provider}`] = identityRef(userId, provider)
    if (identity !== undefined) refs[`name ${provider}`] = identityNameRef(identity.issuer, identity.subject)
  }
  return refs
}

function unlinkAll(
  slots: SlotsOf<IdentityRefs>,
  { userId, linked, now }: { readonly userId: string; readonly linked: readonly Linked[]; readonly now: EpochSeconds },
): readonly Write[] | 'changed meanwhile' {
  const writes: Write[] = []
  for (const { provider, identity, credential } of linked) {
    const place = slots[`place ${provider}`]
    const name = slots[`name ${provider}`]
    if (place === undefined || place.value?.issuer !== identity?.issuer || place.value?.subject !== identity?.subject)
      return 'changed meanwhile'
    // An empty place must stay empty until the commit: nothing is linked while the account is recovered.
    writes.push(...(place.version === null ? [check(place)] : remove(place)))
    if (name?.value?.target === userId) writes.push(...remove(name))
    const [held, edition] = [slots[`credential ${provider}`], slots[`edition ${provider}`]]
    if (held !== undefined && edition !== undefined) writes.push(...credential.end(held, edition, now))
  }
  return writes
}
