import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createOutbound } from '../../src/outbound/create-outbound.ts'
import type { Finding } from '../../src/upstream/judge-metadata.ts'
import { probeProvider } from '../../src/upstream/probe-provider.ts'
import { probeSiteLogin } from '../../src/upstream/probe-site-login.ts'
import { startEmulator, type Emulator, type Reply } from '../emulators/emulator.ts'
import type { OpenId, OpenIdFaults } from '../emulators/openid.ts'
import { startSite, type Site } from '../emulators/site.ts'
import { createTestClock } from '../kit/gatehouse.ts'
import { readOAuthProvider, readProvider } from './house.ts'
import { startProviders, type Providers } from './providers.ts'

// `gatehouse provider check`: each mistake that we could think of, made, and the sentence that an operator gets for it.

const callback = 'https://as.example/vault/callback/it'
let at: Providers
let site: Site
/** Answers whatever a case wants. */
let odd: Emulator
let oddReply: (path: string) => Reply | Promise<Reply> = () => ({ status: 404, text: 'Not Found' })
beforeAll(async () => {
  ;[at, site, odd] = await Promise.all([startProviders(), startSite(), startEmulator(({ path }) => oddReply(path))])
})
afterAll(() => Promise.all([at.close(), site.close(), odd.close()]))
beforeEach(() => {
  for (const { faults } of [at.plain, at.google])
    for (const key of Object.keys(faults)) delete faults[key as keyof OpenIdFaults]
  site.broken = undefined
})

type Entry = Readonly<Record<string, unknown>>

const oidc = ({ issuer, clientId }: Pick<OpenId, 'issuer' | 'clientId'>, more: Entry = {}): Entry => ({
  name: 'it',
  preset: 'oidc',
  issuer,
  client_id: clientId,
  client_secret: { env: 'S' },
  ...more,
})
const plain = (more?: Entry): Entry => oidc(at.plain, more)
const oauth2 = (more: Entry = {}): Entry => ({
  name: 'it',
  preset: 'github',
  client_id: at.github.clientId,
  client_secret: { env: 'HUB' },
  authorization_endpoint: `${at.github.url}/login/oauth/authorize`,
  token_endpoint: `${at.github.url}/login/oauth/access_token`,
  userinfo_endpoint: `${at.github.url}/user`,
  ...more,
})

const context = ({ ahead = 0, deadlineMillis = 5000 } = {}) => {
  const clock = createTestClock()
  clock.advance(ahead)
  const outbound = createOutbound({ deadlineMillis, contact: 'https://as.example' })
  return { clock, outbound, upstreamServers: new Map() }
}

const etsy = (more: Entry = {}): Entry => ({
  name: 'it',
  preset: 'etsy',
  client_id: at.etsy.keystring,
  shared_secret: { env: 'ETSY' },
  authorization_endpoint: `${at.etsy.url}/oauth/connect`,
  token_endpoint: `${at.etsy.url}/v3/public/oauth/token`,
  api_base: at.etsy.url,
  ...more,
})

async function probe(entry: Entry, around: Parameters<typeof context>[0] = {}): Promise<readonly Finding[]> {
  const secrets = {
    S: at.plain.clientSecret,
    HUB: at.github.clientSecret,
    ETSY: at.etsy.sharedSecret,
    WRONG: 'w'.repeat(40),
  }
  return probeProvider(context(around), readOAuthProvider(entry, secrets), callback)
}

const said = (findings: readonly Finding[], status: Finding['status']): string =>
  findings
    .filter((finding) => finding.status === status)
    .map(({ detail }) => detail)
    .join('\n')

describe('an entry that fits', () => {
  it.each([
    ['an OpenID provider', () => plain({ scope: 'openid profile email' })],
    ['GitHub', () => oauth2()],
    ['Etsy', () => etsy()],
  ])('%s: nothing to mend', async (_name, entry) => {
    const findings = await probe(entry())
    expect(said(findings, 'fail')).toBe('')
    expect(said(findings, 'ok')).toContain('it knows this client')
    expect(said(findings, 'ok')).toContain('begins a sign-in for this client and callback')
  })

  it('every emulated provider, by its preset', async () => {
    for (const [name, entry] of Object.entries(at.entries)) {
      const findings = await probeProvider(context(), entry, `https://as.example${entry.callbackPath}`)
      expect(said(findings, 'fail'), name).toBe('')
    }
  })
})

