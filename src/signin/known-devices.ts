import { lifetimes } from '../domain/lifetimes.ts'
import { cookieNameOf, parseCookies, printSetCookie } from '../protocol/cookies.ts'
import type { HeaderLine, HttpRequest } from '../protocol/http.ts'
import { printDeviceMark, readDeviceMark } from '../tokens/device-mark.ts'
import { schemeOf, type BrowserContext } from './context.ts'

/** An account that signed in in this browser before. */
export type KnownDevice = {
  readonly userId: string
  /** What the browser's own budget for attempts is counted by. */
  readonly nonce: string
}

const deviceCookie = 'gatehouse-device'
/** People who share a browser; with one more the one who hasn't signed in for longest is a stranger again. */
const mostAccounts = 4
const between = ':'

/** Whom this browser is known for. It proves nothing about who sits in front of it: it only keeps strangers' guesses from counting against him. */
export function readKnownDevices(context: BrowserContext, request: HttpRequest): readonly KnownDevice[] {
  const text = parseCookies(request.headers['cookie']).get(cookieNameOf(deviceCookie, schemeOf(context))) ?? ''
  return text
    .split(between, mostAccounts)
    .map((mark) => readDeviceMark(context.keys, mark))
    .filter((mark) => mark !== undefined)
    .map(({ recordId, imprint }) => ({ userId: recordId, nonce: imprint.nonce }))
}

/** From now on the browser is known for this account. Once known it keeps its budget, so signing in buys no further guesses. */
export function rememberDevice(context: BrowserContext, request: HttpRequest, userId: string): HeaderLine {
  const known = readKnownDevices(context, request)
  const own = known.find((device) => device.userId === userId) ?? { userId, nonce: context.random.text(16) }
  const devices = [own, ...known.filter((device) => device.userId !== userId)].slice(0, mostAccounts)
  const { keyId } = context.keys.secret('cookie')
  const marks = devices.map(({ userId: recordId, nonce }) =>
    printDeviceMark(context.keys, { recordId, generation: 0, imprint: { nonce, keyId } }),
  )
  return [
    'set-cookie',
    printSetCookie({
      name: deviceCookie,
      value: marks.join(between),
      scheme: schemeOf(context),
      maxAge: lifetimes.knownDevice,
    }),
  ]
}
