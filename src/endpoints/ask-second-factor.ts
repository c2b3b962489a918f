import type { Attempt } from '../domain/attempt.ts'
import { sessionEpochOf } from '../domain/epoch.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import { create, ref } from '../domain/record.ts'
import type { HttpRequest, HttpResponse } from '../protocol/http.ts'
import { browserHash, knowBrowser } from '../signin/browser.ts'
import { sealErrand } from '../signin/destination.ts'
import { commitNew } from '../store/transition.ts'
import { settle } from './carried-requests.ts'
import type { SignIn } from './complete-sign-in.ts'
import type { Core } from './core.ts'
import { seeOther } from './respond.ts'

/** The first factor was right: remember it for ten minutes, in this browser alone, and ask for the second. Nobody is signed in by it. */
export async function askSecondFactor(core: Core, http: HttpRequest, about: SignIn): Promise<HttpResponse> {
  const { proof, pending, next } = about
  const { user, persistent, acr, amr, lasts } = proof
  const settled =
    pending !== undefined && 'carried' in pending ? settle(core, http, { waiting: pending, progress: {} }) : undefined
  const parked = pending === undefined || 'carried' in pending ? settled?.parked : pending
  const browser = knowBrowser(core, http)
  const id = core.random.id(core.clock.millis())
  const now = core.clock.seconds()
  const attempt: Attempt = {
    v: 1,
    browserHash: browserHash(browser.value),
    userId: user.userId,
    epoch: sessionEpochOf(await core.directory.instance(), user),
    persistent,
    acr,
    amr,
    proved: proof.proved ?? { authTime: now },
    ...(lasts !== undefined && { lasts }),
    ...sealErrand(core, { interaction: parked?.parked.id, next }),
  }
  await commitNew(core.transition, [
    create(ref('attempt', id), attempt, { owners: [], expiresAt: now + lifetimes.interaction }),
    ...(settled === undefined ? [] : [settled.write]),
  ])
  return seeOther(`/second-factor?attempt=${id}`, browser.setCookie)
}
