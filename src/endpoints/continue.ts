import type { SignedIn } from '../domain/next-step.ts'
import { continuePage } from '../pages/continue-page.ts'
import { staleInteractionPage } from '../pages/stale-interaction-page.ts'
import { isRefusal } from '../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../protocol/http.ts'
import { parseParameters } from '../protocol/parameters.ts'
import { knowBrowser } from '../signin/browser.ts'
import { formTokenField, guardForm } from '../signin/form-guard.ts'
import { currentSession } from '../signin/session.ts'
import { printFormToken } from '../tokens/csrf.ts'
import type { Core } from './core.ts'
import { advance, takeUp, type Parked } from './interactions.ts'
import { presentationFor, refusalPage, requesterOf, withHeaders } from './presentation.ts'
import { proceed, stepOf } from './proceed.ts'
import { seeOther } from './respond.ts'

/** "Continue as …": shown where a request asks to choose the account (`prompt=select_account`). */
export function createContinuePageEndpoint(core: Core): Endpoint {
  return async (http) => {
    const query = parseParameters(http.query)
    if (isRefusal(query)) return refusalPage(core, http, 'continue', query)
    const pending = await takeUp(core, http, query.get('interaction'))
    if ('status' in pending) return pending
    const signedIn = await currentSession(core, http)
    if (signedIn === undefined) return proceed(core, http, pending, signedIn)
    return show(core, http, pending, signedIn)
  }
}

/** The answer to it: go on as the person who is signed in, or sign in as another one. */
export function createContinueEndpoint(core: Core): Endpoint {
  return async (http) => {
    const parameters = parseParameters(http.body)
    if (isRefusal(parameters)) return refusalPage(core, http, 'continue', parameters)
    const id = parameters.get('interaction')
    const guarded = guardForm(core, http, parameters, `continue:${id ?? ''}`)
    if (guarded !== undefined) return refusalPage(core, http, 'continue', guarded)
    const pending = await takeUp(core, http, id)
    if ('status' in pending) return pending
    const signedIn = await currentSession(core, http)
    if (signedIn === undefined) return proceed(core, http, pending, signedIn)
    if (parameters.get('decision') !== 'continue') return seeOther(`/signin?interaction=${pending.parked.id}`)
    if ((await stepOf(core, pending, signedIn)).step !== 'choose-account') return proceed(core, http, pending, signedIn)
    // Another tab may have signed somebody else in: "continue as" whom the page named, or ask again.
    if (parameters.get('account') !== signedIn.user.userId) return show(core, http, pending, signedIn)
    const advanced = await advance(core, pending, { sessionId: signedIn.sessionId })
    if (advanced === undefined) return staleInteractionPage(presentationFor(core, http), { status: 400 })
    return proceed(core, http, advanced, signedIn)
  }
}

function show(core: Core, http: HttpRequest, { request, to, parked }: Parked, { user }: SignedIn): HttpResponse {
  const browser = knowBrowser(core, http)
  const view = continuePage(presentationFor(core, http, request.uiLocales), {
    action: '/continue',
    hidden: [
      { name: formTokenField, value: printFormToken(core.keys, browser.value, `continue:${parked.id}`) },
      { name: 'interaction', value: parked.id },
      { name: 'account', value: user.userId },
    ],
    person: user,
    requester: requesterOf(to.client, to.target),
  })
  return withHeaders(view, browser.setCookie)
}
