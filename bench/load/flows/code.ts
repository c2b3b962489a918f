import { createHash, randomBytes } from 'node:crypto'
import { header } from '../connection.ts'
import { openBrowser, type Browser } from '../browser.ts'
import { expectTokens } from '../expect.ts'
import type { Flow, Lane } from '../lane.ts'
import { basicAuthorization, getMessage, postMessage } from '../message.ts'

type Tokens = { readonly access_token: string; readonly id_token: string; readonly refresh_token: string }

/** The pieces of one lane's code flow: where to send the browser, and how to redeem what it brings back. */
export const codeFlow = (
  lane: Lane,
): { authorizePath: (prompt?: string) => string; redeem: (at: URL) => Promise<Tokens> } => {
  const { fixture, site } = lane
  const verifier = randomBytes(32).toString('base64url')
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const authorization = basicAuthorization(fixture.web)
  const query = new URLSearchParams({
    client_id: fixture.web.id,
    redirect_uri: fixture.web.redirectUri,
    response_type: 'code',
    scope: `openid offline_access ${fixture.resources.scope}`,
    resource: fixture.resources.opaque,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    nonce: randomBytes(16).toString('base64url'),
  }).toString()
  let count = 0
  let state = ''
  return {
    authorizePath: (prompt) => {
      state = `${lane.number}-${count++}`
      return `${site.paths.authorize}?${query}&state=${state}${prompt === undefined ? '' : `&prompt=${prompt}`}`
    },
    redeem: async (at) => {
      const code = at.searchParams.get('code')
      if (code === null) throw new Error(`no code in ${at.href}`)
      if (at.searchParams.get('state') !== state) throw new Error(`another state in ${at.href}`)
      if (at.searchParams.get('iss') !== site.issuer) throw new Error(`another issuer in ${at.href}`)
      const form = {
        grant_type: 'authorization_code',
        code,
        redirect_uri: fixture.web.redirectUri,
        code_verifier: verifier,
      }
      const reply = await lane.send(postMessage(site.host, site.paths.token, form, authorization), 200)
      if (lane.sampling() || count === 1) {
        expectTokens(reply.body, site, {
          format: 'opaque',
          audience: fixture.resources.opaque,
          idTokenFor: fixture.web.id,
          refresh: true,
        })
      }
      return JSON.parse(reply.body) as Tokens
    },
  }
}

/** Signs a lane's browser in and brings back the first tokens: what the flows below start from. */
export const signInOnce = async (
  lane: Lane,
): Promise<{ browser: Browser; flow: ReturnType<typeof codeFlow>; tokens: Tokens }> => {
  const browser = openBrowser(lane, lane.fixture.administrator)
  const flow = codeFlow(lane)
  const tokens = await flow.redeem(await browser.walk(flow.authorizePath()))
  return { browser, flow, tokens }
}

/** Two requests: the browser has a session and consent is remembered, so authorize answers at once; then the code is redeemed. */
export const codeWithSession: Flow = async (lane) => {
  const { browser, flow } = await signInOnce(lane)
  const cookies = browser.cookieLine(lane.site.paths.authorize)
  return async () => {
    const reply = await lane.send(getMessage(lane.site.host, flow.authorizePath(), cookies), 303)
    await flow.redeem(new URL(header(reply.head, 'location') ?? ''))
  }
}

/** A new browser every time: sign-in, consent (asked for again by prompt=consent), code, tokens. */
export const signIn: Flow = async (lane) => {
  const person = lane.fixture.people[lane.number % lane.fixture.people.length] ?? lane.fixture.administrator
  return async () => {
    const flow = codeFlow(lane)
    await flow.redeem(await openBrowser(lane, person).walk(flow.authorizePath('consent')))
  }
}
