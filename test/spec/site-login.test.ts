import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { signOut } from '../../src/accounts/end-session.ts'
import { identitiesOf } from '../../src/accounts/find-identity.ts'
import { identityNameRef } from '../../src/accounts/identity-refs.ts'
import { patchUser } from '../../src/accounts/patch-user.ts'
import { deleteUser } from '../../src/accounts/delete-user.ts'
import { unlinkIdentity } from '../../src/accounts/unlink-identity.ts'
import { findUserNamed } from '../../src/accounts/find-user.ts'
import { keepCredential } from '../../src/upstream/keep-credential.ts'
import { openTokens, sealTokens } from '../../src/upstream/sealed-tokens.ts'
import {
  connectionOwners,
  siteConnectionId,
  type Connection,
  type HeldConnection,
} from '../../src/domain/connection.ts'
import { create, put, ref, remove } from '../../src/domain/record.ts'
import type { Session } from '../../src/domain/session.ts'
import { isRecalled, recallsOf } from '../../src/domain/recall.ts'
import { commitNew, transition } from '../../src/store/transition.ts'
import { listAll } from '../../src/store/list-all.ts'
import { createVault } from '../../src/vault/create-vault.ts'
import { recallConnections } from '../../src/vault/recall-connections.ts'
import { secretValue } from '../../src/config/secret-value.ts'
import { startSite, type Site } from '../emulators/site.ts'
import { becomeBot } from '../kit/become-bot.ts'
import { createBrowser, readForm, type Answer, type Browser } from '../kit/browser.ts'
import { authorizeUrl, claimsOf, follow, signInFor, submit, tokenRequest, verifier } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { eventsOf, expectNoSecret, stateOf } from '../attacks/support.ts'
import { fixedKeys } from '../tokens/fixtures.ts'
import { openedTokens } from '../upstream/house.ts'
import { readProvider } from '../upstream/house.ts'

const secret = 'ein Geheimnis im Forum'
let site: Site
let server: TestGatehouse
let app: MadeClient
beforeAll(async () => {
  site = await startSite()
  const entry = {
    name: 'forum',
    preset: 'site-login',
    title: 'Das Forum',
    issuer: 'https://forum.example',
    login_endpoint: `${site.url}/auth/login`,
    session_endpoint: `${site.url}/auth/session`,
    session_lengths: [3600, 604_800],
    sign_in: 'create',
    allow_insecure: true,
  }
  server = await startGatehouse({
    config: {
      providers: [
        readProvider(entry),
        readProvider({ ...entry, name: 'closed', sign_in: 'existing' }),
        readProvider({ ...entry, name: 'as-others', sign_in: undefined }),
      ],
    },
  })
  app = await server.makeClient()
  for (const name of ['Erna', 'Otto', 'Hugo'])
    site.accounts.set(name, { password: secret, userId: `${name.length}${name.charCodeAt(0)}` })
  site.accounts.set('Gesperrt', { password: secret, userId: '99', locked: true })
})
afterAll(() => Promise.all([server.close(), site.close()]))

const german = (): Browser => createBrowser(server.url, { 'accept-language': 'de' })

async function logIn(
  browser: Browser,
  username: string,
  fields: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const page = await browser.ask('/signin/with/forum')
  return submit(browser, page, 'sign-in', { username, password: secret, ...fields })
}

