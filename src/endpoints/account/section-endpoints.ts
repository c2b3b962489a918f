import { meetsContext } from '../../domain/authentication-context.ts'
import type { SignedIn } from '../../domain/next-step.ts'
import { provedRecently } from '../../domain/session-state.ts'
import { formPage } from '../../pages/form-page.ts'
import { isRefusal } from '../../protocol/errors.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../../protocol/http.ts'
import { parseParameters, refuseRepeated } from '../../protocol/parameters.ts'
import { readBrowser } from '../../signin/browser.ts'
import { bindForm, guardForm } from '../../signin/form-guard.ts'
import { lacksSecondFactor } from '../../signin/lacks-second-factor.ts'
import { currentSession } from '../../signin/session.ts'
import type { Core } from '../core.ts'
import { presentationFor, refusalPage, withHeaders } from '../presentation.ts'
import { seeOther } from '../respond.ts'
import type { Mistake, Section } from './section.ts'

/** A section's page, and what its form does. Both pass the same gates: somebody is signed in, and recently where it takes that. */
export function createSectionEndpoints(
  core: Core,
  section: Section,
): { readonly show: Endpoint; readonly act: Endpoint } {
  const path = `/account/${section.id}`
  const purpose = `account:${section.id}`

  async function admitted(http: HttpRequest): Promise<SignedIn | HttpResponse> {
    const signedIn = await currentSession(core, http)
    if (signedIn === undefined) return seeOther(`/signin?next=${path}`)
    const recent = provedRecently(signedIn, core.clock.seconds())
    if (section.recent(signedIn) && !recent) return seeOther(`/signin?next=${path}`)
    const { user, session } = signedIn
    const owed = section.givesTokens === true && core.usersPolicy().secondFactor?.includes(user.role) === true
    if (owed && !meetsContext('mfa', session)) return seeOther(`/second-factor?next=${path}`)
    // A session from before there was a second factor: whoever opened it may have known the password alone.
    return (await lacksSecondFactor(core, signedIn)) ? seeOther(`/second-factor?next=${path}`) : signedIn
  }

  async function render(http: HttpRequest, signedIn: SignedIn, mistake?: Mistake): Promise<HttpResponse> {
    const bound = bindForm(core, http, { purpose, signedIn })
    const presentation = presentationFor(core, http)
    const form = { language: presentation.language, action: path, hidden: [bound.field] }
    const view = formPage(presentation, {
      title: section.title,
      body: await section.body({ core, http, signedIn, form, browser: bound.browser }, mistake),
      done: http.method === 'GET' && http.query === 'done' ? section.done : undefined,
      problem: mistake,
      passkeys: section.passkeys,
      newPassword: section.newPassword,
    })
    return withHeaders(view, bound.setCookie)
  }

  return {
    show: async (http) => {
      const signedIn = await admitted(http)
      return 'status' in signedIn ? signedIn : render(http, signedIn)
    },
    act: async (http) => {
      const parameters = parseParameters(http.body)
      if (isRefusal(parameters)) return refusalPage(core, http, { endpoint: 'account', refusal: parameters })
      const signedIn = await admitted(http)
      if ('status' in signedIn) return signedIn
      const refused = refuseRepeated(parameters) ?? guardForm(core, http, { purpose, signedIn, parameters })
      if (refused !== undefined) return refusalPage(core, http, { endpoint: 'account', refusal: refused })
      const form = { language: presentationFor(core, http).language, action: path, hidden: [] }
      const acted = await section.act(
        { core, http, signedIn, form, browser: readBrowser(core, http) ?? '' },
        parameters,
      )
      if (acted === 'done') return seeOther(`${path}?done`)
      return 'says' in acted ? render(http, signedIn, acted) : acted
    },
  }
}