/** What was done wrong, and the words that must come: what is the matter, and the mend. */
type Mistake = {
  readonly entry: () => Entry
  readonly says: readonly string[]
  readonly status?: Finding['status']
  readonly around?: Parameters<typeof context>[0]
}

const faulty = (faults: OpenIdFaults, more?: Entry) => (): Entry => {
  Object.assign(at.plain.faults, faults)
  return plain(more)
}
const without = (...names: readonly string[]) =>
  faulty({
    metadata: (document) => Object.fromEntries(Object.entries(document).filter(([name]) => !names.includes(name))),
  })
const metadata = (change: Readonly<Record<string, unknown>>, more?: Entry) =>
  faulty({ metadata: (document) => ({ ...document, ...change }) }, more)
/** An issuer whose discovery document is that answer. */
const discovering = (reply: Reply) => (): Entry => {
  oddReply = () => reply
  return oidc({ issuer: odd.url, clientId: 'x' })
}
/** A token endpoint that answers so. */
const tokens = (reply: Reply) => faulty({ tokenReply: reply })

const mistakes: Readonly<Record<string, Mistake>> = {
  // The issuer.
  'an issuer by another name': {
    entry: () => plain({ issuer: at.plain.issuer.replace('127.0.0.1', 'localhost') }),
    says: ['of another issuer', 'write issuer exactly'],
  },
  'an issuer with a slash at its end that its document lacks': {
    entry: () => plain({ issuer: `${at.plain.issuer}/` }),
    says: ['writes its issuer http://127.0.0.1', 'write it so too'],
  },
  'an issuer with a slash too many': {
    entry: () => oidc(at.gitlab, { issuer: `${at.gitlab.issuer}/` }),
    says: ['of another issuer', 'with or without the last slash'],
  },
  'an issuer below a path that is not there': {
    entry: () => plain({ issuer: `${at.plain.issuer}/realms/main` }),
    says: ['nothing of this kind', 'check the path'],
  },
  'an issuer that is a page': {
    entry: discovering({ text: '<html>Welcome</html>' }),
    says: ['no JSON, most likely a page', 'address of its API'],
  },
  'an issuer behind a captive portal': {
    entry: discovering({ headers: { 'content-type': 'application/json' }, text: '<html>Pay for Wi-Fi' }),
    says: ['calls its answer JSON', 'captive portal'],
  },
  'an issuer that moved': {
    entry: discovering({ status: 301, headers: { location: 'https://new.example/' } }),
    says: ['redirect, which is never followed', 'name the final address'],
  },
  'an issuer that has trouble': {
    entry: discovering({ status: 503 }),
    says: ['trouble of its own (status 503)', 'try again later'],
  },
  'an issuer that is asked too often': { entry: discovering({ status: 429 }), says: ['asked too often', 'wait'] },
  'an issuer whose document is huge': {
    entry: discovering({ text: 'x'.repeat(70_000) }),
    says: ['longer than 64 KiB'],
  },
  'an issuer that hangs up': {
    entry: discovering({ hangUp: true }),
    says: ['hung up', 'scheme and port belong together'],
  },
  'a port where nothing listens': {
    entry: () => plain({ issuer: 'http://127.0.0.1:9' }),
    says: ['nothing answers there', 'host, port and firewall'],
  },
  'a name that is misspelt': {
    entry: () => plain({ issuer: 'https://login.exampel.invalid' }),
    says: ['no address', 'check the spelling'],
  },
  'https where only http is spoken': {
    entry: () => plain({ issuer: at.plain.issuer.replace('http:', 'https:') }),
    says: ['discovery at', 'check'],
  },
  'a private address, not allowed': {
    entry: () => plain({ issuer: at.plain.issuer.replace('http:', 'https:'), allow_insecure: false }),
    says: ['its address is private', 'allow_insecure: true'],
  },
  // What its metadata say.
  'no authorization_endpoint': {
    entry: without('authorization_endpoint'),
    says: ['names no authorization_endpoint', 'add it to the entry'],
  },
  'no token_endpoint': { entry: without('token_endpoint'), says: ['names no token_endpoint'] },
  'no jwks_uri': { entry: without('jwks_uri'), says: ['names no jwks_uri'] },
  'an authorization_endpoint that is none': {
    entry: metadata({ authorization_endpoint: 'calc.exe' }),
    says: ['no web address'],
  },
  'no PKCE where it is required': {
    entry: metadata({ code_challenge_methods_supported: ['plain'] }, { pkce: 'required' }),
    says: ['does not do PKCE with S256', 'pkce: send'],
  },
  'no PKCE where it would be nice': {
    entry: metadata({ code_challenge_methods_supported: ['plain'] }),
    says: ['does not do PKCE with S256'],
    status: 'warn',
  },
  'PKCE switched off': { entry: () => plain({ pkce: 'off' }), says: ['pkce is off'], status: 'warn' },
  'another way to prove oneself': {
    entry: () => plain({ token_endpoint_auth_method: 'client_secret_post' }),
    says: ['it takes client_secret_basic, not client_secret_post', 'change token_endpoint_auth_method'],
  },
  'another algorithm of ID tokens': {
    entry: () => plain({ id_token_signed_response_alg: 'ES256' }),
    says: ['signs ID tokens with RS256, not ES256', 'none of its keys is for ES256'],
  },
  ...Object.fromEntries(
    ['token_endpoint', 'jwks_uri', 'userinfo_endpoint', 'revocation_endpoint'].map((name) => [
      `L28: ${name} on another host`,
      {
        entry: metadata({ [name]: 'http://127.0.0.1:9/there' }),
        says: [`${name} is at http://127.0.0.1:9, not at the issuer's`],
        status: 'warn',
      } as const,
    ]),
  ),
  'a hosted domain that is asked for and not demanded': {
    entry: () => plain({ authorize_parameters: { hd: 'example.org' } }),
    says: ['hd only asks, and keeps nobody out', 'required_claims: { hd: example.org }'],
  },
  'a header that its token endpoint waits for': {
    entry: metadata({ token_endpoint: 'KEYED' }),
    says: ['does not accept client_id and client_secret (invalid_client)', 'token_headers'],
  },
  // Scopes.
  'scope without openid': { entry: () => plain({ scope: 'profile email' }), says: ['scope lacks openid', 'add it'] },
  'commas between scopes': {
    entry: () => oauth2({ scope: 'read:user,user:email' }),
    says: ['looks like several scopes', 'put spaces between them'],
  },
  'a scope that it does not list': {
    entry: () => plain({ scope: 'openid repo' }),
    says: ['does not list the scope repo'],
    status: 'warn',
  },
  'a scope that it refuses': {
    entry: metadata({ authorization_endpoint: 'AUTHORIZE' }),
    says: ['sends people back with invalid_scope', 'scopes that this client may have'],
  },
  // Client and callback.
  'a wrong secret': {
    entry: () => plain({ client_secret: { env: 'WRONG' } }),
    says: ['does not accept client_id and client_secret (invalid_client)', 'check client_id'],
  },
  'a wrong secret, told under 200': {
    entry: () => oauth2({ client_secret: { env: 'WRONG' } }),
    says: ['incorrect_client_credentials'],
  },
  'a wrong client_id': {
    entry: () => plain({ client_id: 'typo' }),
    says: ['refuses to begin (status 400)', 'invalid_client'],
  },
  'a callback that is not registered': {
    entry: metadata({ authorization_endpoint: 'AUTHORIZE_400' }),
    says: ['refuses to begin (status 400)', `registered there letter by letter: ${callback}`],
  },
  'a callback that the token endpoint does not know': {
    entry: tokens({ status: 400, json: { error: 'redirect_uri_mismatch' } }),
    says: ['callback is not registered there'],
  },
  'a client without the code flow': {
    entry: tokens({ status: 400, json: { error: 'unauthorized_client' } }),
    says: ['not for the code flow', 'allow authorization_code'],
  },
  'a token endpoint of something else': {
    entry: tokens({ status: 400, json: { error: 'unsupported_grant_type' } }),
    says: ['knows no authorization_code', 'check the address'],
  },
  // Endpoints.
  'a token endpoint that is a page': { entry: tokens({ text: '<html>' }), says: ['its token endpoint: ', 'or a page'] },
  'a token endpoint that is not there': {
    entry: () => oauth2({ token_endpoint: `${at.github.url}/oauth/token` }),
    says: ['its token endpoint: '],
  },
  'a token endpoint that is not there, which the API says in JSON': {
    entry: () => etsy({ token_endpoint: `${at.etsy.url}/v3/public/oauth/tokens` }),
    says: ['its token endpoint: it is not there (status 404); check the address'],
  },
  'a token endpoint that says no in a word that every object of JavaScript knows': {
    entry: tokens({ status: 400, json: { error: 'constructor' } }),
    says: ['it knows this client (a made-up code was refused: constructor)'],
    status: 'ok',
  },
  'a token endpoint of an API that says no in words of its own': {
    entry: tokens({ status: 400, json: { error: 'Invalid request body' } }),
    says: ['no word of RFC 6749', 'check token_endpoint'],
    status: 'warn',
  },
  'a token endpoint that moved': {
    entry: tokens({ status: 302, headers: { location: '/' } }),
    says: ['its token endpoint: it answers with a redirect'],
  },
  'a token endpoint that never answers': {
    entry: metadata({ token_endpoint: 'SLOW' }),
    around: { deadlineMillis: 300 },
    says: ['its token endpoint: it did not answer'],
  },
  'a token endpoint that believes everything': {
    entry: tokens({ json: { access_token: 'a', token_type: 'bearer' } }),
    says: ['gave tokens for a code that was made up'],
  },
  'an authorization endpoint that is not there': {
    entry: () => oauth2({ authorization_endpoint: `${at.github.url}/authorise` }),
    says: ['its authorization endpoint: it is not there'],
  },
  'an authorization endpoint that is down': {
    entry: metadata({ authorization_endpoint: 'AUTHORIZE_500' }),
    says: ['its authorization endpoint: it has trouble'],
  },
  'keys that are a page': {
    entry: metadata({ jwks_uri: 'PAGE' }),
    says: ['its jwks_uri: it answers with something that is no key set'],
  },
  'keys that are not there': {
    entry: metadata({ jwks_uri: 'NOWHERE' }),
    says: ['its jwks_uri: it answers with status 404'],
  },
  'a userinfo_endpoint that is not there': {
    entry: () => oauth2({ userinfo_endpoint: `${at.github.url}/me` }),
    says: ['its userinfo_endpoint: it is not there'],
  },
  'a userinfo_endpoint that is a page': {
    entry: () => {
      oddReply = () => ({ text: '<html>' })
      return oauth2({ userinfo_endpoint: `${odd.url}/` })
    },
    says: ['its userinfo_endpoint: it answers 200', 'no page'],
  },
  // What only its API looks at.
  'a wrong shared secret': {
    entry: () => etsy({ shared_secret: { env: 'WRONG' } }),
    says: [
      'its API at /v3/application/openapi-ping: it refuses api_headers (status 403)',
      'check client_id and shared_secret',
    ],
  },
  'an API that is elsewhere': {
    entry: () => etsy({ api_base: `${at.etsy.url}/v3/` }),
    says: ['it is not there (status 404); check api_base and api_probe'],
  },
  'an API that has trouble': {
    entry: () => {
      oddReply = () => ({ status: 502 })
      return etsy({ api_base: odd.url })
    },
    says: ['its API at /v3/application/openapi-ping: it has trouble of its own (status 502)'],
  },
  'an API that nothing answers for': {
    entry: () => etsy({ api_base: 'http://127.0.0.1:9' }),
    says: ['its API at /v3/application/openapi-ping: nothing answers there'],
  },
  'a clock that is wrong': { entry: () => plain(), says: ['seconds apart', 'NTP'], around: { ahead: 600 } },
}

