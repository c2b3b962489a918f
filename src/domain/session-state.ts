import type { EpochSeconds } from '../protocol/time.ts'
import { strengthen } from './authentication-context.ts'
import { sessionEpochOf } from './epoch.ts'
import type { Authentication, Imprint } from './grant.ts'
import type { Instance } from './instance.ts'
import { lifetimes } from './lifetimes.ts'
import { append, put, type Slot, type Write } from './record.ts'
import type { AuditEvent } from './event.ts'
import type { SignedIn } from './next-step.ts'
import type { ProvedAt, Session, SessionEnd } from './session.ts'
import { signInBar } from './sign-in-bar.ts'
import type { User } from './user.ts'

/** A session that holds: not ended, not expired, its user there and not locked, a person, nothing bumped since. */
export function isSessionAlive(
  { session, user, instance }: { readonly session: Session; readonly user: User; readonly instance: Instance },
  now: EpochSeconds,
): boolean {
  return (
    session.ended === undefined &&
    now < sessionExpiry(session) &&
    signInBar(user) === undefined &&
    session.userId === user.userId &&
    session.epoch === sessionEpochOf(instance, user)
  )
}

/** The same, as a decision finds it that changes something of the account: so that nothing comes to be after its sessions ended. */
export function isStillIn(
  slots: { readonly session: Slot<'session'>; readonly user: Slot<'user'>; readonly instance: Slot<'instance'> },
  now: EpochSeconds,
): boolean {
  const [session, user, instance] = [slots.session.value, slots.user.value, slots.instance.value]
  if (session === undefined || user === undefined || instance === undefined) return false
  return isSessionAlive({ session, user, instance }, now)
}

/** Changing credentials, names or identities takes a sign-in of the last minutes: an open browser may be anybody's. */
export function isRecentSignIn(authTime: EpochSeconds, now: EpochSeconds): boolean {
  return now - authTime <= lifetimes.recentSignIn
}

/**
 * The same of a session. Coming back from a provider that doesn't say when it saw the person counts for somebody who has no
 * password here to prove himself with, and for nobody else (docs/decisions/0012).
 */
export function provedRecently({ session, user }: Pick<SignedIn, 'session' | 'user'>, now: EpochSeconds): boolean {
  if (session.untold === true && user.passwordHash !== undefined) return false
  return isRecentSignIn(session.authTime, now)
}

/** When the person of a session proved himself, and nothing else of it. */
export function provedAt({ authTime, untold }: ProvedAt): ProvedAt {
  return { authTime, ...(untold === true && { untold }) }
}

/** What others may be told of how somebody signed in. */
export function authenticationOf({ sessionId, session }: Pick<SignedIn, 'sessionId' | 'session'>): Authentication {
  const { authTime, untold, acr, amr } = session
  return { ...(untold === true ? {} : { authTime }), acr, amr, sessionId }
}

export function sessionExpiry(session: Session): EpochSeconds {
  return Math.min(session.lastSeenAt + session.idleTtl, session.absoluteExpiresAt)
}

export type SessionStart = {
  readonly user: User
  readonly instance: Instance
  readonly now: EpochSeconds
  /** When the person proved himself. Absent: now. */
  readonly proved?: ProvedAt | undefined
  readonly persistent: boolean
  readonly amr: readonly string[]
  readonly acr: string
  readonly nonce: string
  readonly keyId: string
  readonly device: string
  /** Seconds that the person chose; never more than what sessions live anyway. */
  readonly lasts?: number | undefined
  /** The session that this one takes the place of. */
  readonly previous?: { readonly sessionId: string; readonly session: Session } | undefined
}

/** Under which session the grants of a session are listed: signing out must find those from before a new proof too. */
export function rootOf(sessionId: string, session: Session): string {
  return session.root ?? sessionId
}

export function startSession(start: SessionStart): Session {
  const { previous } = start
  const [idle, absolute] = start.persistent
    ? [lifetimes.persistentSessionIdle, lifetimes.persistentSessionAbsolute]
    : [lifetimes.sessionIdle, lifetimes.sessionAbsolute]
  return {
    v: 1,
    userId: start.user.userId,
    nonce: start.nonce,
    keyId: start.keyId,
    authTime: start.proved?.authTime ?? start.now,
    ...(start.proved?.untold === true && { untold: true }),
    acr: start.acr,
    amr: start.amr,
    persistent: start.persistent,
    createdAt: start.now,
    lastSeenAt: start.now,
    absoluteExpiresAt: start.now + Math.min(absolute, start.lasts ?? absolute),
    idleTtl: idle,
    epoch: sessionEpochOf(start.instance, start.user),
    ...(previous?.session.userId === start.user.userId ? { root: rootOf(previous.sessionId, previous.session) } : {}),
    device: start.device,
  }
}

const day = 24 * 60 * 60

/** Whether somebody who chose how long to stay meant longer than his browser stays open. */
export function outlivesBrowser(lasts: number | undefined): boolean {
  return lasts !== undefined && lasts >= day
}

/** In whose list sessions stand that are over while grants of them may still live. */
export const endingSessions = 'ending'

/**
 * A session is over from this commit on. Its grants end one by one afterwards: the record says until then that they must, so
 * that a crash in between leaves nothing alive for good.
 */
export function beginEnd(
  slot: Slot<'session'>,
  { end, eventId }: { readonly end: SessionEnd; readonly eventId: string },
): readonly Write[] {
  const session = slot.value
  if (session === undefined || session.ended !== undefined) return []
  const event: AuditEvent = {
    v: 1,
    type: 'session.ended',
    at: end.at,
    userId: session.userId,
    sessionId: slot.id,
    actor: end.actor,
    address: end.address,
  }
  return [put(slot, { ...session, ended: end }, { expiresAt: null, owners: [endingSessions] }), append(eventId, event)]
}

/** Whether a use is worth a write: a twentieth of the idle time is as exact as an idle limit needs to be. */
export function needsTouch(session: Session, now: EpochSeconds): boolean {
  return session.ended === undefined && now - session.lastSeenAt > session.idleTtl / 20
}

/** A session in which its person has just shown something more. It keeps its name, and its cookie is another one: the one of before may be copied (G03). */
export function strengthenSession(
  slot: Slot<'session'>,
  session: Session,
  { methods, imprint }: { readonly methods: readonly string[]; readonly imprint: Imprint },
): Write {
  const stronger = { ...session, ...strengthen(session, methods), ...imprint }
  return put(slot, stronger, { expiresAt: sessionExpiry(stronger) })
}
