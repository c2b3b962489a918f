import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { createBrowser, type Browser } from '../kit/browser.ts'
import { authorize, authorizeUrl, codeFlow, introspect, tokenRequest, verifier } from '../kit/flow.ts'
import { createTestClock, type MadeClient, type TestClock, type TestGatehouse } from '../kit/gatehouse.ts'

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** What a server gave, before the moment to which it will be thrown back. */
export type Kept = {
  readonly client: MadeClient
  readonly browser: Browser
  readonly early: readonly Awaited<ReturnType<typeof codeFlow>>[]
  /** Not redeemed yet. */
  readonly codes: readonly string[]
  /** A new one that a client signs. */
  readonly assertion: () => string
}

/** What it gave after that moment, for what it had given before. */
export type Used = {
  readonly refreshed: readonly Given[]
  readonly redeemed: readonly Given[]
  readonly assertions: readonly string[]
}

/** How many of each were presented in the end, and how many were taken. */
export type Presented = {
  readonly presented: Readonly<Record<string, number>>
  readonly revived: Readonly<Record<string, number>>
}

export async function give(server: TestGatehouse, rounds: number): Promise<Kept> {
  await server.makeUser('ada')
  const client = await server.makeClient()
  await server.makeClient(assertionClient)
  const { browser } = await codeFlow(server, client, 'ada')
  return {
    client,
    browser,
    early: await each(rounds, () => codeFlow(server, client, 'ada', { browser })),
    codes: await each(rounds, () => codeOf(server, client, browser)),
    assertion: () => assertionFor(server.url, server.clock),
  }
}

/** Rotate, redeem, revoke half of it, and use assertions up. */
export async function useUp(server: TestGatehouse, { client, early, codes, assertion }: Kept): Promise<Used> {
  const refreshed = await Promise.all(early.map(({ tokens }) => refresh(server, client, tokens.refresh_token)))
  const redeemed = await Promise.all(codes.map((code) => redeem(server, client, code)))
  for (const { tokens } of early.slice(0, Math.ceil(early.length / 2)))
    await revoke(server, client, tokens.access_token)
  const assertions = early.map(assertion)
  for (const one of assertions) await used(server, one)
  return { refreshed, redeemed, assertions }
}

/** Everything that somebody kept, whether it was good at that moment, used after it or revoked after it. */
export async function presentAll(server: TestGatehouse, kept: Kept, after: Used): Promise<Presented> {
  const { client, browser, early, codes } = kept
  const { refreshed, redeemed, assertions } = after
  const presented: Record<string, number> = {}
  const revived: Record<string, number> = {}
  const present = async (what: string, secrets: readonly string[], taken: (secret: string) => Promise<boolean>) => {
    let count = 0
    for (const secret of secrets) if (await taken(secret)) count += 1
    presented[what] = (presented[what] ?? 0) + secrets.length
    revived[what] = (revived[what] ?? 0) + count
  }
  const works = async (form: Readonly<Record<string, string>>) =>
    (await tokenRequest(server, client, form)).status === 200
  const redeems = (code: string) => works({ grant_type: 'authorization_code', code, code_verifier: verifier })
  // In this order: what is shown first may not end what comes later, or that proves nothing. A redeemed code ends its grant.
  await present(
    'access tokens',
    [...early.map(({ tokens }) => tokens.access_token), ...refreshed.map(accessToken), ...redeemed.map(accessToken)],
    async (token) => (await introspect(server, client, token))['active'] === true,
  )
  await present('codes', codes, redeems)
  await present(
    'refresh tokens',
    [...early.map(({ tokens }) => tokens.refresh_token), ...refreshed.map(refreshToken), ...redeemed.map(refreshToken)],
    (token) => works({ grant_type: 'refresh_token', refresh_token: token }),
  )
  await present(
    'codes',
    early.map(({ code }) => code),
    redeems,
  )
  await present('assertions', assertions, (one) => used(server, one))
  await present('sessions', ['the cookies'], async () => {
    const answer = await browser.ask(authorizeUrl(client, { prompt: 'none' }))
    return new URL(answer.location ?? server.url, server.url).searchParams.has('code')
  })
  return { presented, revived }
}

/** Time that stands still, so that nothing is refused only because it expired. Waiting goes on: a node finds its way back by it. */
export function standingClock(): TestClock {
  const real = createTestClock()
  let millis = real.millis()
  return {
    ...real,
    millis: () => millis,
    seconds: () => Math.floor(millis / 1000),
    advance(seconds) {
      millis += seconds * 1000
    },
  }
}

async function each<T>(count: number, make: () => Promise<T>): Promise<readonly T[]> {
  const made: T[] = []
  for (let index = 0; index < count; index += 1) made.push(await make())
  return made
}

async function codeOf(server: TestGatehouse, client: MadeClient, browser: Browser): Promise<string> {
  return (await authorize(server, browser, authorizeUrl(client), 'ada')).searchParams.get('code') ?? ''
}

type Given = Readonly<Record<string, unknown>>

async function refresh(server: TestGatehouse, client: MadeClient, token: string): Promise<Given> {
  return given(await tokenRequest(server, client, { grant_type: 'refresh_token', refresh_token: token }))
}

async function redeem(server: TestGatehouse, client: MadeClient, code: string): Promise<Given> {
  return given(await tokenRequest(server, client, { grant_type: 'authorization_code', code, code_verifier: verifier }))
}

function given(answer: Awaited<ReturnType<typeof tokenRequest>>): Given {
  if (answer.status !== 200) throw new Error(`no tokens: ${answer.status} ${answer.text}`)
  return answer.json()
}

const refreshToken = (tokens: Given): string => String(tokens['refresh_token'])
const accessToken = (tokens: Given): string => String(tokens['access_token'])

async function revoke(server: TestGatehouse, client: MadeClient, token: string): Promise<void> {
  await createBrowser(server.url).ask('/oauth/revoke', { form: { token }, headers: { authorization: client.basic } })
}

const assertionClient = {
  client_id: 'signing',
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: 'ES256',
  jwks: { keys: [{ ...pair.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' }] },
  grant_types: ['client_credentials'],
  scope: 'read',
}

function assertionFor(issuer: string, clock: TestClock): string {
  const now = clock.seconds()
  const jti = randomBytes(12).toString('hex')
  const claims = { iss: 'signing', sub: 'signing', aud: issuer, iat: now, exp: now + 300, jti }
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const input = `${part({ alg: 'ES256', kid: 'k1', typ: 'client-authentication+jwt' })}.${part(claims)}`
  return `${input}.${sign('sha256', Buffer.from(input), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

/** Whether the assertion gets a token. */
export async function used(server: TestGatehouse, assertion: string): Promise<boolean> {
  const answer = await createBrowser(server.url).ask('/oauth/token', {
    form: {
      grant_type: 'client_credentials',
      scope: 'read',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    },
  })
  return answer.status === 200
}
