import { createHash, randomBytes } from 'node:crypto'
import { createBrowser, formBody, readForm, type Answer, type Browser } from './browser.ts'
import { password as usualPassword, type MadeClient, type TestGatehouse } from './gatehouse.ts'

export const verifier = randomBytes(32).toString('base64url')
export const challenge = createHash('sha256').update(verifier).digest('base64url')

export type Extra = Readonly<Record<string, string>>

/** An authorization request with everything that it needs; `extra` adds, replaces, and with '' leaves out. */
export function authorizeUrl(client: Pick<MadeClient, 'clientId'>, extra: Extra = {}): string {
  const parameters: Record<string, string> = {
    client_id: client.clientId,
    redirect_uri: 'https://app.example/cb',
    response_type: 'code',
    scope: 'openid profile offline_access',
    state: 'a state',
    nonce: 'a nonce',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...extra,
  }
  const kept = Object.entries(parameters).filter(([, value]) => value !== '')
  return `/oauth/authorize?${formBody(Object.fromEntries(kept))}`
}

/** Fill and send the form `#id` of a page, `fields` over what stands in it. */
export async function submit(
  browser: Browser,
  page: Answer,
  id: string,
  fields: Readonly<Record<string, string | readonly string[]>>,
): Promise<Answer> {
  const form = readForm(page.text, id)
  return browser.ask(form.action, { form: { ...form.fields, ...fields } })
}

/** Follow redirects as long as they stay on the server; the last answer. */
export async function follow(server: TestGatehouse, browser: Browser, answer: Answer): Promise<Answer> {
  let last = answer
  while (last.location !== undefined && new URL(last.location, server.url).origin === server.url) {
    last = await browser.ask(last.location)
  }
  return last
}

/**
 * Send an authorization request as a cross-site POST comes, without cookies, so that it is parked in the store; the page that it
 * leads this browser to, to which the parked request belongs from then on.
 */
export async function park(server: TestGatehouse, browser: Browser, url: string): Promise<Answer> {
  const sent = new URL(url, server.url)
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await createBrowser(server.url).ask(sent.pathname, { body: sent.search.slice(1), headers })
  return follow(server, browser, answer)
}

/** Sign in on the sign-in page that an authorization request leads to; the answer behind it, redirects within the server followed. */
export async function signInFor(
  server: TestGatehouse,
  browser: Browser,
  url: string,
  username: string,
  password = usualPassword,
): Promise<Answer> {
  const page = await follow(server, browser, await browser.ask(url))
  return follow(server, browser, await submit(browser, page, 'sign-in', { username, password }))
}

/** From the authorization request to the redirect that carries the code: sign in where asked, allow where asked. */
export async function authorize(server: TestGatehouse, browser: Browser, url: string, username: string): Promise<URL> {
  let answer = await follow(server, browser, await browser.ask(url))
  for (let steps = 0; steps < 4 && answer.location === undefined; steps += 1) {
    if (answer.text.includes('<form id="sign-in"'))
      answer = await submit(browser, answer, 'sign-in', { username, password: usualPassword })
    else if (answer.text.includes('<form id="consent"'))
      answer = await submit(browser, answer, 'consent', { decision: 'allow' })
    else if (answer.text.includes('<form id="continue"'))
      answer = await submit(browser, answer, 'continue', { decision: 'continue' })
    else throw new Error(`stuck at ${answer.status}: ${answer.text.slice(0, 300)}`)
    answer = await follow(server, browser, answer)
  }
  if (answer.location === undefined) throw new Error(`no redirect: ${answer.status} ${answer.text.slice(0, 300)}`)
  return new URL(answer.location)
}

/** A token request of a client, authenticated as it registered; of nobody, if there is none. */
export async function tokenRequest(
  server: TestGatehouse,
  client: MadeClient | undefined,
  form: Readonly<Record<string, string | readonly string[]>>,
): Promise<Answer> {
  const browser = createBrowser(server.url)
  if (client === undefined) return browser.ask('/oauth/token', { form })
  if (client.secret === '') return browser.ask('/oauth/token', { form: { client_id: client.clientId, ...form } })
  return browser.ask('/oauth/token', { form, headers: { authorization: client.basic } })
}

export type Tokens = {
  readonly access_token: string
  readonly refresh_token: string
  readonly id_token: string
  readonly scope: string
  readonly expires_in: number
}

/** The whole code flow in a fresh browser (or the given one). */
export async function codeFlow(
  server: TestGatehouse,
  client: MadeClient,
  username: string,
  options: { readonly browser?: Browser; readonly extra?: Extra; readonly deviceName?: string } = {},
): Promise<{ readonly tokens: Tokens; readonly browser: Browser; readonly code: string }> {
  const browser = options.browser ?? createBrowser(server.url)
  const back = await authorize(server, browser, authorizeUrl(client, options.extra), username)
  const code = back.searchParams.get('code') ?? ''
  const answer = await tokenRequest(server, client, {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    ...(options.deviceName === undefined ? {} : { device_name: options.deviceName }),
  })
  if (answer.status !== 200) throw new Error(`no tokens: ${answer.status} ${answer.text}`)
  return { tokens: answer.json() as Tokens, browser, code }
}

/** What introspection by `client` says. */
export async function introspect(
  server: TestGatehouse,
  client: MadeClient,
  token: string,
): Promise<Record<string, unknown>> {
  const answer = await createBrowser(server.url).ask('/oauth/introspect', {
    form: { token },
    headers: { authorization: client.basic },
  })
  return answer.json()
}

export async function userinfo(server: TestGatehouse, token: string): Promise<Answer> {
  return createBrowser(server.url).ask('/oauth/userinfo', { headers: { authorization: `Bearer ${token}` } })
}

/** The claims of a JWT, unverified. */
export function claimsOf(jwt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>
}
