import { equalDigests } from '../crypto/equal-digests.ts'
import { sha256 } from '../crypto/hash.ts'
import { cookieNameOf, parseCookies, printSetCookie } from '../protocol/cookies.ts'
import type { HeaderLine, HttpRequest } from '../protocol/http.ts'
import { schemeOf, type BrowserContext } from './context.ts'

/** A browser as one thing, signed in or not: a random cookie that forms and parked requests are bound to. */
export type Browser = {
  /** The cookie's value. Only MACs and a hash of it are ever stored. */
  readonly value: string
  /** To be set if the browser has another one, or none. */
  readonly setCookie: readonly HeaderLine[]
}

const browserCookie = 'gatehouse-browser'
const shape = /^[A-Za-z0-9_-]{43}$/

export function readBrowser(context: BrowserContext, request: HttpRequest): string | undefined {
  const value = parseCookies(request.headers['cookie']).get(cookieNameOf(browserCookie, schemeOf(context)))
  return value !== undefined && shape.test(value) ? value : undefined
}

export function knowBrowser(context: BrowserContext, request: HttpRequest): Browser {
  const known = readBrowser(context, request)
  return known === undefined ? newBrowser(context) : { value: known, setCookie: [] }
}

/** From now on another one: whoever planted or saw the cookie of before has nothing that fits (fixation). */
export function newBrowser(context: BrowserContext): Browser {
  const value = context.random.text(32)
  return {
    value,
    setCookie: [['set-cookie', printSetCookie({ name: browserCookie, value, scheme: schemeOf(context) })]],
  }
}

export function browserHash(value: string): string {
  return sha256(`browser\n${value}`)
}

/** The same of whichever browser a request comes from; undefined: none that we know. */
export function browserHashOf(context: BrowserContext, request: HttpRequest): string | undefined {
  const value = readBrowser(context, request)
  return value === undefined ? undefined : browserHash(value)
}

/** Whether a request comes from the browser that a record is bound to; a record that is bound to none is nobody's. */
export function isOfBrowser(
  context: BrowserContext,
  request: HttpRequest,
  bound: { readonly browserHash?: string | undefined },
): boolean {
  const hash = browserHashOf(context, request)
  return hash !== undefined && equalDigests(bound.browserHash ?? '', hash)
}
