import { refuse, type Refusal } from '../protocol/errors.ts'
import type { HttpRequest } from '../protocol/http.ts'
import type { Parameters } from '../protocol/parameters.ts'
import { verifyFormToken } from '../tokens/csrf.ts'
import { readBrowser } from './browser.ts'
import type { BrowserContext } from './context.ts'

/** The name of the hidden field that binds a form to browser and purpose. */
export const formTokenField = 'csrf'

/**
 * Whether a form was sent from our own page in the same browser. Three independent signs: Fetch Metadata, Origin,
 * and a MAC over the browser cookie and what the form is for. The first two must match when present; the third always.
 */
export function guardForm(
  context: BrowserContext,
  request: HttpRequest,
  parameters: Parameters,
  purpose: string,
): Refusal | undefined {
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin') return refuse('access_denied', 'cross_site')
  const origin = request.headers['origin']
  // A page with `Referrer-Policy: no-referrer` sends `Origin: null`; then the browser must say itself that it is the same origin.
  const opaque = origin === 'null' && site === 'same-origin'
  if (origin !== undefined && !opaque && origin !== new URL(context.issuer).origin)
    return refuse('access_denied', 'cross_site')
  const browser = readBrowser(context, request)
  const token = parameters.get(formTokenField)
  if (browser === undefined || token === undefined || !verifyFormToken(context.keys, browser, purpose, token)) {
    return refuse('access_denied', 'form_token')
  }
  return undefined
}
