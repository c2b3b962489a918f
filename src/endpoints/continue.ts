import type { SignedIn } from '../domain/next-step.ts'
import { continuePage } from '../pages/continue-page.ts'
import { staleInteractionPage } from '../pages/stale-interaction-page.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../protocol/http.ts'
import { bindForm } from '../signin/form-guard.ts'
import type { Core } from './core.ts'
import { advance, takeUp, type Parked } from './interactions.ts'
import { presentationFor, requesterOf, withHeaders } from './presentation.ts'
import { proceed, stepOf } from './proceed.ts'
import { purposeOf, readPageRequest } from './read-page-request.ts'
import { seeOther } from './respond.ts'

/** "Continue as …": shown where a request asks to choose the account (`prompt=select_account`). */
export function createContinuePageEndpoint(core: Core): Endpoint {
  return async (http) => {
    const asked = await readPageRequest(core, http, 'continue')
    if ('status' in asked) return asked
    const { signedIn, interaction } = asked
    const pending = await takeUp(core, http, interaction)
    if ('status' in pending) return pending
    if (signedIn === undefined) return proceed(core, http, { pending, signedIn })
    return show(core, http, { pending, signedIn })
  }
}

/** The answer to it: go on as the person who is signed in, or sign in as another one. */
export function createContinueEndpoint(core: Core): Endpoint {
  return async (http) => {
    const asked = await readPageRequest(core, http, 'continue')
    if ('status' in asked) return asked
    const { parameters, signedIn, interaction } = asked
    const pending = await takeUp(core, http, interaction)
    if ('status' in pending) return pending
    if (signedIn === undefined) return proceed(core, http, { pending, signedIn })
    if (parameters.get('decision') !== 'continue') return seeOther(`/signin?interaction=${pending.parked.id}`)
    if ((await stepOf(core, { pending, signedIn })).step !== 'choose-account')
      return proceed(core, http, { pending, signedIn })
    const advanced = await advance(core, pending, { sessionId: signedIn.sessionId })
    if (advanced === undefined) return staleInteractionPage(presentationFor(core, http), { status: 400 })
    return proceed(core, http, { pending: advanced, signedIn })
  }
}

function show(
  core: Core,
  http: HttpRequest,
  { pending, signedIn }: { readonly pending: Parked; readonly signedIn: SignedIn },
): HttpResponse {
  const { request, to, parked } = pending
  const form = bindForm(core, http, { purpose: purposeOf('continue', parked.id), signedIn })
  const view = continuePage(presentationFor(core, http, request.uiLocales), {
    action: '/continue',
    hidden: [form.field, { name: 'interaction', value: parked.id }],
    person: signedIn.user,
    requester: requesterOf(to.client, to.target),
  })
  return withHeaders(view, form.setCookie)
}
