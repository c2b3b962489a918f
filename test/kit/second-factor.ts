import { decodeBase32 } from '../../src/crypto/base32.ts'
import { totp } from '../../src/crypto/one-time-code.ts'
import { createBrowser, readForm, type Answer, type Browser } from './browser.ts'
import { submit } from './flow.ts'
import { password as usualPassword, type TestGatehouse } from './gatehouse.ts'

/** A person's app, and what was printed with it. */
export type App = {
  readonly secret: Uint8Array
  /** The code of now, or of so many seconds from now. */
  readonly code: (ahead?: number) => string
  readonly recoveryCodes: readonly string[]
}

/** Fill and send the sign-in form; the answer to it, nothing followed. */
export async function sendPassword(browser: Browser, username: string, password = usualPassword): Promise<Answer> {
  return submit(browser, await browser.ask('/signin'), 'sign-in', { username, password })
}

/** A browser in which somebody is signed in with his password. */
export async function signedInBrowser(server: TestGatehouse, username: string): Promise<Browser> {
  const browser = createBrowser(server.url)
  const answer = await sendPassword(browser, username)
  if (answer.location !== '/account') throw new Error(`not signed in: ${answer.status} ${answer.location}`)
  return browser
}

export function secretOf(page: string): Uint8Array {
  const typed = /<code id="secret">([^<]+)<\/code>/.exec(page)?.[1]
  const secret = typed === undefined ? undefined : decodeBase32(typed)
  if (secret === undefined) throw new Error(`the page shows no secret: ${page.slice(0, 300)}`)
  return secret
}

export function recoveryCodesOf(page: string): readonly string[] {
  return [...page.matchAll(/<code>([a-z2-7-]{19})<\/code>/g)].map(([, code]) => code ?? '')
}

/** Set an authenticator up on the account page. The code that does it is used up: the next one is thirty seconds away. */
export async function enrol(
  server: TestGatehouse,
  browser: Browser,
  path = '/account/authenticator',
): Promise<App & { readonly answer: Answer }> {
  const page = await browser.ask(path)
  const secret = secretOf(page.text)
  const code = (ahead = 0) => totp({ secret, now: server.clock.seconds() + ahead })
  const answer = await submit(browser, page, 'authenticator', { code: code() })
  return { secret, code, recoveryCodes: recoveryCodesOf(answer.text), answer }
}

/** Send a code on the page that asks for it. */
export async function sendCode(browser: Browser, page: Answer, code: string): Promise<Answer> {
  const form = readForm(page.text, 'one-time-code')
  return browser.ask(form.action, { form: { ...form.fields, code } })
}