describe('signing in with the account of a site that has only a login API (system C)', () => {
  it('in German, from the application to its tokens: the password once to the site, the site’s credential nowhere outside', async () => {
    const browser = german()
    const start = await follow(server, browser, await browser.ask(authorizeUrl(app)))
    const href = /data-provider="forum" href="([^"]*)"/.exec(start.text)?.[1] ?? ''
    const page = await browser.ask(href)
    expect(page.text).toContain('Passwort bei <bdi>Das Forum</bdi>')
    expect(page.text).toContain('7 Tage')
    const before = site.asked.length
    const newcomer = await follow(
      server,
      browser,
      await submit(browser, page, 'sign-in', { username: 'Erna', password: secret, session_length: '604800' }),
    )
    expect(site.asked.slice(before).map(({ path }) => path)).toEqual(['/auth/login', '/auth/session'])
    expect(JSON.parse(site.asked[before]?.body ?? '')).toEqual({
      username: 'Erna',
      password: secret,
      lifetime: 604_800,
    })
    expect(JSON.stringify(await stateOf(server))).not.toContain(secret)
    expect(newcomer.text).toContain('Konto anlegen')
    expect(readForm(newcomer.text, 'create-account').fields['username']).toBe('Erna')
    const consent = await follow(server, browser, await submit(browser, newcomer, 'create-account', {}))
    const back = await submit(browser, consent, 'consent', { decision: 'allow' })
    const code = new URL(back.location ?? '').searchParams.get('code') ?? ''
    const answer = await tokenRequest(server, app, { grant_type: 'authorization_code', code, code_verifier: verifier })
    expect(answer.status, answer.text).toBe(200)
    expect(claimsOf(String(answer.json()['id_token']))).toMatchObject({ amr: ['pwd'], acr: 'pwd' })
    expect(JSON.stringify(await stateOf(server))).not.toContain(secret)
    await expectNoSecret(server, [secret, 'forum-cookie-of-Erna'], [page, newcomer, consent, answer])

    const erna = await findUserNamed(server.core, 'Erna')
    const [kept] = await server.core.transition.store.read([{ kind: 'connection', id: `${erna?.userId}:forum` }])
    expect(JSON.stringify(kept)).not.toContain('forum-cookie')
    const connection = kept?.value as { sealed: string; keyId: string; edition: number }
    const { instanceId } = await server.core.directory.instance()
    const at = { instanceId, kind: 'connection', id: kept?.id ?? '', edition: connection.edition } as const
    const opened = openedTokens(await server.core.upstream.unseal(at, connection))
    expect(Buffer.from(opened.accessToken.reveal().split('.')[1] ?? '', 'base64url').toString()).toContain(
      'forum-cookie-of-Erna',
    )
    // L18, L19: neither in another row nor as an older edition of its own.
    expect(await server.core.upstream.unseal({ ...at, id: 'another' }, connection)).toBe('unreadable')
    expect(await server.core.upstream.unseal({ ...at, edition: at.edition + 1 }, connection)).toBe('unreadable')
    expect(await server.core.upstream.unseal({ ...at, instanceId: 'another' }, connection)).toBe('unreadable')
  })

  it('what stands elsewhere in its answers is found by the entry’s repairs', async () => {
    const { upstream } = server.core
    const nested = readProvider({
      name: 'nested',
      preset: 'site-login',
      issuer: 'https://nested.example',
      login_endpoint: `${site.url}/auth/login`,
      claims: {
        access_token: { at: '/answer/key' },
        userId: { at: '/answer/user/number' },
        username: { at: ['/answer/user/first', '/answer/user/last'] },
      },
      allow_insecure: true,
    })
    if (nested.kind !== 'site-login') throw new Error('no site')
    const given = { username: 'Erna', password: secret, sessionLength: undefined }
    const answer = { key: 'sealed elsewhere', user: { number: 4711, first: 'Erna', last: 'Beispiel' } }
    site.broken = { json: { answer } }
    const login = await upstream.login(nested, given)
    site.broken = { json: { answer: { ...answer, user: { number: -1 } } } }
    const nobody = await upstream.login(nested, given)
    site.broken = undefined
    expect(login).toMatchObject({ kind: 'done', identity: { subject: '4711', label: 'Erna Beispiel' } })
    expect(nobody.kind).toBe('unavailable')
  })

  it('a site that takes forms gets one, and its answers mean the same', async () => {
    const { upstream } = server.core
    const forms = readProvider({
      name: 'forms',
      preset: 'site-login',
      issuer: 'https://forms.example',
      login_endpoint: `${site.url}/auth/login`,
      session_endpoint: `${site.url}/auth/session`,
      login_request: 'form',
      allow_insecure: true,
    })
    if (forms.kind !== 'site-login') throw new Error('no site')
    site.takes = 'form'
    // What ends a pair in a form, and what isn't ASCII, arrives as it was typed.
    const odd = 'a&b=c+d%41 ß'
    site.accounts.set('Grüße & Co', { password: odd, userId: '77' })
    const log = (username: string, password: string) =>
      upstream.login(forms, { username, password, sessionLength: 3600 })
    const outcomes = [await log('Grüße & Co', odd), await log('Grüße & Co', 'falsch'), await log('Gesperrt', secret)]
    site.takes = 'json'
    const unread = await log('Grüße & Co', odd)
    expect([...outcomes, unread].map(({ kind }) => kind)).toEqual(['done', 'wrong', 'locked', 'unavailable'])
    expect(outcomes[0]).toMatchObject({ identity: { subject: '77', label: 'Grüße & Co' } })
    expect(site.askedAt('/auth/login').at(-4)?.form.get('lifetime')).toBe('3600')
  })

  it('is the same account the next time, and stays for the chosen length', async () => {
    const first = german()
    const newcomer = await follow(server, first, await logIn(first, 'Otto'))
    await submit(first, newcomer, 'create-account', { username: 'otto' })
    const later = german()
    expect((await logIn(later, 'Otto', { session_length: '3600' })).location).toBe('/account')
    expect((await later.ask('/account')).text).toContain('otto')
    server.clock.advance(3601)
    expect((await later.ask('/account')).status).toBe(303)
  })

  it('whoever came by it has no password here, and gives himself one while his sign-in is recent', async () => {
    site.accounts.set('Ida', { password: secret, userId: '4712' })
    const browser = german()
    await submit(browser, await follow(server, browser, await logIn(browser, 'Ida')), 'create-account', {})
    const page = await browser.ask('/account/password')
    expect(page.text).not.toContain('current_password')
    server.clock.advance(301)
    const own = 'sieben Reiher queren die Schleuse'
    const typed = { new_password: own, repeat_password: own }
    const late = await submit(browser, page, 'password-change', typed)
    expect(late.location).toBe('/signin?next=/account/password')
    expect((await findUserNamed(server.core, 'Ida'))?.passwordHash).toBeUndefined()
    await logIn(browser, 'Ida')
    const changed = await submit(browser, await browser.ask('/account/password'), 'password-change', typed)
    expect(changed.location).toBe('/account/password?done')
    server.clock.advance(301)
    expect((await browser.ask('/account/password')).text).toContain('current_password')
  })

  it('arrives where the person was going, past a wrong password', async () => {
    const browser = german()
    const start = await follow(server, browser, await browser.ask('/account/sessions'))
    const href = /data-provider="forum" href="([^"]*)"/.exec(start.text)?.[1] ?? ''
    const wrong = await submit(browser, await browser.ask(href), 'sign-in', { username: 'Otto', password: 'falsch' })
    const right = await submit(browser, wrong, 'sign-in', { username: 'Otto', password: secret })
    expect(right.location).toBe('/account/sessions')
  })

  it('a length that is not offered is the first that is', async () => {
    const before = site.asked.length
    await logIn(german(), 'Hugo', { session_length: '31536000' })
    expect(JSON.parse(site.asked[before]?.body ?? '')).toMatchObject({ lifetime: 3600 })
  })

  it('tells a wrong password, a locked account and a site that is down apart, in the person’s language', async () => {
    const wrong = await logIn(german(), 'Erna', { password: 'falsch' })
    expect([wrong.status, wrong.text.includes('passen nicht zusammen')]).toEqual([403, true])
    expect(readForm(wrong.text, 'sign-in').fields['username']).toBe('Erna')
    const locked = await logIn(german(), 'Gesperrt')
    expect([locked.status, locked.text.includes('ist gesperrt')]).toEqual([403, true])
    for (const broken of [
      { status: 502, text: 'Bad Gateway' },
      { hangUp: true },
      { text: '<html>' },
      { json: { access_token: 5 } },
      { json: { access_token: 'of\ntwo lines' } },
      { json: { access_token: '日本' } },
      { json: {} },
    ]) {
      site.broken = broken
      const down = await logIn(german(), 'Erna')
      expect([down.status, down.text.includes('antwortet im Moment nicht')]).toEqual([503, true])
      // Nobody has looked at them.
      expect(down.text).toContain('weder Ja noch Nein')
    }
    site.broken = undefined
  })

  it('whose account is locked here is told so, gets no session, and nothing of the site is kept', async () => {
    site.accounts.set('Lars', { password: secret, userId: '4713' })
    const first = german()
    await submit(first, await follow(server, first, await logIn(first, 'Lars')), 'create-account', {})
    const { userId = '' } = (await findUserNamed(server.core, 'Lars')) ?? {}
    const kept = () => server.core.transition.store.read([ref('connection', siteConnectionId(userId, 'forum'))])
    const before = await kept()
    await patchUser(server.core, { actor: { kind: 'cli' }, userId, patch: { locked: true } })
    const browser = german()
    const answer = await follow(server, browser, await logIn(browser, 'Lars'))
    expect(answer.text).toContain('gesperrt')
    expect((await browser.ask('/account')).location).toMatch(/^\/signin/)
    const { records } = await server.core.transition.store.list('session', userId, { limit: 9 })
    expect(records.filter(({ value }) => (value as Session).ended === undefined)).toHaveLength(1)
    expect(await kept()).toEqual(before)
  })

  it('whoever is called otherwise there by now is shown so from his next sign-in on', async () => {
    site.accounts.set('Lena', { password: secret, userId: '4715' })
    const first = german()
    await submit(first, await follow(server, first, await logIn(first, 'Lena')), 'create-account', {})
    const { userId = '' } = (await findUserNamed(server.core, 'Lena')) ?? {}
    site.accounts.delete('Lena')
    site.accounts.set('Helena', { password: secret, userId: '4715' })
    await logIn(german(), 'Helena')
    expect((await identitiesOf(server.core, userId)).map(({ label }) => label)).toEqual(['Helena'])
  })

  it('a newcomer whose site’s credential this node can’t open yet waits, and loses neither it nor his name', async () => {
    site.accounts.set('Nora', { password: secret, userId: '4716' })
    const browser = german()
    const newcomer = await follow(server, browser, await logIn(browser, 'Nora'))
    const unseal = vi.spyOn(server.core.upstream, 'unseal').mockResolvedValueOnce('unknown_key')
    const early = await submit(browser, newcomer, 'create-account', {})
    unseal.mockRestore()
    expect([early.status, early.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await findUserNamed(server.core, 'Nora')).toBeUndefined()
    await submit(browser, newcomer, 'create-account', {})
    const { userId = '' } = (await findUserNamed(server.core, 'Nora')) ?? {}
    const place = ref('connection', siteConnectionId(userId, 'forum'))
    expect((await server.core.transition.store.read([place]))[0]?.value).toMatchObject({ state: 'active' })
  })

  it('nobody signs in as a bot, and nothing of the site is kept for it', async () => {
    site.accounts.set('Rolf', { password: secret, userId: '4714' })
    const first = german()
    await submit(first, await follow(server, first, await logIn(first, 'Rolf')), 'create-account', {})
    const userId = await becomeBot(server, 'Rolf')
    const kept = () => server.core.transition.store.read([ref('connection', siteConnectionId(userId, 'forum'))])
    const before = await kept()
    const browser = german()
    const answer = await follow(server, browser, await logIn(browser, 'Rolf'))
    expect(answer.text).toContain('ist das eines Programms')
    expect((await browser.ask('/account')).location).toMatch(/^\/signin/)
    expect(await kept()).toEqual(before)
  })

  it('lets no newcomer in where only linked accounts may', async () => {
    const browser = german()
    const page = await browser.ask('/signin/with/closed')
    const answer = await follow(
      server,
      browser,
      await submit(browser, page, 'sign-in', { username: 'Hugo', password: secret }),
    )
    expect([answer.status, answer.text.includes('gehört hier keines')]).toEqual([403, true])
  })

  it('lets newcomers in as registration does where the entry doesn’t say, also after a reload', async () => {
    const browser = german()
    const comes = async () => {
      const page = await browser.ask('/signin/with/as-others')
      const answer = await submit(browser, page, 'sign-in', { username: 'Hugo', password: secret })
      return follow(server, browser, answer)
    }
    expect((await comes()).status).toBe(403)
    server.follow({ registration: 'open' })
    const newcomer = await comes()
    expect(newcomer.text).toContain('<form id="create-account"')
    server.follow({ registration: 'closed' })
    expect((await submit(browser, newcomer, 'create-account', {})).status).toBe(400)
  })

  it('H03: guesses are counted as at sign-in, and the site hears no more of them', async () => {
    const browser = german()
    const page = await browser.ask('/signin/with/forum')
    const guess = () => submit(browser, page, 'sign-in', { username: 'victim', password: 'geraten' })
    const statuses = []
    for (let at = 0; at < 14; at += 1) statuses.push((await guess()).status)
    expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 403))
    expect(statuses.at(-1)).toBe(429)
    const before = site.asked.length
    await guess()
    expect(site.asked).toHaveLength(before)
  })

  it('H03: strangers who guess at somebody there keep him out of new browsers, and never of his own', async () => {
    const own = german()
    await logIn(own, 'Otto')
    for (let source = 0; source < 11; source += 1)
      while ('forgive' in server.core.limits.reserve('sign-in', ['forum:otto', `192.0.2.${source}`]));
    expect((await logIn(german(), 'Otto')).status).toBe(429)
    expect((await logIn(own, 'OTTO', { password: 'falsch' })).status).toBe(403)
    expect((await logIn(own, 'Otto')).location).toBe('/account')
    // It is known for Otto, and opens nobody else’s budget.
    for (let source = 0; source < 11; source += 1)
      while ('forgive' in server.core.limits.reserve('sign-in', ['forum:erna', `192.0.2.${source}`]));
    expect((await logIn(own, 'Erna')).status).toBe(429)
    server.clock.advance(7200)
  })

  it('H03: where the budget of everybody is used up, somebody hears of it', async () => {
    for (let guess = 0; guess < 2100; guess += 1)
      server.core.limits.count('sign-in', [`forum:${guess}`, `2001:db8:0:${guess.toString(16)}::1`])
    expect((await logIn(german(), 'Hugo')).status).toBe(429)
    expect((await eventsOf(server)).map(({ type }) => type)).toContain('signin.flooded')
    server.clock.advance(7200)
  })

  it('L12: newcomers whom nobody waits for are so many and no more, also where no journey went before', async () => {
    onTestFinished(server.clock.stand())
    site.accounts.set('Zuviel', { password: secret, userId: '672' })
    while ('forgive' in server.core.limits.reserve('park', ['127.0.0.1']));
    expect((await logIn(german(), 'Zuviel')).status).toBe(429)
    // Whom somebody waits for is let in all the same.
    expect((await logIn(german(), 'Otto')).location).toBe('/account')
    server.clock.advance(1000)
    expect((await logIn(german(), 'Zuviel')).location).toMatch(/^\/signup\?/)
  })

  it('H03: whoever is called at the site as somebody else is guesses no more in all his browsers than strangers do', async () => {
    site.accounts.set('OPFER2', { password: secret, userId: '671' })
    const browser = german()
    const newcomer = await follow(server, browser, await logIn(browser, 'OPFER2'))
    await submit(browser, newcomer, 'create-account', { username: 'mallory-hier' })
    const guess = () => logIn(browser, 'opfer2', { password: 'geraten' })
    expect((await guess()).status).toBe(403)
    const { limits } = server.core
    for (let count = 0; count < 99; count += 1)
      limits.count('site-login-known', ['forum:opfer2', `browser ${count}`, `192.0.2.${count}`])
    expect((await guess()).status).toBe(429)
    // Strangers' budget is another: the owner, who comes from elsewhere, is kept out by none of it.
    expect((await logIn(german(), 'opfer2', { password: 'geraten' })).status).toBe(403)
  })

  it('G07: takes no form but its own', async () => {
    const browser = german()
    const answer = await browser.ask('/signin/with/forum', { form: { username: 'Erna', password: secret } })
    expect(answer.status).toBe(403)
  })
})

