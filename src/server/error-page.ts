import { languageFor } from '../endpoints/presentation.ts'
import { errorPage } from '../pages/error-page.ts'
import { notFoundPage } from '../pages/not-found-page.ts'
import type { Look } from '../pages/look.ts'
import { retryLaterPage } from '../pages/retry-later-page.ts'
import type { ErrorPage } from './shell-error.ts'

/** What the shell itself refuses or fails at, as a page in the operator's look. */
export function createErrorPage(look: Look): ErrorPage {
  return ({ status, error, description, reference, retryAfterSeconds }, headers) => {
    const presentation = { look, language: languageFor(headers) }
    const known = reference === undefined ? {} : { reference }
    if (status === 429 || status === 503) {
      return retryLaterPage(presentation, {
        error: status === 429 ? 'too_many_requests' : 'temporarily_unavailable',
        retryAfter: retryAfterSeconds ?? 1,
        ...known,
      })
    }
    if (status === 404) return notFoundPage(presentation, known)
    return errorPage(presentation, { status, error, description, ...known })
  }
}
