import { isLanguage } from '../i18n/messages/catalogue.ts'
import { printSetCookie } from '../protocol/cookies.ts'
import { isRefusal, refuse } from '../protocol/errors.ts'
import type { Endpoint } from '../protocol/http.ts'
import { parseParameters } from '../protocol/parameters.ts'
import { schemeOf } from '../signin/context.ts'
import type { Core } from './core.ts'
import { languageCookie, refusalPage } from './presentation.ts'
import { seeOther } from './respond.ts'

const aYear = 365 * 24 * 60 * 60
/** A path here, in the characters of RFC 3986 §3.3 and §3.4: `//elsewhere` and `/\elsewhere` are other hosts. */
const backShape = /^\/(?![/\\])[\w.~!$&'()*+,;=:@%/?-]{0,2048}$/

/**
 * The switch at the foot of every page. A GET, since a link is all that every page can carry; what another site could do
 * with it is change the language.
 */
export function createLanguageEndpoint(core: Core): Endpoint {
  return (http) => {
    const query = parseParameters(http.query)
    if (isRefusal(query)) return refusalPage(core, http, { endpoint: 'language', refusal: query })
    const language = query.get('to')
    const back = query.get('back') ?? '/'
    if (!isLanguage(language) || !backShape.test(back))
      return refusalPage(core, http, {
        endpoint: 'language',
        refusal: refuse('invalid_request', 'parameter_malformed'),
      })
    const cookie = printSetCookie({ name: languageCookie, value: language, scheme: schemeOf(core), maxAge: aYear })
    return seeOther(back, [['set-cookie', cookie]])
  }
}
