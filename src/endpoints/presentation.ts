import type { Client } from '../domain/client.ts'
import { chooseLanguage } from '../i18n/choose-language.ts'
import type { Language } from '../i18n/messages/catalogue.ts'
import { errorPage } from '../pages/error-page.ts'
import type { Page, Presentation } from '../pages/page.ts'
import type { Requester } from '../pages/requester.ts'
import { retryLaterPage } from '../pages/retry-later-page.ts'
import { cookieNameOf, parseCookies } from '../protocol/cookies.ts'
import { describe, statusOf, type Refusal } from '../protocol/errors.ts'
import type { HeaderLine, HttpRequest, HttpResponse } from '../protocol/http.ts'
import type { Core } from './core.ts'

/** The operator's look in the reader's language. */
export function presentationFor(
  core: Pick<Core, 'look'>,
  http: HttpRequest,
  uiLocales: readonly string[] = [],
): Presentation {
  return { look: core.look, language: languageFor(http.headers, uiLocales), here: addressOf(http) }
}

/** The language cookie holds no secret and is trusted with nothing, so it is read under either of its names. */
export function languageFor(headers: HttpRequest['headers'], uiLocales: readonly string[] = []): Language {
  const cookies = parseCookies(headers['cookie'])
  const cookie = cookies.get(cookieNameOf(languageCookie, 'https')) ?? cookies.get(cookieNameOf(languageCookie, 'http'))
  return chooseLanguage({ cookie, uiLocales, acceptLanguage: headers['accept-language'] })
}

export const languageCookie = 'gatehouse-language'

/** Where the same page is found again. Of what was sent only the parked request goes along: a page repeats nobody's words (J15). */
function addressOf({ path, query, body }: HttpRequest): string {
  const id = parked.exec(query)?.[1] ?? parked.exec(body)?.[1]
  return id === undefined ? path : `${path}?interaction=${id}`
}

const parked = /(?:^|&)interaction=([0-9A-Za-z_-]{34})(?:&|$)/

/** A refusal for a person's eyes, where no verified redirect URI could take it. */
export function refusalPage(
  core: Core,
  http: HttpRequest,
  {
    endpoint,
    refusal,
    clientId,
  }: { readonly endpoint: string; readonly refusal: Refusal; readonly clientId?: string | undefined },
): Page {
  const reference = core.random.text(6)
  core.observer.refused(endpoint, refusal, {
    ...(clientId === undefined ? {} : { clientId }),
    address: http.peer.address,
    reference,
  })
  const presentation = presentationFor(core, http)
  if (refusal.retryAfter !== undefined) {
    const error = statusOf(refusal) === 429 ? 'too_many_requests' : 'temporarily_unavailable'
    return retryLaterPage(presentation, { error, retryAfter: refusal.retryAfter, reference })
  }
  const crossSite = refusal.reason === 'cross_site' || refusal.reason === 'form_token'
  return errorPage(presentation, {
    error: refusal.error,
    ...(crossSite ? { words: 'forbidden' } : {}),
    ...(refusal.reason === 'redirect_uri_mismatch' ? { words: 'invalid_redirect_uri' } : {}),
    status: crossSite ? 403 : 400,
    description: describe(refusal),
    reference,
  })
}

/** A client as pages show it. All clients there are were made by an administrator or by his file, so somebody vouches for each. */
export function requesterOf(client: Client, redirectUri: string): Requester {
  return {
    clientId: client.clientId,
    ...(client.name === undefined ? {} : { name: client.name }),
    redirectUri,
    verified: true,
    ...(client.policyUri === undefined ? {} : { policyUri: client.policyUri }),
    ...(client.tosUri === undefined ? {} : { tosUri: client.tosUri }),
  }
}

export function withHeaders(response: HttpResponse, headers: readonly HeaderLine[]): HttpResponse {
  return headers.length === 0 ? response : { ...response, headers: [...response.headers, ...headers] }
}
