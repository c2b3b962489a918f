import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createOutbound, type Outbound } from '../../src/outbound/create-outbound.ts'
import { secretValue } from '../../src/config/secret-value.ts'
import { consent } from '../emulators/emulator.ts'
import { startOpenId, type OpenId } from '../emulators/openid.ts'
import { begin, browser, comeBack, createEngine, readOAuthProvider, readProvider } from './house.ts'

// F06, F12: without `allow_insecure` no address of an entry reaches into this house, whatever it is for.

/** Listens on loopback, and notes who comes. */
let heard = 0
let honest: OpenId
let near: string
const neighbour = createServer((socket) => {
  heard += 1
  socket.destroy()
})
const asked: string[] = []
const faraway = 'https://provider.example'

/** The guarded client, for which one provider is far away: everything else it judges itself. */
const guarded = createOutbound()
const outbound: Outbound = {
  ...guarded,
  fetch: (request) => {
    asked.push(request.url)
    if (!request.url.startsWith(faraway)) return guarded.fetch(request)
    return guarded.fetch({ ...request, url: request.url.replace(faraway, honest.url), allowInsecure: true })
  },
}

beforeAll(async () => {
  honest = await startOpenId({ refresh: 'always' })
  honest.faults.claims = (claims) => ({ ...claims, iss: faraway })
  await new Promise<void>((resolve) => neighbour.listen(0, '127.0.0.1', resolve))
  near = `https://127.0.0.1:${(neighbour.address() as AddressInfo).port}`
})
afterAll(async () => {
  await honest.close()
  await new Promise((resolve) => neighbour.close(resolve))
})
beforeEach(() => {
  heard = 0
  asked.length = 0
})

const every = {
  name: 'some',
  client_id: 'gatehouse-at-provider',
  client_secret: { env: 'S' },
  allow_insecure: false,
}
const openid = {
  ...every,
  preset: 'oidc',
  issuer: faraway,
  scope: 'openid',
  authorization_endpoint: `${faraway}/authorize`,
  token_endpoint: `${faraway}/token`,
  jwks_uri: `${faraway}/jwks`,
}
const plain = { ...openid, preset: 'oauth2', subject: { from: 'userinfo', claim: 'sub' } }

/** Signs in, renews and gives back, as far as it gets. */
async function everything(entry: Readonly<Record<string, unknown>>): Promise<void> {
  const provider = readOAuthProvider(entry, { S: honest.clientSecret })
  const engine = createEngine(outbound)
  const url = await begin(engine, provider).catch(() => undefined)
  if (url !== undefined) await comeBack(engine, provider, await consent(url.replace(faraway, honest.url)))
  await engine.refresh(provider, { refreshToken: secretValue('any'), scope: [] })
  await engine.revoke(provider, secretValue('any'))
}

it.each([
  ['issuer', '/.well-known/openid-configuration', { ...every, preset: 'oidc' }],
  ['token_endpoint', '/token', openid],
  ['jwks_uri', '/jwks', openid],
  ['userinfo_endpoint', '/userinfo', openid],
  ['revocation_endpoint', '/revoke', openid],
  ['token_endpoint', '/token', { ...plain, userinfo_endpoint: `${faraway}/userinfo` }],
  ['userinfo_endpoint', '/user', plain],
  ['emails_endpoint', '/emails', { ...plain, userinfo_endpoint: `${faraway}/userinfo` }],
])('L28: %s at a neighbour (%s) is asked for, and no packet leaves', async (key, path, entry) => {
  await everything({ ...entry, [key]: key === 'issuer' ? near : near + path })
  expect(asked).toContain(near + path)
  expect(heard).toBe(0)
})

it.each([
  ['a', 'done'],
  ['a\\nb', 'unavailable'],
  ['a b', 'done'],
  ['日本', 'unavailable'],
])('L22: a site’s credential %j, which goes into a header or on a line, is %s', async (credential, outcome) => {
  const site = readProvider({
    name: 'forum',
    preset: 'site-login',
    issuer: faraway,
    login_endpoint: `${faraway}/login`,
  })
  if (site.kind !== 'site-login') throw new Error('no site')
  const body = Buffer.from(`{"access_token":"${credential}","userId":"7","username":"Erna"}`)
  const fetch = () => Promise.resolve({ status: 200, headers: {}, body })
  const given = { username: 'Erna', password: 'secret', sessionLength: undefined }
  expect((await createEngine({ ...outbound, fetch }).login(site, given)).kind).toBe(outcome)
})

it.each(['login_endpoint', 'session_endpoint'])('%s of a login API neither', async (key) => {
  const site = readProvider({
    name: 'forum',
    preset: 'site-login',
    issuer: faraway,
    login_endpoint: `${faraway}/login`,
    session_endpoint: `${faraway}/session`,
    [key]: `${near}/here`,
  })
  if (site.kind !== 'site-login') throw new Error('no site')
  const given = { username: browser, password: 'secret', sessionLength: undefined }
  const { kind } = await createEngine({
    ...outbound,
    fetch: async (request) =>
      request.url === `${faraway}/login`
        ? { status: 200, headers: {}, body: Buffer.from('{"access_token":"a"}') }
        : outbound.fetch(request),
  }).login(site, given)
  expect([kind, asked, heard]).toEqual(['unavailable', [`${near}/here`], 0])
})
