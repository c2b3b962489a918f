import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from '../../src/crypto/hash.ts'
import { presets } from '../../src/config/presets/presets.ts'
import { secretValue } from '../../src/config/secret-value.ts'
import { isOrcid } from '../../src/protocol/orcid.ts'
import type { Finished } from '../../src/upstream/finish-upstream.ts'
import { repairClaims } from '../../src/upstream/repair-claims.ts'
import { consent } from '../emulators/emulator.ts'
import { startEtsy } from '../emulators/etsy.ts'
import { startGitLab } from '../emulators/gitlab.ts'
import { begin, comeBack, createEngine, readOAuthProvider, through } from './house.ts'
import { startProviders, wikimediaEndpoints, type Providers } from './providers.ts'

// What each provider does that the specifications don't say, or that others don't do: a line for each, and what we make of it.

const engine = createEngine()
let at: Providers
beforeAll(async () => {
  at = await startProviders()
})
afterAll(() => at.close())

type Name = keyof Providers['entries']
type Done = Extract<Finished, { kind: 'done' }>

async function done(name: Name, asked: Parameters<typeof through>[2] = {}): Promise<Done> {
  const finished = await through(engine, at.entries[name], asked)
  if (finished.kind !== 'done') throw new Error(JSON.stringify(finished))
  return finished
}

async function connected(name: Name) {
  const entry = at.entries[name]
  const { tokens } = await done(name, { scope: entry.connectScope, offline: true })
  const { refreshToken, scope, account } = tokens
  if (refreshToken === undefined) throw new Error(`${name} gave no refresh token`)
  return { refreshToken, scope, account }
}

async function renewed(name: Name, held: Awaited<ReturnType<typeof connected>>) {
  const refreshed = await engine.refresh(at.entries[name], held)
  if (refreshed.kind !== 'done') throw new Error(JSON.stringify(refreshed))
  return refreshed.tokens
}

const queryOf = async (name: Name, asked: Parameters<typeof begin>[2] = {}) =>
  new URL(await begin(engine, at.entries[name], asked)).searchParams

const livesFor = (tokens: Done['tokens']): number => (tokens.expiresAt ?? 0) - engine.clock.seconds()

/** The callback with another code, or with other parameters. */
async function callbackWith(name: Name, change: (query: URLSearchParams) => void): Promise<Finished> {
  const callback = new URL(await consent(await begin(engine, at.entries[name])))
  change(callback.searchParams)
  return comeBack(engine, at.entries[name], callback.href)
}

