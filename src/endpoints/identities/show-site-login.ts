import type { SiteLoginProvider } from '../../config/provider.ts'
import { siteLoginPage, type SiteLoginAim, type SiteLoginProblem } from '../../pages/site-login-page.ts'
import type { HttpRequest, HttpResponse } from '../../protocol/http.ts'
import type { Seconds } from '../../protocol/time.ts'
import { destinationOf } from '../../signin/destination.ts'
import { bindForm } from '../../signin/form-guard.ts'
import type { Core } from '../core.ts'
import { presentationFor, withHeaders } from '../presentation.ts'
import { purposeOf, type PageRequest } from '../read-page-request.ts'

const pages = {
  'sign-in': { name: 'signin', path: '/signin/with' },
  add: { name: 'identities', path: '/account/identities/with' },
} as const

/** The page that asks for name and password of a site. */
export function showSiteLogin(
  core: Core,
  http: HttpRequest,
  about: {
    readonly provider: SiteLoginProvider
    readonly form: PageRequest
    readonly aim: SiteLoginAim
    readonly username?: string
    readonly sessionLength?: Seconds | undefined
    readonly problem?: SiteLoginProblem
  },
): HttpResponse {
  const { provider, form, sessionLength, aim, ...state } = about
  const id = form.interaction
  const bound = bindForm(core, http, { purpose: purposeOf(pages[aim].name, id), signedIn: form.signedIn })
  const next = destinationOf(form.parameters)
  const view = siteLoginPage(presentationFor(core, http), {
    aim,
    action: `${pages[aim].path}/${provider.name}`,
    hidden: [
      bound.field,
      ...(id === undefined ? [] : [{ name: 'interaction', value: id }]),
      ...(next === undefined ? [] : [{ name: 'next', value: next }]),
    ],
    site: provider.title,
    sessionLengths: provider.sessionLengths,
    sessionLength: sessionLength ?? provider.sessionLengths[0],
    ...state,
  })
  return withHeaders(view, bound.setCookie)
}