/** Places of the emulator that answers anything, by the word that stands for them in a document. */
const places: Readonly<Record<string, () => Reply | Promise<Reply>>> = {
  AUTHORIZE: () => ({ status: 302, headers: { location: `${callback}?error=invalid_scope&state=x` } }),
  AUTHORIZE_400: () => ({ status: 400, text: 'redirect_uri is not registered' }),
  AUTHORIZE_500: () => ({ status: 500, text: 'oh' }),
  PAGE: () => ({ text: '<html>' }),
  KEYED: () => ({ status: 401, json: { error: 'invalid_client' } }),
  SLOW: () => new Promise(() => undefined),
  NOWHERE: () => ({ status: 404, text: 'Not Found' }),
}

describe('a mistake is told with its mend', () => {
  it.each(Object.entries(mistakes))('%s', async (_mistake, { entry, says, status = 'fail', around }) => {
    const made = entry()
    const change = at.plain.faults.metadata
    if (change !== undefined) {
      oddReply = (path) => places[path.slice(1)]?.() ?? { status: 404 }
      at.plain.faults.metadata = (document) =>
        Object.fromEntries(Object.entries(change(document)).map(([name, value]) => [name, addressOf(value) ?? value]))
    }
    const findings = await probe(made, around)
    for (const words of says) expect(said(findings, status), JSON.stringify(findings)).toContain(words)
    expect(JSON.stringify(findings)).not.toContain(at.plain.clientSecret)
  })
})

