import { eventWrite } from '../audit/event-write.ts'
import { deviceNameOf } from '../domain/device-name.ts'
import { create, put, ref, type Write } from '../domain/record.ts'
import type { SignedIn } from '../domain/next-step.ts'
import type { Imprint } from '../domain/grant.ts'
import type { ProvedAt, Session } from '../domain/session.ts'
import { sameImprint } from '../domain/same-imprint.ts'
import { isSessionAlive, needsTouch, sessionExpiry, startSession } from '../domain/session-state.ts'
import type { User } from '../domain/user.ts'
import { readWithNewest } from '../keys/read-with-newest.ts'
import { cookieNameOf, parseCookies, printRemoveCookie, printSetCookie } from '../protocol/cookies.ts'
import type { HeaderLine, HttpRequest } from '../protocol/http.ts'
import { lookUp } from '../store/look-up.ts'
import { transition } from '../store/transition.ts'
import { printSessionHandle, readSessionHandle } from '../tokens/session-handle.ts'
import { browserHash, newBrowser } from './browser.ts'
import { schemeOf, type BrowserContext } from './context.ts'
import { rememberDevice } from './known-devices.ts'

const sessionCookie = 'gatehouse-session'

/**
 * Who is signed in in this browser. Expired, superseded, forged and foreign cookies are all nobody. With `recollect` in place
 * of `lookUp` the session may have ended a moment ago: only where a commit checks it.
 */
export async function currentSession(
  context: BrowserContext,
  request: HttpRequest,
  look: typeof lookUp = lookUp,
): Promise<SignedIn | undefined> {
  const { keys } = context
  const text = parseCookies(request.headers['cookie']).get(cookieNameOf(sessionCookie, schemeOf(context)))
  const handle = text === undefined ? undefined : await readWithNewest(keys, () => readSessionHandle(keys, text))
  if (handle === undefined) return undefined
  const now = context.clock.seconds()
  const session = await look(context.transition, ref('session', handle.recordId), now)
  if (session === undefined || !sameImprint(session, handle.imprint)) return undefined
  const user = await context.directory.user(session.userId)
  if (user === undefined || !isSessionAlive({ session, user, instance: await context.directory.instance() }, now))
    return undefined
  if (needsTouch(session, now)) await touch(context, handle.recordId)
  return { sessionId: handle.recordId, session, user }
}

async function touch(context: BrowserContext, sessionId: string): Promise<void> {
  await transition(context.transition, { session: ref('session', sessionId) }, ({ session }, now) => {
    if (session.value === undefined || !needsTouch(session.value, now)) return { writes: [], result: undefined }
    const touched = { ...session.value, lastSeenAt: now }
    return { writes: [put(session, touched, { expiresAt: sessionExpiry(touched) })], result: undefined }
  })
}

/** Another cookie for a session that becomes a stronger one by a commit that writes this imprint: the cookie of before opens nothing then. */
export function renewCookie(
  context: BrowserContext,
  { sessionId, session }: Pick<SignedIn, 'sessionId' | 'session'>,
): { readonly imprint: Imprint; readonly setCookie: HeaderLine } {
  const imprint = freshImprint(context)
  return { imprint, setCookie: cookieOf(context, sessionId, { ...session, ...imprint }) }
}

function freshImprint({ random, keys }: BrowserContext): Imprint {
  return { nonce: random.text(16), keyId: keys.secret('cookie').keyId }
}

function cookieOf(context: BrowserContext, sessionId: string, session: Session): HeaderLine {
  const { persistent, absoluteExpiresAt } = session
  return [
    'set-cookie',
    printSetCookie({
      name: sessionCookie,
      value: printSessionHandle(context.keys, { recordId: sessionId, generation: 0, imprint: session }),
      scheme: schemeOf(context),
      ...(persistent ? { maxAge: absoluteExpiresAt - context.clock.seconds() } : {}),
    }),
  ]
}

export type OpenedSession = {
  readonly signedIn: SignedIn
  readonly writes: readonly Write[]
  /** What the browser is known by from now on: a parked request that goes on must be bound to it. */
  readonly browserHash: string
  readonly setCookies: readonly HeaderLine[]
}

/** Who proved himself, and how. */
export type Proof = {
  readonly user: User
  readonly persistent: boolean
  readonly amr: readonly string[]
  readonly acr: string
  /** When. Absent: just now. */
  readonly proved?: ProvedAt | undefined
  /** How long the person wants to stay signed in. Absent: as long as sessions live. */
  readonly lasts?: number | undefined
  /** Who was signed in in this browser until now. */
  readonly previous: SignedIn | undefined
}

/** A new session for somebody who just proved who he is: always a new id and a new browser cookie (G03), together with its event. */
export async function openSession(context: BrowserContext, request: HttpRequest, proof: Proof): Promise<OpenedSession> {
  const { clock } = context
  const now = clock.seconds()
  const sessionId = context.random.id(clock.millis())
  const session = startSession({
    ...proof,
    instance: await context.directory.instance(),
    now,
    ...freshImprint(context),
    device: deviceNameOf(request.headers['user-agent']),
  })
  const browser = newBrowser(context)
  return {
    signedIn: { sessionId, session, user: proof.user },
    writes: [
      create(ref('session', sessionId), session, { owners: [proof.user.userId], expiresAt: sessionExpiry(session) }),
      eventWrite(context, {
        type: 'signin.succeeded',
        userId: proof.user.userId,
        sessionId,
        address: request.peer.address,
      }),
    ],
    browserHash: browserHash(browser.value),
    setCookies: [
      cookieOf(context, sessionId, session),
      ...browser.setCookie,
      rememberDevice(context, request, proof.user.userId),
    ],
  }
}

/** Tells the browser to forget the cookie of a session that has ended. */
export function removeSessionCookie(context: BrowserContext): HeaderLine {
  return ['set-cookie', printRemoveCookie(sessionCookie, schemeOf(context))]
}
