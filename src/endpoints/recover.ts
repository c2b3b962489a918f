import { askedName } from '../accounts/find-user.ts'
import { requestLetter } from '../accounts/request-letter.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import { formPage } from '../pages/form-page.ts'
import { letterSentPage } from '../pages/letter-sent-page.ts'
import { recoverForm } from '../pages/recover-form.ts'
import { throttled } from '../protocol/errors.ts'
import type { Endpoint } from '../protocol/http.ts'
import { bindForm } from '../signin/form-guard.ts'
import type { Core } from './core.ts'
import { presentationFor, refusalPage, withHeaders } from './presentation.ts'
import { purposeOf, readPageRequest } from './read-page-request.ts'

const longestAsked = 254

/** A forgotten password. The request only writes down what was typed, so it costs and says the same for names that don't exist (H02). */
export function createRecoverEndpoint(core: Core): Endpoint {
  return async (http) => {
    const request = await readPageRequest(core, http, 'recover')
    if ('status' in request) return request
    const { parameters, signedIn } = request
    const presentation = presentationFor(core, http)
    const { language } = presentation
    const asked = parameters.get('account')?.trim()
    if (http.method === 'POST' && asked !== undefined && asked !== '' && asked.length <= longestAsked) {
      const { address } = http.peer
      const reserved = core.limits.reserve('letter', [askedName(asked), address])
      if ('retryAfterSeconds' in reserved)
        return refusalPage(core, http, { endpoint: 'recover', refusal: throttled(reserved.retryAfterSeconds) })
      await requestLetter(core, { ticket: { purpose: 'recover', asked }, ttl: lifetimes.recovery, language, address })
      return letterSentPage(presentation)
    }
    const bound = bindForm(core, http, { purpose: purposeOf('recover', undefined), signedIn })
    const view = formPage(presentation, {
      title: 'recover.title',
      body: recoverForm({ language, action: '/recover', hidden: [bound.field] }),
      back: { path: '/signin', label: 'signIn.title' },
    })
    return withHeaders(view, bound.setCookie)
  }
}
