import { continuePage } from '../pages/continue-page.ts'
import { isRefusal } from '../protocol/errors.ts'
import type { Endpoint } from '../protocol/http.ts'
import { parseParameters } from '../protocol/parameters.ts'
import { knowBrowser } from '../signin/browser.ts'
import { formTokenField, guardForm } from '../signin/form-guard.ts'
import { currentSession } from '../signin/session.ts'
import { printFormToken } from '../tokens/csrf.ts'
import type { Core } from './core.ts'
import { advance, takeUp } from './interactions.ts'
import { presentationFor, refusalPage, requesterOf, withHeaders } from './presentation.ts'
import { proceed } from './proceed.ts'
import { seeOther } from './respond.ts'

/** "Continue as …": shown where a request asks to choose the account (`prompt=select_account`). */
export function createContinuePageEndpoint(core: Core): Endpoint {
  return async (http) => {
    const query = parseParameters(http.query)
    if (isRefusal(query)) return refusalPage(core, http, 'continue', query)
    const pending = await takeUp(core, http, query.get('interaction'))
    if ('status' in pending) return pending
    const signedIn = await currentSession(core, http)
    if (signedIn === undefined || pending.parked === undefined) return proceed(core, http, pending, signedIn)
    const { id } = pending.parked
    const browser = knowBrowser(core, http)
    const view = continuePage(presentationFor(core, http, pending.request.uiLocales), {
      action: '/continue',
      hidden: [
        { name: formTokenField, value: printFormToken(core.keys, browser.value, `continue:${id}`) },
        { name: 'interaction', value: id },
      ],
      person: signedIn.user,
      requester: requesterOf(pending.to.client, pending.to.target),
    })
    return withHeaders(view, browser.setCookie)
  }
}

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
    if (pending.parked === undefined || signedIn === undefined) return proceed(core, http, pending, signedIn)
    if (parameters.get('decision') !== 'continue') return seeOther(`/signin?interaction=${pending.parked.id}`)
    const interaction = await advance(core, pending.parked.id, { sessionId: signedIn.sessionId })
    if (interaction === undefined)
      return takeUp(core, http, id).then((gone) => ('status' in gone ? gone : proceed(core, http, gone, signedIn)))
    return proceed(core, http, { ...pending, parked: { id: pending.parked.id, interaction } }, signedIn)
  }
}
