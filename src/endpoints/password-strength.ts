import { gaugePassword, ownWords } from '../accounts/password-policy.ts'
import { isLanguage } from '../i18n/messages/catalogue.ts'
import { strengthInWords } from '../pages/strength-bar.ts'
import { isRefusal } from '../protocol/errors.ts'
import type { Endpoint, HeaderLine, HttpResponse } from '../protocol/http.ts'
import { parseParameters, refuseRepeated } from '../protocol/parameters.ts'
import { guardForm } from '../signin/form-guard.ts'
import { currentSession } from '../signin/session.ts'
import type { Core } from './core.ts'
import { languageFor } from './presentation.ts'
import { purposeOf } from './read-page-request.ts'

/** The forms that ask for a new password: what proves them ours proves this too. */
const purposes = [purposeOf('register', undefined), purposeOf('letter', undefined), 'account:password']

/** So many at once, and those that are sent in earnest find room beside them. */
const mostAtOnce = 4

/**
 * What the page's script asks while somebody types a new password. It says of what was sent alone how good it is, and keeps nothing
 * of it; and it is only for who has one of our forms before him.
 */
export function createPasswordStrengthEndpoint(core: Core): Endpoint {
  let running = 0
  return async (http) => {
    const parameters = parseParameters(http.body)
    if (isRefusal(parameters) || refuseRepeated(parameters) !== undefined) return says(400)
    const signedIn = await currentSession(core, http)
    const isOurs = (purpose: string) => guardForm(core, http, { purpose, signedIn, parameters }) === undefined
    if (!purposes.some(isOurs)) return says(403)
    const reserved = core.limits.reserve('password-strength', [http.peer.address])
    if ('retryAfterSeconds' in reserved) return says(429)
    if (running >= mostAtOnce) return says(503)
    const typed = ['username', 'full_name', 'email'].map((name) => parameters.get(name) ?? '')
    const about = signedIn === undefined ? typed : [...typed, ...ownWords(signedIn.user)]
    running += 1
    try {
      const password = parameters.get('new_password') ?? ''
      const found = await gaugePassword(core.strength, password, about)
      const wished = parameters.get('lang')
      return says(200, strengthInWords(isLanguage(wished) ? wished : languageFor(http.headers), found))
    } finally {
      running -= 1
    }
  }
}

const headers: readonly HeaderLine[] = [
  ['content-type', 'application/json'],
  ['cache-control', 'no-store'],
  ['x-content-type-options', 'nosniff'],
  ['cross-origin-resource-policy', 'same-origin'],
]

const says = (status: number, body: object = {}): HttpResponse => ({ status, headers, body: JSON.stringify(body) })
