import { createRequire } from 'node:module'
import { addCaveats, type Macaroon } from '../../src/tokens/macaroon/index.ts'
import { parseMacaroonText, printMacaroonText } from '../../src/tokens/macaroon-text.ts'
import { longestMacaroon } from '../../src/tokens/token-text.ts'
import { createBrowser } from './browser.ts'
import { codeFlow, tokenRequest, type Extra, type Tokens } from './flow.ts'
import type { MadeClient, TestGatehouse } from './gatehouse.ts'

export const macaroonApi = 'https://mac.example'

/** An API whose access tokens are macaroons, and the client that may introspect them. */
export async function makeMacaroonApi(server: TestGatehouse): Promise<MadeClient> {
  await server.makeResource({
    resource: macaroonApi,
    scope: 'read write',
    access_token: { format: 'macaroon', ttl: 600 },
    introspection_clients: ['mac-api'],
  })
  return server.makeClient({ client_id: 'mac-api', grant_types: ['client_credentials'], redirect_uris: [] })
}

export const curiousApi = 'https://curious.example'

/** An API that asks who its callers are and what they may do; the same client introspects its tokens. */
export async function makeCuriousApi(server: TestGatehouse): Promise<void> {
  const claims = ['username', 'role', 'bot', 'name', 'email']
  await server.makeResource({
    resource: curiousApi,
    scope: 'read',
    access_token: { claims },
    introspection_clients: ['mac-api'],
  })
}

/** A person's macaroon for that API, by the code flow. */
export async function macaroonOf(
  server: TestGatehouse,
  client: MadeClient,
  username: string,
  extra: Extra = {},
): Promise<Tokens> {
  const flow = await codeFlow(server, client, username, {
    extra: { resource: macaroonApi, scope: 'openid offline_access read write', ...extra },
  })
  return flow.tokens
}

/** A client's own macaroon for that API. */
export async function ownMacaroon(server: TestGatehouse, client: MadeClient): Promise<string> {
  const answer = await tokenRequest(server, client, {
    grant_type: 'client_credentials',
    resource: macaroonApi,
    scope: 'read write',
  })
  return (answer.json() as Tokens).access_token
}

/** What any holder can do offline. */
export function narrow(token: string, ...predicates: readonly string[]): string {
  return edit(token, (root) => addCaveats(root, predicates))
}

/** What we use of npm `macaroon`, which nobody here wrote and which brings no types. */
type Library = {
  importMacaroon(from: Uint8Array): { addFirstPartyCaveat(predicate: string): void; exportJSON(): object }
}
const library = createRequire(import.meta.url)('macaroon') as Library

/** The same with a stranger's tool. The V2 binary behind our prefix goes in; the JSON that it prints is sent as it is, in base64url. */
export function narrowElsewhere(token: string, ...predicates: readonly string[]): string {
  const body = token.replace(/^gth_mc_[0-9a-f]{8}_/, '')
  const macaroon = library.importMacaroon(Buffer.from(body, 'base64url'))
  for (const predicate of predicates) macaroon.addFirstPartyCaveat(predicate)
  return Buffer.from(JSON.stringify(macaroon.exportJSON())).toString('base64url')
}

/** As long as a holder could make it, nearly: it is read, and opens nothing but paths that nobody serves. */
export function lengthen(token: string): string {
  const path = `/${'x'.repeat(1_000)}`
  const most = Math.floor(((longestMacaroon - token.length) * 3) / 4 / (path.length + 20))
  return narrow(token, ...Array.from({ length: most }, () => `path = ${path}`))
}

/** What an attacker can do offline. */
export function edit(token: string, change: (root: Macaroon) => Macaroon): string {
  const [root, ...discharges] = parseMacaroonText(token) ?? []
  if (root === undefined) throw new Error('this is no macaroon')
  return printMacaroonText([change(root), ...discharges])
}

/** Introspection with the call that the API is asked for. */
export async function introspectCall(
  server: TestGatehouse,
  client: MadeClient,
  token: string,
  call?: Readonly<Record<string, string>>,
): Promise<Record<string, unknown>> {
  const answer = await createBrowser(server.url).ask('/oauth/introspect', {
    form: { token, ...(call === undefined ? {} : { caveat_context: JSON.stringify(call) }) },
    headers: { authorization: client.basic },
  })
  return answer.json()
}
