import { meetsContext } from '../domain/authentication-context.ts'
import { epochOf } from '../domain/epoch.ts'
import { check, ref, type Ref, type Write } from '../domain/record.ts'
import { isStillIn, provedRecently } from '../domain/session-state.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import type { SlotsOf } from '../store/transition.ts'
import type { AccessClaims } from '../tokens/access-claims.ts'

/** Where a person changes his own account from: a browser in which he signed in a moment ago, or an application that he signed in to. */
export type Standing =
  | { readonly sessionId: string }
  /** Of a token whose sign-in was recent when it was shown. */
  | { readonly token: Pick<AccessClaims, 'clientId' | 'gid' | 'jti' | 'epoch' | 'acr'> }

export type StandingRefs = {
  readonly instance: Ref<'instance'>
  readonly user: Ref<'user'>
  readonly session?: Ref<'session'>
  readonly client?: Ref<'client'>
  readonly grant?: Ref<'grant'>
  readonly revoked?: Ref<'revoked'>
}

/** What a change must find as it is when it is committed (L4): whatever puts its person out meanwhile comes before it. */
export function standingRefs(userId: string, standing: Standing): StandingRefs {
  const house = { instance: ref('instance', 'self'), user: ref('user', userId) }
  if ('sessionId' in standing) return { ...house, session: ref('session', standing.sessionId) }
  const { clientId, gid, jti } = standing.token
  return { ...house, client: ref('client', clientId), grant: ref('grant', gid), revoked: ref('revoked', jti) }
}

/** Whether he still stands there. */
export function stands(slots: SlotsOf<StandingRefs>, standing: Standing, now: EpochSeconds): boolean {
  const { instance, user, session, client, grant, revoked } = slots
  if ('sessionId' in standing) {
    if (session?.value === undefined || user.value === undefined) return false
    return (
      isStillIn({ instance, user, session }, now) && provedRecently({ session: session.value, user: user.value }, now)
    )
  }
  if (instance.value === undefined || user.value === undefined || user.value.locked) return false
  if (client?.value === undefined || client.value.disabled || revoked?.value !== undefined) return false
  // Absent isn't alive: a grant outlives every token that names it.
  if (grant?.value === undefined || grant.value.revokedAt !== undefined) return false
  return standing.token.epoch === epochOf(instance.value, user.value, client.value)
}

/** Whether his sign-in showed a second factor: one that was set up a moment ago is asked for as one of last year is. */
export function showedSecondFactor({ session }: Pick<SlotsOf<StandingRefs>, 'session'>, standing: Standing): boolean {
  if ('token' in standing) return meetsContext('mfa', { acr: standing.token.acr ?? '', amr: [] })
  return session?.value !== undefined && meetsContext('mfa', session.value)
}

/** All that it rests on; without the session, where the change writes that itself. */
export function checkStanding(slots: SlotsOf<StandingRefs>, writesSession: boolean): readonly Write[] {
  const { instance, user, session, client, grant, revoked } = slots
  return [instance, user, writesSession ? undefined : session, client, grant, revoked].flatMap((slot) =>
    slot === undefined ? [] : [check(slot)],
  )
}
