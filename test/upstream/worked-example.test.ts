import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { probeProvider } from '../../src/upstream/probe-provider.ts'
import { createOutbound } from '../../src/outbound/create-outbound.ts'
import { configOf } from '../config/load.ts'
import { codeGrant } from '../emulators/code-grant.ts'
import { consent, fresh, startEmulator, type Asked, type Emulator, type Reply } from '../emulators/emulator.ts'
import { findUserNamed } from '../../src/accounts/find-user.ts'
import { identitiesOf } from '../../src/accounts/find-identity.ts'
import { expectNoSecret } from '../attacks/support.ts'
import { createBrowser, readForm } from '../kit/browser.ts'
import { follow, submit } from '../kit/flow.ts'
import { createTestClock, startGatehouse } from '../kit/gatehouse.ts'
import { createEngine, through } from './house.ts'

// docs/providers.md: a provider that nobody here knows, by the file alone. The page is read, and the library does what it says.

const page = readFileSync(new URL('../../docs/providers.md', import.meta.url), 'utf8')
const [, yaml = ''] = /## A provider that nobody here knows[^]*?```yaml\n([^]*?)```/.exec(page) ?? []
const key = 'the key of the library'
const branch = 'the key of the branch'
const environment = { LIBRARY_KEY: key, LIBRARY_BRANCH: branch }
let library: Emulator
const reader = { reader: { card: 4711, nick: 'bookworm', name: { first: 'Ada', last: 'Lovelace' } } }
const addresses = [
  { address: 'old@example.org', preferred: false, checked: 'true' },
  { address: 'ada@example.org', preferred: true, checked: 'true' },
]
/** What the library says of whoever agrees. */
const said: { reader: unknown; addresses: unknown } = { reader, addresses }

beforeAll(async () => {
  const codes = codeGrant<undefined>()
  const tokens = new Set<string>()
  const form = (body: Record<string, string>): Reply => ({
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    text: new URLSearchParams(body).toString(),
  })
  function token({ form: asked, headers }: Asked): Reply {
    if (
      headers.authorization !== undefined ||
      headers['x-branch'] !== branch ||
      asked.get('client_id') !== 'gatehouse' ||
      asked.get('client_secret') !== key
    )
      return form({ error: 'invalid_client' })
    const accessToken = fresh()
    tokens.add(accessToken)
    if (asked.get('grant_type') === 'refresh_token')
      return asked.get('refresh_token') === 'for ever'
        ? form({ access_token: accessToken, token_type: 'bearer' })
        : form({ error: 'invalid_grant' })
    const code = codes.redeem(asked)
    if (code?.sameRedirect !== true || !code.verified) return form({ error: 'invalid_grant' })
    return form({
      access_token: accessToken,
      token_type: 'bearer',
      ...(code.query.get('access') === 'long' && { refresh_token: 'for ever' }),
    })
  }
  library = await startEmulator((asked) => {
    const { path, query, headers } = asked
    if (path === '/connect' && query.get('scope') === 'me,addresses') return codes.answer(query, undefined)
    if (path === '/api/token') return token(asked)
    const isAllowed = tokens.has((headers.authorization ?? '').slice(7)) && headers['x-branch'] === branch
    if (path === '/api/reader') return isAllowed ? { json: said.reader } : { status: 401 }
    if (path === '/api/addresses') return isAllowed ? { json: said.addresses } : { status: 401 }
    return { status: 404 }
  })
})
afterAll(() => library.close())

function entry(more = '') {
  const local = yaml.replaceAll(/https:\/\/books\.example(?=\/)/g, library.url) + `    allow_insecure: true\n${more}`
  const [provider] = configOf({ yaml: local, environment }).providers
  if (provider === undefined || provider.kind === 'site-login') throw new Error('no provider')
  return provider
}

it('is an entry that holds as it stands', () => {
  expect(configOf({ yaml, environment }).providers).toHaveLength(1)
})