function addressOf(value: unknown): string | undefined {
  return typeof value === 'string' && value in places ? `${odd.url}/${value}` : undefined
}

describe('a login API', () => {
  const login = (more: Entry = {}): Entry => ({
    name: 'forum',
    preset: 'site-login',
    issuer: 'https://forum.example',
    login_endpoint: `${site.url}/auth/login`,
    session_endpoint: `${site.url}/auth/session`,
    allow_insecure: true,
    ...more,
  })
  async function probeSite(entry: Entry): Promise<readonly Finding[]> {
    const provider = readProvider(entry)
    if (provider.kind !== 'site-login') throw new Error('no site')
    return probeSiteLogin(context(), provider)
  }

  it('that fits: nothing to mend, and nobody’s password was tried', async () => {
    const findings = await probeSite(login())
    expect([said(findings, 'fail'), findings.length]).toEqual(['', 2])
    expect(JSON.parse(site.askedAt('/auth/login').at(-1)?.body ?? '')).toMatchObject({
      username: 'gatehouse-provider-check',
    })
  })

  const wrongs: Readonly<
    Record<string, { readonly more?: () => Entry; readonly broken?: Reply; readonly says: string }>
  > = {
    'a page in place of the API': { broken: { text: '<html>' }, says: 'is it the address of a page?' },
    'not there': { more: () => ({ login_endpoint: `${site.url}/login` }), says: 'not there (status 404)' },
    'a form where JSON is wanted': {
      more: () => ({ login_request: 'form' }),
      says: 'check login_request and login_fields',
    },
    'fields by other names': {
      more: () => ({ login_fields: { username: 'user', password: 'pass' } }),
      says: 'check login_request and login_fields',
    },
    'a status for wrong passwords that nobody expects': {
      more: () => ({ wrong_statuses: [422] }),
      says: 'add it to wrong_statuses',
    },
    'a wrong password told under 200': {
      broken: { json: { success: false } },
      says: 'say in wrong_when what that answer holds',
    },
    'the status of a locked account for everybody': {
      more: () => ({ wrong_statuses: [422], locked_statuses: [401] }),
      says: 'check locked_when and locked_statuses',
    },
    'everybody let in': { broken: { json: { access_token: 'x', userId: 1 } }, says: 'do not use it' },
    down: { broken: { status: 502, text: 'Bad Gateway' }, says: 'trouble of its own (status 502)' },
    'a session endpoint that is not there': {
      more: () => ({ session_endpoint: `${site.url}/whoami` }),
      says: 'its session_endpoint: it is not there',
    },
    'nothing listening': { more: () => ({ login_endpoint: 'http://127.0.0.1:9/' }), says: 'nothing answers there' },
  }
  it.each(Object.entries(wrongs))('%s', async (_wrong, { more, broken, says }) => {
    site.broken = broken
    expect(said(await probeSite(login(more?.())), 'fail')).toContain(says)
  })
})