const quirks: Readonly<Record<Name, Readonly<Record<string, () => Promise<void>>>>> = {
  etsy: {
    'PKCE always, S256 alone, as in its own documentation': async () => {
      expect(sha256('vvkdljkejllufrvbhgeiegrnvufrhvrffnkvcknjvfid')).toBe('DSWlW2Abh-cf8CeLL8-g3hQ2WQyYdKyiu83u_s7nRhI')
      expect(at.entries.etsy.pkce).toBe('required')
      expect((await queryOf('etsy')).get('code_challenge_method')).toBe('S256')
      await done('etsy')
      const verifier = at.etsy.askedAt('/v3/public/oauth/token').at(-1)?.form.get('code_verifier')
      expect(verifier).toMatch(/^[A-Za-z0-9._~-]{43,128}$/)
    },
    'spaces between scopes are %20, never +': async () => {
      const url = await begin(engine, at.entries.etsy, { scope: ['listings_r', 'listings_w'] })
      expect([url.includes('scope=listings_r%20listings_w'), url.includes('+')]).toEqual([true, false])
    },
    'the redirect URI is the registered one, letter by letter': async () => {
      const strict = await startEtsy({ registered: ['https://as.example/etsy'] })
      const entry = { name: 'strict', preset: 'etsy', client_id: strict.keystring, shared_secret: { env: 'S' } }
      const urls = {
        authorization_endpoint: `${strict.url}/oauth/connect`,
        token_endpoint: `${strict.url}/v3/public/oauth/token`,
      }
      const read = (more: object) => readOAuthProvider({ ...entry, ...urls, ...more }, { S: strict.sharedSecret })
      const right = await through(engine, read({ callback_path: '/etsy' }))
      // A mismatch is told on a page of Etsy's; nobody is sent back.
      const wrong = through(engine, read({}))
      await expect(wrong).rejects.toThrow('sends nobody back')
      await strict.close()
      expect(right.kind).toBe('done')
    },
    'at the token endpoint a bare keystring: no secret, no header, no x-api-key': async () => {
      await done('etsy')
      const asked = at.etsy.askedAt('/v3/public/oauth/token').at(-1)
      expect(asked?.form.get('client_id')).toBe(at.etsy.keystring)
      expect([asked?.form.has('client_secret'), asked?.headers.authorization, asked?.headers['x-api-key']]).toEqual([
        false,
        undefined,
        undefined,
      ])
    },
    'the number before the dot is the account, and the whole text is the token': async () => {
      const { identity, tokens } = await done('etsy', { scope: ['shops_r'] })
      expect(identity).toMatchObject({ issuer: 'https://www.etsy.com', subject: '123456789' })
      expect(tokens.accessToken.reveal()).toMatch(/^123456789\../)
      expect(tokens).toMatchObject({ account: '123456789', scope: ['shops_r'] })
      at.etsy.userId = 'nonsense'
      const nobody = await through(engine, at.entries.etsy)
      at.etsy.userId = '123456789'
      expect(nobody).toMatchObject({ kind: 'refused', reason: 'upstream_subject' })
    },
    'the life of a token is what it says, an hour or a day': async () => {
      for (const expiresIn of [86_400, 3600]) {
        at.etsy.expiresIn = expiresIn
        expect(livesFor((await done('etsy')).tokens)).toBeGreaterThan(expiresIn - 10)
      }
    },
    'a refresh token dies when it is used': async () => {
      const held = await connected('etsy')
      expect((await renewed('etsy', held)).refreshToken?.reveal()).not.toBe(held.refreshToken.reveal())
      expect(await engine.refresh(at.entries.etsy, held)).toEqual({ kind: 'denied', why: 'invalid_grant' })
    },
    'a change of password there revokes everything': async () => {
      const held = await connected('etsy')
      at.etsy.revokeAll()
      expect(await engine.refresh(at.entries.etsy, held)).toEqual({ kind: 'denied', why: 'invalid_grant' })
    },
    'a 500 may have used the refresh token up': async () => {
      for (const fault of ['500', '500 after rotation', 'hang up after rotation', 'not json'] as const) {
        const held = await connected('etsy')
        at.etsy.faults.push(fault)
        expect(await engine.refresh(at.entries.etsy, held)).toMatchObject({ kind: 'unavailable', maybeUsed: true })
      }
    },
    'a no of the person comes back with its description': async () => {
      expect(await through(engine, at.entries.etsy, { decision: 'deny' })).toEqual({
        kind: 'denied',
        why: 'access_denied',
      })
    },
    'its API wants the keystring and the second secret beside the token': async () => {
      expect(at.entries.etsy.apiHeaders).toEqual({ 'x-api-key': '{client_id}:{shared_secret}' })
      const ping = (key: string) =>
        fetch(`${at.etsy.url}/v3/application/openapi-ping`, { headers: { 'x-api-key': key } })
      expect((await ping(at.etsy.keystring)).status).toBe(403)
      expect((await ping(`${at.etsy.keystring}:${at.etsy.sharedSecret}`)).status).toBe(200)
    },
  },
  github: {
    'answers are form-encoded, unless somebody asks for JSON and it feels like it': async () => {
      for (const alwaysForm of [true, false]) {
        at.github.alwaysForm = alwaysForm
        expect((await done('github')).identity?.subject).toBe('583231')
        expect(at.github.askedAt('/login/oauth/access_token').at(-1)?.headers.accept).toContain('application/json')
      }
    },
    'errors come with status 200': async () => {
      const code = await callbackWith('github', (query) => query.set('code', 'another'))
      expect(code).toMatchObject({ kind: 'refused', why: 'bad_verification_code' })
      const entry = { ...at.entries.github, name: 'wrong', clientSecret: secretValue('wrong') }
      expect(await through(engine, entry)).toMatchObject({ kind: 'refused', why: 'incorrect_client_credentials' })
    },
    'nor a code for another callback, nor one of somebody whose address is not verified': async () => {
      const url = new URL(await begin(engine, at.entries.github))
      url.searchParams.set('redirect_uri', 'https://as.example/elsewhere')
      const elsewhere = await comeBack(engine, at.entries.github, await consent(url.href))
      expect(elsewhere).toMatchObject({ kind: 'refused', why: 'redirect_uri_mismatch' })
      at.github.wantsVerified = true
      const before = at.github.user
      expect((await done('github')).identity?.subject).toBe('583231')
      at.github.user = { ...before, emails: [{ email: 'octo@example.org', primary: true, verified: false }] }
      const unverified = await through(engine, at.entries.github)
      at.github.user = before
      at.github.wantsVerified = false
      expect(unverified).toMatchObject({ kind: 'refused', why: 'unverified_user_email' })
    },
    'PKCE, and the secret all the same': async () => {
      expect((await queryOf('github')).get('code_challenge_method')).toBe('S256')
      await done('github')
      const asked = at.github.askedAt('/login/oauth/access_token').at(-1)
      expect([asked?.form.get('client_secret'), asked?.form.has('code_verifier')]).toEqual([
        at.github.clientSecret,
        true,
      ])
    },
    'scopes are separated by commas': async () => {
      expect((await done('github')).tokens.scope).toEqual(['read:user', 'user:email'])
    },
    'tokens have no end, and there are no refresh tokens': async () => {
      const { tokens } = await done('github')
      expect([tokens.expiresAt, tokens.refreshToken, at.entries.github.refresh]).toEqual([undefined, undefined, 'none'])
    },
    'the number is the account, whatever it is called by now': async () => {
      const before = at.github.user
      const first = await done('github')
      at.github.user = { ...before, login: 'renamed' }
      const second = await done('github')
      // Somebody else took the name that became free.
      at.github.user = { ...before, id: 99 }
      const third = await done('github')
      at.github.user = before
      expect([first, second, third].map(({ identity }) => [identity?.subject, identity?.label])).toEqual([
        ['583231', 'octocat'],
        ['583231', 'renamed'],
        ['99', 'octocat'],
      ])
    },
    'addresses have their own list; only the primary one counts, if it is verified': async () => {
      const before = at.github.user
      expect((await done('github')).identity?.verifiedEmail).toBe('octo@example.org')
      at.github.user = { ...before, emails: [{ email: 'octo@example.org', primary: true, verified: false }] }
      const unverified = await done('github')
      at.github.user = before
      expect(unverified.identity?.verifiedEmail).toBeUndefined()
    },
    'nobody is told anything without a User-Agent': async () => {
      await done('github')
      expect(at.github.askedAt('/user').at(-1)?.headers['user-agent']).toMatch(/^gatehouse/)
    },
    'no iss comes back, and none is promised': async () => {
      const callback = new URL(await consent(await begin(engine, at.entries.github)))
      expect(callback.searchParams.has('iss')).toBe(false)
      expect(await comeBack(engine, at.entries.github, callback.href)).toMatchObject({ kind: 'done' })
    },
  },
  google: {
    'old ID tokens have an issuer without scheme: exactly that one': async () => {
      for (const [iss, kind] of [
        ['accounts.google.com', 'done'],
        ['accounts.google.example', 'refused'],
        ['//accounts.google.com', 'refused'],
      ]) {
        at.google.faults.claims = (claims) => ({ ...claims, iss })
        const finished = await through(engine, at.entries.google)
        delete at.google.faults.claims
        expect(finished.kind, iss).toBe(kind)
        // One issuer for both spellings: the same person is the same identity.
        if (finished.kind === 'done') expect(finished.identity?.issuer).toBe(at.google.issuer)
      }
    },
    'a refresh token comes with access_type=offline alone, which is asked for where one is wanted': async () => {
      const wanted = await queryOf('google', { offline: true })
      expect([wanted.get('access_type'), wanted.get('prompt')]).toEqual(['offline', 'consent'])
      expect((await queryOf('google')).has('access_type')).toBe(false)
      expect((await done('google')).tokens.refreshToken).toBeUndefined()
      expect((await done('google', { offline: true })).tokens.refreshToken).toBeDefined()
    },
    'a refresh repeats no refresh token: the old one stays': async () => {
      const held = await connected('google')
      expect((await renewed('google', held)).refreshToken).toBeUndefined()
      expect(await engine.refresh(at.entries.google, held)).toMatchObject({ kind: 'done' })
    },
    'email_verified may be text': async () => {
      const before = at.google.user
      const verified: unknown[] = []
      for (const email_verified of ['true', true, 'false', false, 'yes', 1]) {
        at.google.user = { ...before, email_verified }
        verified.push((await done('google')).identity?.verifiedEmail)
      }
      at.google.user = before
      expect(verified).toEqual(['grace@example.org', 'grace@example.org', ...Array.from({ length: 4 })])
    },
    'hd: the parameter only asks; what counts is the claim, as it was signed': async () => {
      const demanding = { ...at.entries.google, requiredClaims: { hd: ['example.org', 'example.net'] } }
      const before = at.google.user
      const outcomes: unknown[] = []
      for (const hd of [
        'example.org',
        'example.net',
        'EXAMPLE.ORG',
        'example.com',
        'x.example.org',
        '',
        ['example.org'],
        undefined,
      ]) {
        at.google.user = { ...before, hd }
        const finished = await through(engine, demanding, {})
        outcomes.push(finished.kind === 'denied' ? finished.why : finished.kind)
      }
      // What userinfo says is not signed.
      at.google.faults.claims = ({ hd: _hd, ...claims }) => claims
      at.google.user = { ...before, hd: 'example.org' }
      outcomes.push(await through(engine, demanding))
      delete at.google.faults.claims
      at.google.user = before
      const no = 'required_claims'
      expect(outcomes).toEqual(['done', 'done', no, no, no, no, no, no, { kind: 'denied', why: no }])
    },
    'hd: a connection whose scope asks for no ID token gets one all the same': async () => {
      const demanding = { ...at.entries.google, requiredClaims: { hd: ['example.org'] } }
      const url = new URL(await begin(engine, demanding, { scope: ['email'] }))
      expect(url.searchParams.get('scope')).toBe('openid email')
      expect(await through(engine, demanding, { scope: ['email'] })).toEqual({ kind: 'denied', why: 'required_claims' })
    },
    'somebody may agree to less than was asked': async () => {
      at.google.faults.token = (body) => ({ ...body, scope: 'openid' })
      const { tokens } = await done('google')
      delete at.google.faults.token
      expect(tokens.scope).toEqual(['openid'])
    },
    'its device endpoint says verification_url; no step of ours goes there': async () => {
      const answer = await fetch(`${at.google.url}/device/code`, { method: 'POST' })
      const said = (await answer.json()) as Record<string, unknown>
      expect([said['verification_url'], said['verification_uri']]).toEqual(['https://www.google.com/device', undefined])
      const before = at.google.askedAt('/device/code').length
      await connected('google')
      expect(at.google.askedAt('/device/code')).toHaveLength(before)
    },
  },
  orcid: {
    'credentials stand in the body': async () => {
      await done('orcid')
      const asked = at.orcid.askedAt('/oauth/token').at(-1)
      expect([asked?.form.get('client_secret'), asked?.headers.authorization]).toEqual([
        at.orcid.clientSecret,
        undefined,
      ])
    },
    'amr is a text, not a list': async () => {
      expect(repairClaims(at.orcid.user, at.entries.orcid.claims)).toMatchObject({ amr: ['pwd'] })
      expect((await done('orcid')).identity?.subject).toBe('0000-0002-1825-0097')
    },
    'keys have no alg: RS256 it is, and nothing else': async () => {
      const { keys } = (await (await fetch(`${at.orcid.url}/oauth/jwks`)).json()) as { keys: object[] }
      expect(keys[0]).not.toHaveProperty('alg')
      expect(at.entries.orcid.idTokenAlgorithm).toBe('RS256')
      at.orcid.faults.signature = 'HS256 with the public key'
      const finished = await through(engine, at.entries.orcid)
      delete at.orcid.faults.signature
      expect(finished).toMatchObject({ kind: 'refused', reason: 'upstream_id_token' })
    },
    'it knows the scope openid alone: neither profile nor email is asked for': async () => {
      expect((await queryOf('orcid')).get('scope')).toBe('openid')
    },
    'its metadata don’t speak of PKCE: S256 is sent all the same': async () => {
      expect((await queryOf('orcid')).get('code_challenge_method')).toBe('S256')
    },
    'an iD has a checksum': async () => {
      const before = at.orcid.user
      at.orcid.user = { ...before, sub: '0000-0002-1825-0098' }
      const finished = await through(engine, at.entries.orcid)
      at.orcid.user = before
      expect(finished).toMatchObject({ kind: 'refused', reason: 'upstream_subject' })
      expect(['0000-0002-1694-233X', '0000-0002-1694-2331', '0000000218250097'].map(isOrcid)).toEqual([
        true,
        false,
        false,
      ])
    },
    'tokens live for twenty years, as bearer in lower case': async () => {
      const { tokens } = await done('orcid')
      expect(livesFor(tokens)).toBeGreaterThan(631_138_000)
      expect(tokens.tokenType).toBe('Bearer')
    },
    'the token answer has members of its own, and a name that may be null': async () => {
      const { identity } = await done('orcid')
      expect(identity).toMatchObject({ suggestions: ['Josiah'] })
    },
    'userinfo refuses, with an error-description': async () => {
      expect((await fetch(`${at.orcid.url}/oauth/userinfo`)).status).toBe(403)
      expect((await done('orcid')).identity?.verifiedEmail).toBeUndefined()
    },
    'an iD is shown as its address; every name may be private': async () => {
      const before = at.orcid.user
      const label = `${at.entries.orcid.issuer}/0000-0002-1825-0097`
      expect((await done('orcid')).identity).toMatchObject({ label })
      at.orcid.user = { sub: before.sub }
      const { identity } = await done('orcid')
      at.orcid.user = before
      expect(identity).toMatchObject({ label, suggestions: [] })
      expect(presets.orcid.issuer).toBe('https://orcid.org')
    },
    'a no may be called login_required, or interaction_required': async () => {
      for (const why of ['login_required', 'interaction_required']) {
        const finished = await callbackWith('orcid', (query) => {
          query.delete('code')
          query.set('error', why)
        })
        expect(finished).toEqual({ kind: 'denied', why })
      }
    },
  },
  gitlab: {
    'an instance may stand below a path, and its metadata with it': async () => {
      expect(at.gitlab.issuer).toMatch(/\/gitlab$/)
      expect(new URL(await begin(engine, at.entries.gitlab)).pathname).toBe('/gitlab/oauth/authorize')
      expect((await done('gitlab')).identity?.issuer).toBe(at.gitlab.issuer)
    },
    'the subject is the number as text; sub_legacy is nobody': async () => {
      expect((await done('gitlab')).identity?.subject).toBe('42')
      const before = at.gitlab.user
      at.gitlab.user = { ...before, sub_legacy: 'another', preferred_username: 'renamed' }
      const later = await done('gitlab')
      at.gitlab.user = before
      expect(later.identity).toMatchObject({ subject: '42', label: 'renamed' })
    },
    'names and the verified address come from userinfo': async () => {
      expect((await done('gitlab')).identity).toMatchObject({
        suggestions: ['ada', 'ada'],
        fullName: 'Ada Lovelace',
        verifiedEmail: 'ada@example.org',
      })
    },
    'refresh tokens come unasked, a new one each time': async () => {
      const entry = at.entries.gitlab
      expect([...entry.scope, ...entry.connectScope]).not.toContain('offline_access')
      const held = await connected('gitlab')
      const next = await renewed('gitlab', held)
      expect(next.refreshToken?.reveal()).not.toBe(held.refreshToken.reveal())
      expect(await engine.refresh(entry, held)).toEqual({ kind: 'denied', why: 'invalid_grant' })
      expect(livesFor(next)).toBeGreaterThan(7190)
    },
    'PKCE is asked for and checked': async () => {
      expect(at.entries.gitlab.pkce).toBe('required')
      await done('gitlab')
      expect(at.gitlab.askedAt('/gitlab/oauth/token').at(-1)?.form.get('code_verifier')).toMatch(/^[\w-]{43}$/)
    },
    'an application may be public: then no secret is sent': async () => {
      const open = await startGitLab({ isPublic: true })
      const entry = readOAuthProvider({
        name: 'open',
        preset: 'gitlab',
        issuer: open.issuer,
        client_id: open.clientId,
        token_endpoint_auth_method: 'none',
      })
      const finished = await through(engine, entry)
      await open.close()
      expect(finished).toMatchObject({ kind: 'done', identity: { subject: '42' } })
      expect(open.askedAt('/gitlab/oauth/token').at(-1)?.form.has('client_secret')).toBe(false)
    },
  },
  wikimedia: {
    'no discovery and no ID token: nothing is read before the journey': async () => {
      const before = at.wikimedia.asked.length
      const query = await queryOf('wikimedia')
      expect([query.has('nonce'), query.has('scope'), at.wikimedia.asked.length]).toEqual([false, false, before])
    },
    'the central id is the account, a number or its text, whatever the name is by now': async () => {
      const before = at.wikimedia.user
      const first = await done('wikimedia')
      at.wikimedia.user = { sub: String(before.sub), username: 'Somebody new' }
      const second = await done('wikimedia')
      at.wikimedia.user = before
      expect([first, second].map(({ identity }) => identity?.subject)).toEqual(['61224377', '61224377'])
      expect([first.identity?.label, second.identity?.label]).toEqual(['Ada Lovelace (WMXX)', 'Somebody new'])
    },
    'an account without a central id is nobody': async () => {
      const before = at.wikimedia.user
      for (const sub of [0, '', -1, 1.5]) {
        at.wikimedia.user = { ...before, sub }
        expect(await through(engine, at.entries.wikimedia)).toMatchObject({ reason: 'upstream_subject' })
      }
      at.wikimedia.user = before
    },
    'confidential clients prove themselves in the body': async () => {
      await done('wikimedia')
      const asked = at.wikimedia.askedAt('/w/rest.php/oauth2/access_token').at(-1)
      expect([asked?.form.get('client_secret'), asked?.headers.authorization]).toEqual([
        at.wikimedia.clientSecret,
        undefined,
      ])
    },
    'others by PKCE alone': async () => {
      const entry = readOAuthProvider({
        name: 'open-wiki',
        preset: 'wikimedia',
        client_id: at.wikimedia.publicClientId,
        token_endpoint_auth_method: 'none',
        ...wikimediaEndpoints(at.wikimedia),
      })
      expect(await through(engine, entry)).toMatchObject({ kind: 'done', identity: { subject: '61224377' } })
      const without = await through(engine, { ...entry, pkce: 'off' })
      expect(without).toEqual({ kind: 'denied', why: 'invalid_request' })
    },
    'tokens live four hours, and a refresh token dies when it is used': async () => {
      const held = await connected('wikimedia')
      const next = await renewed('wikimedia', held)
      expect(livesFor(next)).toBeGreaterThan(14_390)
      expect(next.refreshToken?.reveal()).not.toBe(held.refreshToken.reveal())
      expect(await engine.refresh(at.entries.wikimedia, held)).toEqual({ kind: 'denied', why: 'invalid_request' })
    },
    'a User-Agent must say whom to write to': async () => {
      await done('wikimedia')
      const said = at.wikimedia.askedAt('/w/rest.php/oauth2/resource/profile').at(-1)?.headers['user-agent']
      expect(said).toBe('gatehouse (+https://as.example)')
    },
  },
  plain: {
    'the one without oddities': async () => {
      expect((await done('plain')).identity).toMatchObject({ subject: 'subject-1', fullName: 'Ada Lovelace' })
    },
  },
}

for (const [provider, cases] of Object.entries(quirks)) {
  describe(provider, () => {
    it.each(Object.entries(cases))('%s', (_quirk, shown) => shown())
  })
}