it('signs a reader in by the number of his card', async () => {
  const done = await through(createEngine(), entry())
  expect(done).toMatchObject({
    kind: 'done',
    identity: {
      issuer: 'https://books.example',
      subject: '4711',
      suggestions: ['bookworm'],
      fullName: 'Ada Lovelace',
      verifiedEmail: 'ada@example.org',
    },
  })
  if (done.kind === 'done') expect(done.tokens.refreshToken).toBeUndefined()
})

it('through the pages of a server that knows nothing but the file', async () => {
  const server = await startGatehouse({ config: { providers: [entry()] } })
  const browser = createBrowser(server.url)
  const away = await browser.ask('/signin/with/library')
  const newcomer = await follow(server, browser, await browser.ask(await consent(away.location ?? '')))
  expect(readForm(newcomer.text, 'create-account').fields['username']).toBe('bookworm')
  expect((await submit(browser, newcomer, 'create-account', {})).location).toBe('/account')
  const user = await findUserNamed(server.core, 'bookworm')
  expect([user?.fullName, (await identitiesOf(server.core, user?.userId ?? ''))[0]?.subject]).toEqual([
    'Ada Lovelace',
    '4711',
  ])
  await expectNoSecret(server, [key, branch])
  await server.close()
})

const odd = (more: object, list: unknown = addresses) => ({ reader: { reader: { ...reader.reader, ...more } }, list })
it.each([
  ['a card that is text', odd({ card: '4711' }), { subject: '4711' }],
  ['a card too long to be one number', odd({ card: 2 ** 53 }), undefined],
  ['no card', odd({ card: undefined }), undefined],
  ['a card that is a list', odd({ card: ['4711'] }), undefined],
  ['a card that was put elsewhere', { reader: { card: 4711 }, list: addresses }, undefined],
  ['half a name', odd({ name: { last: 'Lovelace' } }), { fullName: 'Lovelace' }],
  ['a name in one piece, where its parts were promised', odd({ name: 'Ada' }), { fullName: undefined }],
  ['an address that was not checked', odd({}, [{ ...addresses[1], checked: 'false' }]), { verifiedEmail: undefined }],
  ['one of which nobody can tell', odd({}, [{ ...addresses[1], checked: 'yes' }]), { verifiedEmail: undefined }],
  ['none that he prefers', odd({}, [addresses[0]]), { verifiedEmail: undefined }],
  ['something else than a list', odd({}, { emails: addresses }), { verifiedEmail: undefined }],
] as const)('%s', async (_name, { reader: says, list }, expected) => {
  Object.assign(said, { reader: says, addresses: list })
  const done = await through(createEngine(), entry())
  Object.assign(said, { reader, addresses })
  if (expected === undefined) return expect(done).toMatchObject({ kind: 'refused', reason: 'upstream_subject' })
  if (done.kind !== 'done') throw new Error(JSON.stringify(done))
  return expect({ fullName: undefined, verifiedEmail: undefined, ...done.identity }).toMatchObject(expected)
})

it('keeps its tokens: a day long, and renewed by a refresh token that stays', async () => {
  const engine = createEngine()
  const done = await through(engine, entry(), { offline: true })
  if (done.kind !== 'done' || done.tokens.refreshToken === undefined) throw new Error(JSON.stringify(done))
  expect((done.tokens.expiresAt ?? 0) - engine.clock.seconds()).toBeGreaterThan(86_390)
  const held = { refreshToken: done.tokens.refreshToken, scope: ['me', 'addresses'] }
  for (let times = 0; times < 2; times += 1) expect(await engine.refresh(entry(), held)).toMatchObject({ kind: 'done' })
})

it('passes the check, and a wrong key is told', async () => {
  const context = { clock: createTestClock(), outbound: createOutbound(), upstreamServers: new Map() }
  const callback = 'https://login.example.org/vault/callback/library'
  const findings = await probeProvider(context, entry(), callback)
  expect(findings.filter(({ status }) => status === 'fail')).toEqual([])
  const wrong = await probeProvider(context, { ...entry(), clientId: 'typo' }, callback)
  expect(JSON.stringify(wrong)).toContain('does not accept client_id and client_secret')
  expect(await consent(`${library.url}/connect?scope=me,addresses&redirect_uri=${callback}&state=x`)).toContain(
    callback,
  )
})
