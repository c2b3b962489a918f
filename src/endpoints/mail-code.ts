import type { FormPageView } from '../pages/form-page.ts'
import { formPage } from '../pages/form-page.ts'
import { askCodeForm, typeCodeForm } from '../pages/mail-code-forms.ts'
import { isRefusal } from '../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../protocol/http.ts'
import { browserHashOf } from '../signin/browser.ts'
import { destinationOf } from '../signin/destination.ts'
import { bindForm } from '../signin/form-guard.ts'
import { readKnownDevices } from '../signin/known-devices.ts'
import { askForCode, redeemCode, wrongCode } from '../signin/mail-code.ts'
import { nameOf, takeUpToSignIn, type Waiting } from './carried-requests.ts'
import { mailCodePath } from './mail-code-path.ts'
import { completeSignIn } from './complete-sign-in.ts'
import type { Core } from './core.ts'
import { presentationFor, refusalPage, withHeaders } from './presentation.ts'
import { purposeOf, readPageRequest, type PageRequest } from './read-page-request.ts'

const longestAsked = 254

/** Signing in by a code that a letter brings: who wants one, then the code, in the same browser. */
export function createMailCodeEndpoint(core: Core): Endpoint {
  return async (http) => {
    const asked = await readPageRequest(core, http, 'signin-code')
    if ('status' in asked) return asked
    const waiting = asked.interaction === undefined ? undefined : await takeUpToSignIn(core, http, asked.interaction)
    if (waiting !== undefined && 'status' in waiting) return waiting
    const about = { asked, waiting }
    // The guard of the form has seen this browser's cookie.
    const browserHash = browserHashOf(core, http)
    if (http.method !== 'POST' || browserHash === undefined) return show(core, http, about)
    return asked.parameters.get('ticket') === undefined
      ? ask(core, http, { ...about, browserHash })
      : redeem(core, http, { ...about, browserHash })
  }
}

type About = { readonly asked: PageRequest; readonly waiting: Waiting | undefined }

async function ask(
  core: Core,
  http: HttpRequest,
  about: About & { readonly browserHash: string },
): Promise<HttpResponse> {
  const typed = about.asked.parameters.get('account')?.trim() ?? ''
  if (typed === '' || typed.length > longestAsked) return show(core, http, about)
  const sent = await askForCode(core, {
    asked: typed,
    browserHash: about.browserHash,
    language: presentationFor(core, http, about.waiting?.request.uiLocales).language,
    address: http.peer.address,
    devices: readKnownDevices(core, http),
  })
  if (isRefusal(sent)) return refusalPage(core, http, { endpoint: 'signin', refusal: sent })
  return show(core, http, { ...about, ticketId: sent.ticketId })
}

async function redeem(
  core: Core,
  http: HttpRequest,
  about: About & { readonly browserHash: string },
): Promise<HttpResponse> {
  const { asked, waiting } = about
  const { parameters, signedIn: previous } = asked
  const ticketId = parameters.get('ticket') ?? ''
  const user = await redeemCode(core, {
    ticketId,
    code: parameters.get('code') ?? '',
    browserHash: about.browserHash,
    address: http.peer.address,
  })
  if (isRefusal(user)) return refusalPage(core, http, { endpoint: 'signin', refusal: user })
  if (user === 'wrong' || user === 'gone') {
    core.observer.refused('signin', wrongCode, { address: http.peer.address })
    if (user === 'gone') return show(core, http, { ...about, problem: { says: 'mailCode.gone', status: 403 } })
    return show(core, http, { ...about, ticketId, problem: { says: 'mailCode.wrong', status: 403 } })
  }
  const persistent = parameters.get('remember') !== undefined
  // It proves a mailbox: no second factor, no password, and not the `otp` that caveats and applications want of an authenticator.
  const proof = { user, persistent, amr: ['mail'], acr: 'mail', previous }
  return completeSignIn(core, http, { proof, pending: waiting, next: destinationOf(parameters) })
}

function show(
  core: Core,
  http: HttpRequest,
  about: About & { readonly ticketId?: string; readonly problem?: FormPageView['problem'] },
): HttpResponse {
  const { asked, waiting, ticketId, problem } = about
  const name = waiting === undefined ? undefined : nameOf(waiting)
  const next = destinationOf(asked.parameters)
  const bound = bindForm(core, http, { purpose: purposeOf('signin-code', name), signedIn: asked.signedIn })
  const presentation = presentationFor(core, http, waiting?.request.uiLocales)
  const hidden = [
    bound.field,
    ...(name === undefined ? [] : [{ name: 'interaction', value: name }]),
    ...(next === undefined ? [] : [{ name: 'next', value: next }]),
    ...(ticketId === undefined ? [] : [{ name: 'ticket', value: ticketId }]),
  ]
  const form = { language: presentation.language, action: mailCodePath, hidden }
  const view = formPage(presentation, {
    title: 'mailCode.title',
    forms: 'client',
    body: ticketId === undefined ? askCodeForm(form) : typeCodeForm(form, { wrong: problem !== undefined }),
    back: { path: name === undefined ? '/signin' : `/signin?interaction=${name}`, label: 'mailCode.back' },
    problem,
  })
  return withHeaders(view, bound.setCookie)
}