describe('the account of a site, added on the account page', () => {
  const add = '/account/identities/with/forum'

  async function signedIn(username: string): Promise<Browser> {
    await server.makeUser(username)
    const browser = german()
    await signInFor(server, browser, '/signin', username)
    return browser
  }

  /** Who adds nothing. */
  let browser: Browser
  beforeAll(async () => {
    browser = await signedIn('pechvogel')
  })

  /** From the list to the page of the site, and what that sends. */
  async function fill(browser: Browser, fields: Readonly<Record<string, string>>): Promise<Answer> {
    const page = await follow(
      server,
      browser,
      await submit(browser, await browser.ask('/account/identities'), 'link-forum', {}),
    )
    return submit(browser, page, 'site-login', { password: secret, ...fields })
  }

  const credentialOf = async (username: string) => {
    const user = await findUserNamed(server.core, username)
    const [kept] = await server.core.transition.store.read([{ kind: 'connection', id: `${user?.userId}:forum` }])
    return (kept?.value as { state: string } | undefined)?.state
  }

  it('in German, from the list and back to it; what was added signs in, what was removed does not, and its credential is gone', async () => {
    site.accounts.set('Ilse', { password: secret, userId: '4711' })
    const browser = await signedIn('ilse-hier')
    const list = await browser.ask('/account/identities')
    const page = await follow(server, browser, await submit(browser, list, 'link-forum', {}))
    for (const words of [
      '<bdi>Das Forum</bdi> hinzufügen',
      'Passwort bei <bdi>Das Forum</bdi>',
      'wird nirgends aufbewahrt',
      '7 Tage',
    ])
      expect(page.text).toContain(words)
    const wrong = await submit(browser, page, 'site-login', { username: 'Ilse', password: 'falsch' })
    expect([wrong.status, wrong.text.includes('passen nicht zusammen')]).toEqual([403, true])
    const done = await submit(browser, wrong, 'site-login', {
      username: 'Ilse',
      password: secret,
      session_length: '604800',
    })
    expect(done.location).toBe('/account/identities')
    const after = await browser.ask('/account/identities')
    expect([after.text.includes('<bdi>Ilse</bdi>'), after.text.includes('id="link-forum"')]).toEqual([true, false])
    expect(await credentialOf('ilse-hier')).toBe('active')
    await expectNoSecret(server, [secret, 'falsch', 'forum-cookie-of-Ilse'], [page, wrong, done, after])

    const other = german()
    expect((await logIn(other, 'Ilse')).location).toBe('/account')
    expect((await other.ask('/account')).text).toContain('ilse-hier')

    await submit(browser, after, 'unlink-forum', {})
    expect(await credentialOf('ilse-hier')).toBe('revoked')
    // A sign-in that was under way there meanwhile keeps nothing any more.
    const { core } = server
    await core.upstream.keep({
      userId: (await findUserNamed(core, 'ilse-hier'))?.userId ?? '',
      provider: 'forum',
      account: '4711',
      holder: identityNameRef('https://forum.example', '4711'),
      recallsBefore: 0,
      credential: secretValue('of before'),
      lasts: 3600,
    })
    expect(await credentialOf('ilse-hier')).toBe('revoked')
    const newcomer = german()
    expect((await follow(server, newcomer, await logIn(newcomer, 'Ilse'))).text).toContain('Konto anlegen')
  })

  it('says apart what does not work, and adds nothing then', async () => {
    const locked = await fill(browser, { username: 'Gesperrt' })
    expect([locked.status, locked.text.includes('ist gesperrt')]).toEqual([403, true])
    site.broken = { status: 502, text: 'Bad Gateway' }
    const down = await fill(browser, { username: 'Erna' })
    site.broken = undefined
    expect([down.status, down.text.includes('antwortet im Moment nicht')]).toEqual([503, true])
    expect(readForm(down.text, 'site-login').fields['username']).toBe('Erna')
    expect([
      await credentialOf('pechvogel'),
      (await browser.ask('/account/identities')).text.includes('id="unlink-forum"'),
    ]).toEqual([undefined, false])
  })

  it('somebody else’s stays his, and an account has one of a site', async () => {
    site.accounts.set('Karl', { password: secret, userId: '900' })
    site.accounts.set('Karls Zweiter', { password: secret, userId: '901' })
    const karl = await signedIn('karl')
    expect((await fill(karl, { username: 'Karl' })).location).toBe('/account/identities')
    const thief = await signedIn('karls-nachbar')
    const taken = await fill(thief, { username: 'Karl' })
    expect((await follow(server, thief, taken)).text).toContain('gehört hier zu jemand anderem')
    expect(await credentialOf('karls-nachbar')).toBeUndefined()
    // The list doesn't offer a second one; a program may open its page all the same.
    const second = await submit(karl, await karl.ask(add), 'site-login', {
      username: 'Karls Zweiter',
      password: secret,
    })
    expect((await follow(server, karl, second)).text).toContain('schon ein anderes Konto')
  })

  it('G02, L04: takes its own form alone, from the browser that it was shown to', async () => {
    const { fields } = readForm((await browser.ask(add)).text, 'site-login')
    const before = site.asked.length
    for (const form of [{}, fields])
      expect((await german().ask(add, { form: { ...form, username: 'Erna', password: secret } })).status).toBe(403)
    // The form of a sign-in is none for adding.
    const elsewhere = readForm((await browser.ask('/signin/with/forum')).text, 'sign-in').fields
    expect((await browser.ask(add, { form: { ...elsewhere, username: 'Erna', password: secret } })).status).toBe(403)
    expect(site.asked).toHaveLength(before)
  })

  it('H03: guesses here and at sign-in have one budget', async () => {
    const page = await browser.ask(add)
    const guess = () => submit(browser, page, 'site-login', { username: 'opfer', password: 'geraten' })
    for (let at = 0; at < 10; at += 1) expect((await guess()).status).toBe(403)
    const before = site.asked.length
    const waits = await guess()
    expect([waits.status, waits.text.includes('Zu viele Versuche')]).toEqual([429, true])
    expect((await logIn(german(), 'opfer', { password: 'geraten' })).status).toBe(429)
    expect(site.asked).toHaveLength(before)
  })

  it('L4: whoever is put out while the site is asked adds nothing', async () => {
    site.accounts.set('Mallory', { password: secret, userId: '666' })
    const browser = await signedIn('bestohlen')
    const user = await findUserNamed(server.core, 'bestohlen')
    if (user === undefined) throw new Error('no account')
    site.meanwhile = async () => {
      site.meanwhile = undefined
      for await (const { id } of listAll(server.core.transition.store, 'session', user.userId))
        await signOut(server.core, { actor: { kind: 'cli' }, user, address: '127.0.0.1' }, id)
    }
    await fill(browser, { username: 'Mallory' })
    expect(await identitiesOf(server.core, user.userId)).toEqual([])
    expect(await credentialOf('bestohlen')).toBeUndefined()
  })

  it('L4: whoever set a second factor up meanwhile is asked for it before anything is added', async () => {
    site.accounts.set('Mallorys Zweiter', { password: secret, userId: '667' })
    const browser = await signedIn('vorsichtig')
    const user = await findUserNamed(server.core, 'vorsichtig')
    const userId = user?.userId ?? ''
    site.meanwhile = async () => {
      site.meanwhile = undefined
      const key = { id: 'k', publicKey: 'p', counter: 0, synced: false, name: 'n', createdAt: 0 }
      const factors = { v: 1, recoveryHashes: [], passkeys: [key] } as const
      await commitNew(server.core.transition, [
        create(ref('factors', userId), factors, { expiresAt: null, owners: [userId] }),
      ])
    }
    await fill(browser, { username: 'Mallorys Zweiter' })
    expect(await identitiesOf(server.core, userId)).toEqual([])
  })

  it('adds so many at once as second factors may change: each is a letter', async () => {
    site.accounts.set('Vielfach', { password: secret, userId: '668' })
    const browser = await signedIn('vielfach')
    const userId = (await findUserNamed(server.core, 'vielfach'))?.userId ?? ''
    for (let count = 0; count < 20; count += 1) server.core.limits.count('credential-change', [userId, '127.0.0.1'])
    expect((await fill(browser, { username: 'Vielfach' })).status).toBe(429)
    expect(await identitiesOf(server.core, userId)).toEqual([])
  })

  it('is no page for what is no such site', async () => {
    for (const name of ['nowhere', 'forum%2f..'])
      expect((await browser.ask(`/account/identities/with/${name}`)).status).toBeGreaterThanOrEqual(400)
  })

  it('wants a sign-in of the last five minutes, for the page and for its form', async () => {
    const page = await browser.ask(add)
    server.clock.advance(301)
    const before = site.asked.length
    const late = await submit(browser, page, 'site-login', { username: 'Erna', password: secret })
    for (const answer of [late, await browser.ask(add), await german().ask(add)])
      expect(answer.location).toBe('/signin?next=/account/identities')
    expect(site.asked).toHaveLength(before)
  })
})

