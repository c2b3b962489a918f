import { findFactors } from '../accounts/find-factors.ts'
import { sessionEpochOf } from '../domain/epoch.ts'
import type { Factors } from '../domain/factors.ts'
import type { SignedIn } from '../domain/next-step.ts'
import { provedAt } from '../domain/session-state.ts'
import { ref } from '../domain/record.ts'
import { staleInteractionPage } from '../pages/stale-interaction-page.ts'
import type { HttpRequest, HttpResponse } from '../protocol/http.ts'
import { isOfBrowser } from '../signin/browser.ts'
import { destinationOf, openDestination } from '../signin/destination.ts'
import type { Proof } from '../signin/session.ts'
import { readAlive } from '../store/read-alive.ts'
import type { Core } from './core.ts'
import { takeUp, type Parked } from './interactions.ts'
import { presentationFor } from './presentation.ts'
import { proceed } from './proceed.ts'
import type { PageRequest } from './read-page-request.ts'
import { seeOther } from './respond.ts'

/** Somebody whose first factor is known, and what he came for. */
export type HalfSignIn = {
  /** What is proved so far. */
  readonly first: Proof
  readonly factors: Factors | undefined
  /** Absent: the first factor is a session that is to be strengthened. */
  readonly attemptId?: string
  readonly pending: Parked | undefined
  readonly next: string | undefined
}

const idShape = /^[0-9A-Za-z_-]{34}$/

/** Whose second factor a page or its form is about: of a sign-in that is half done in this browser, or of the session in it. */
export async function findHalfSignIn(
  core: Core,
  http: HttpRequest,
  asked: PageRequest,
): Promise<HalfSignIn | HttpResponse> {
  const attemptId = asked.parameters.get('attempt')
  return attemptId === undefined
    ? ofSession(core, http, asked)
    : ofAttempt(core, http, { attemptId, previous: asked.signedIn })
}

async function ofAttempt(
  core: Core,
  http: HttpRequest,
  { attemptId, previous }: { readonly attemptId: string; readonly previous: SignedIn | undefined },
): Promise<HalfSignIn | HttpResponse> {
  const stale = (status: 400 | 403): HttpResponse => staleInteractionPage(presentationFor(core, http), { status })
  if (!idShape.test(attemptId)) return stale(400)
  const attempt = await readAlive(core.transition.store, ref('attempt', attemptId), core.clock.seconds())
  if (attempt === undefined) return stale(400)
  if (!isOfBrowser(core, http, attempt)) return stale(403)
  const user = await core.directory.user(attempt.userId)
  // What ended the account's sessions since ended this too.
  if (user === undefined || user.locked || sessionEpochOf(await core.directory.instance(), user) !== attempt.epoch)
    return stale(400)
  const { interaction, persistent, acr, amr, proved, lasts } = attempt
  const pending = interaction === undefined ? undefined : await takeUp(core, http, interaction)
  if (pending !== undefined && 'status' in pending) return pending
  return {
    first: { user, persistent, acr, amr, proved, lasts, previous },
    factors: await findFactors(core, user.userId),
    attemptId,
    pending,
    next: openDestination(core, attempt),
  }
}

async function ofSession(
  core: Core,
  http: HttpRequest,
  { signedIn, interaction, parameters }: PageRequest,
): Promise<HalfSignIn | HttpResponse> {
  const next = destinationOf(parameters)
  const pending = interaction === undefined ? undefined : await takeUp(core, http, interaction)
  if (pending !== undefined && 'status' in pending) return pending
  if (signedIn === undefined) {
    if (pending !== undefined) return proceed(core, http, { pending, signedIn })
    return seeOther(next === undefined ? '/signin' : `/signin?next=${encodeURIComponent(next)}`)
  }
  return {
    first: proofOf(signedIn, core.clock.seconds()),
    factors: await findFactors(core, signedIn.user.userId),
    pending,
    next,
  }
}

/** A session as the first half of a stronger one, which neither looks younger nor lives longer. */
function proofOf(signedIn: SignedIn, now: number): Proof {
  const { user, session } = signedIn
  const { persistent, acr, amr, absoluteExpiresAt } = session
  return { user, persistent, acr, amr, proved: provedAt(session), lasts: absoluteExpiresAt - now, previous: signedIn }
}
