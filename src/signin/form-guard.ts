import type { SignedIn } from '../domain/next-step.ts'
import { refuse, type Refusal } from '../protocol/errors.ts'
import type { HeaderLine, HttpRequest } from '../protocol/http.ts'
import { issuerUrl } from '../protocol/issuer-url.ts'
import type { Parameters } from '../protocol/parameters.ts'
import { printFormToken, verifyFormToken } from '../tokens/csrf.ts'
import { knowBrowser, readBrowser, type Browser } from './browser.ts'
import type { BrowserContext } from './context.ts'

/** The name of the hidden field that binds a form to browser, session and purpose. */
const formTokenField = 'csrf'

/** A form of ours: what it is for, and who is signed in where it is shown or sent. */
export type FormOf = { readonly purpose: string; readonly signedIn: SignedIn | undefined }

/** What a form needs so that `guardForm` lets it pass. */
export type BoundForm = {
  readonly field: { readonly name: string; readonly value: string }
  /** The browser that it is bound to. */
  readonly browser: string
  /** To go out with the form. */
  readonly setCookie: readonly HeaderLine[]
}

export function bindForm(
  context: BrowserContext,
  http: HttpRequest,
  { purpose, signedIn, browser = knowBrowser(context, http) }: FormOf & { readonly browser?: Browser },
): BoundForm {
  const place = { browser: browser.value, session: signedIn?.sessionId ?? '', purpose }
  const field = { name: formTokenField, value: printFormToken(context.keys, place) }
  return { field, browser: browser.value, setCookie: browser.setCookie }
}

/**
 * Whether a form was sent from our own page in the same browser and session. Three independent signs: Fetch Metadata, Origin,
 * and a MAC over the browser cookie, the session and what the form is for. The first two must match when present; the third always.
 */
export function guardForm(
  context: BrowserContext,
  request: HttpRequest,
  { purpose, signedIn, parameters }: FormOf & { readonly parameters: Parameters },
): Refusal | undefined {
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin') return refuse('access_denied', 'cross_site')
  const origin = request.headers['origin']
  // A page with `Referrer-Policy: no-referrer` sends `Origin: null`; then the browser must say itself that it is the same origin.
  const opaque = origin === 'null' && site === 'same-origin'
  if (origin !== undefined && !opaque && origin !== issuerUrl(context.issuer).origin)
    return refuse('access_denied', 'cross_site')
  const browser = readBrowser(context, request)
  const token = parameters.get(formTokenField)
  if (browser === undefined || token === undefined) return refuse('access_denied', 'form_token')
  const place = { browser, session: signedIn?.sessionId ?? '', purpose }
  return verifyFormToken(context.keys, place, token) ? undefined : refuse('access_denied', 'form_token')
}
