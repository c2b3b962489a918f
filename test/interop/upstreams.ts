import { OAuth2Server } from 'oauth2-mock-server'
import type { OAuthProvider } from '../../src/config/provider.ts'
import type { Answer, Browser } from '../kit/browser.ts'
import { submit } from '../kit/flow.ts'
import { password, startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { readOAuthProvider } from '../upstream/house.ts'
import { startOidcProvider, type OidcProvider } from './oidc-provider.ts'

/** Through the pages of a server, as a person goes: where it lives, and what he does with a page of it. */
export type Way = {
  readonly name: 'peer' | 'mock' | 'own'
  readonly origin: () => string
  readonly fill: (there: Browser, username: string) => (page: Answer) => Promise<Answer>
}

/** Servers that nobody here wrote, and our own, each with the entry that an operator would write for it. */
export type Upstreams = {
  readonly peer: OidcProvider
  readonly mock: OAuth2Server
  readonly own: TestGatehouse
  readonly entry: (way: Way, more?: object) => OAuthProvider
  /** Their client is made when it is known where it sends people back to. */
  readonly register: (url: string) => Promise<void>
  readonly close: () => Promise<unknown>
}

export async function startUpstreams(): Promise<Upstreams> {
  const peer = await startOidcProvider()
  const mock = new OAuth2Server()
  await mock.issuer.keys.generate('RS256')
  await mock.start(0, 'localhost')
  const own = await startGatehouse()
  const particular = {
    peer: { issuer: peer.issuer, client_secret: { env: 'PEER' } },
    mock: { issuer: mock.issuer.url, token_endpoint_auth_method: 'none' },
    own: { issuer: own.url, token_endpoint_auth_method: 'none' },
  }
  return {
    peer,
    mock,
    own,
    entry: ({ name }, more) =>
      readOAuthProvider(
        { name, preset: 'oidc', client_id: 'gatehouse', pkce: 'required', ...particular[name], ...more },
        { PEER: peer.clientSecret },
      ),
    register: async (url) => {
      peer.register(`${url}/vault/callback/peer`)
      await own.makeClient({
        client_id: 'gatehouse',
        client_name: 'Another house of ours',
        redirect_uris: [`${url}/vault/callback/own`],
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
      })
    },
    close: () => Promise.all([own.close(), peer.close(), mock.stop()]),
  }
}

/** `upstreams`: started by the time that somebody goes. */
export const waysThrough = (upstreams: () => Upstreams): readonly [Way, Way, Way] => [
  {
    name: 'peer',
    origin: () => upstreams().peer.issuer,
    fill: (there, username) => (page) => submit(there, page, 'sign-in', { username }),
  },
  {
    name: 'mock',
    origin: () => upstreams().mock.issuer.url ?? '',
    fill: () => (page) => Promise.reject(new Error(page.text)),
  },
  {
    name: 'own',
    origin: () => upstreams().own.url,
    fill: (there, username) => (page) =>
      page.text.includes('<form id="consent"')
        ? submit(there, page, 'consent', { decision: 'allow' })
        : submit(there, page, 'sign-in', { username, password }),
  },
]

/** Through the pages of the server there until it sends the browser back to `here`: with which address. */
export async function walk(
  here: string,
  url: string,
  { there, fill }: { readonly there: Browser; readonly fill: (page: Answer) => Promise<Answer> },
): Promise<string> {
  let answer = await there.ask(url)
  for (let steps = 0; steps < 12; steps += 1) {
    const { location } = answer
    const next = location === undefined ? undefined : new URL(location, url).href
    if (next?.startsWith(here)) return next
    answer = next === undefined ? await fill(answer) : await there.ask(next)
  }
  throw new Error(`nobody is sent back: ${answer.status} ${answer.text.slice(0, 300)}`)
}