describe('what a site gave', () => {
  const credentialsOf = async (username: string): Promise<readonly string[]> => {
    const user = await findUserNamed(server.core, username)
    const { records } = await server.core.transition.store.list('connection', user?.userId ?? '', { limit: 9 })
    const instance = await server.core.directory.instance()
    return records.flatMap(({ value }) =>
      isRecalled(instance, value as Connection) ? [] : [(value as Connection).state],
    )
  }
  const recall = () => recallConnections(server.core, { actor: { kind: 'cli' }, provider: 'forum' })

  it('L25: before a recall is worth nothing after it, though its newcomer chose his name later', async () => {
    site.accounts.set('Rita', { password: secret, userId: '8001' })
    const browser = german()
    const newcomer = await follow(server, browser, await logIn(browser, 'Rita'))
    await recall()
    await submit(browser, newcomer, 'create-account', { username: 'rita' })
    // Not even as a row that is worth nothing: a recall that is over ends none.
    const { userId = '' } = (await findUserNamed(server.core, 'rita')) ?? {}
    const { records } = await server.core.transition.store.list('connection', userId, { limit: 9 })
    expect(records).toEqual([])
    expect((await logIn(german(), 'Rita')).location).toBe('/account')
    expect(await credentialsOf('rita')).toEqual(['active'])
  })

  /** Rita's, gone as when its end is so long ago that nobody remembers it. */
  async function forgottenCredential() {
    const { core } = server
    const { userId = '' } = (await findUserNamed(core, 'rita')) ?? {}
    const place = ref('connection', siteConnectionId(userId, 'forum'))
    const stored = async () => (await core.transition.store.read([place]))[0]?.value as HeldConnection
    const before = await stored()
    await transition(core.transition, { place }, (slots) => ({ writes: remove(slots.place), result: undefined }))
    return { userId, place, before, stored }
  }

  it('L19: has an edition that never comes again, though nothing is left of the one before', async () => {
    const { core } = server
    const { place, before, stored } = await forgottenCredential()
    expect((await logIn(german(), 'Rita')).location).toBe('/account')
    const { edition } = await stored()
    expect(edition).toBeGreaterThan(before.edition)
    const { instanceId } = await core.directory.instance()
    expect(await core.upstream.unseal({ instanceId, ...place, edition }, before)).toBe('unreadable')
  })

  it('L19: nor on a node whose clock is behind', async () => {
    const { core } = server
    const { userId, before, stored } = await forgottenCredential()
    const clock = { ...core.clock, millis: () => core.clock.millis() - 60_000 }
    await keepCredential(
      { ...core, clock },
      {
        userId,
        provider: 'forum',
        account: '8001',
        holder: identityNameRef('https://forum.example', '8001'),
        recallsBefore: recallsOf(await core.directory.instance(), 'forum'),
        credential: secretValue('of a node behind'),
        lasts: 3600,
      },
    )
    expect((await stored()).edition).toBeGreaterThan(before.edition)
  })

  it('L25: nor what it was about to give', async () => {
    expect(await credentialsOf('rita')).toEqual(['active'])
    site.meanwhile = async () => {
      site.meanwhile = undefined
      await recall()
    }
    expect((await logIn(german(), 'Rita')).location).toBe('/account')
    expect(await credentialsOf('rita')).toEqual([])
  })

  it('L19: opens as no row of before that was put back, on a server that has just started', async () => {
    const { core } = server
    const { userId = '' } = (await findUserNamed(core, 'rita')) ?? {}
    const place = ref('connection', siteConnectionId(userId, 'forum'))
    const stored = async () => (await core.transition.store.read([place]))[0]?.value as HeldConnection
    const justStarted = () => createVault({ ...core, onError: () => undefined })
    const fetched = async () => (await justStarted().freshToken({ connection: place.id })).outcome
    await logIn(german(), 'Rita')
    const before = await stored()
    await logIn(german(), 'Rita')
    expect(await fetched()).toBe('token')
    const later = await stored()
    const putBack = (row: HeldConnection) =>
      transition(core.transition, { place }, (slots) => ({
        writes: [put(slots.place, row, { expiresAt: null, owners: connectionOwners(row) })],
        result: undefined,
      }))
    await putBack(before)
    expect(await fetched()).toBe('needs_reauth')
    await putBack(later)
    expect(await fetched()).toBe('token')
    await unlinkIdentity(core, { actor: { kind: 'cli' }, userId, provider: 'forum' })
    expect(await fetched()).toBe('revoked')
    await putBack(later)
    expect(await fetched()).toBe('needs_reauth')
    await deleteUser(core, { actor: { kind: 'cli' }, userId })
    expect(await core.transition.store.read([ref('edition', place.id)])).toEqual([undefined])
  })
})

describe('sealed tokens', () => {
  it('open where they were sealed, and nowhere else', () => {
    const keys = fixedKeys()
    const at = { instanceId: 'one', kind: 'connection', id: 'c', edition: 3 } as const
    const sealed = sealTokens(keys, keys.random, {
      at,
      tokens: { accessToken: secretValue('a'), refreshToken: secretValue('r') },
    })
    const opened = openedTokens(openTokens(keys, at, sealed))
    expect([opened.accessToken.reveal(), opened.refreshToken?.reveal()]).toEqual(['a', 'r'])
    for (const other of [
      { ...at, edition: 2 },
      { ...at, id: 'd' },
      { ...at, kind: 'newcomer' as const },
      { ...at, instanceId: 'two' },
    ])
      expect(openTokens(keys, other, sealed)).toBe('unreadable')
    expect(openTokens(keys, at, { ...sealed, keyId: 'gone' })).toBe('unknown_key')
    expect(openTokens(fixedKeys(), at, sealed)).toBe('unreadable')
    expect(JSON.stringify(opened)).not.toContain('"a"')
  })
})
