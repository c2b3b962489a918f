import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { deleteUser } from '../../src/accounts/delete-user.ts'
import { identitiesOf } from '../../src/accounts/find-identity.ts'
import { findUserNamed } from '../../src/accounts/find-user.ts'
import { linkIdentity } from '../../src/accounts/link-identity.ts'
import { patchUser } from '../../src/accounts/patch-user.ts'
import type { Provider } from '../../src/config/provider.ts'
import type { Attempt } from '../../src/domain/attempt.ts'
import { consent } from '../emulators/emulator.ts'
import { startGitHub, type GitHub } from '../emulators/github.ts'
import { startOpenId, type OpenId } from '../emulators/openid.ts'
import { becomeBot } from '../kit/become-bot.ts'
import { createBrowser, errorOf, readForm, type Answer, type Browser } from '../kit/browser.ts'
import { authorizeUrl, claimsOf, follow, signInFor, submit, tokenRequest, verifier } from '../kit/flow.ts'
import { enrol, sendCode, signedInBrowser } from '../kit/second-factor.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { stateOf } from '../attacks/support.ts'
import { readOAuthProvider } from '../upstream/house.ts'

let github: GitHub
let openid: OpenId
let server: TestGatehouse
let app: MadeClient
let people = 0
beforeAll(async () => {
  ;[github, openid] = await Promise.all([startGitHub(), startOpenId({ promisesIss: true })])
  const providers = [
    readOAuthProvider(
      {
        name: 'github',
        preset: 'github',
        client_id: github.clientId,
        client_secret: { env: 'S' },
        authorization_endpoint: `${github.url}/login/oauth/authorize`,
        token_endpoint: `${github.url}/login/oauth/access_token`,
        userinfo_endpoint: `${github.url}/user`,
        emails_endpoint: `${github.url}/user/emails`,
        callback_path: '/hub/callback',
        sign_in: 'create',
      },
      { S: github.clientSecret },
    ),
    readOAuthProvider(
      {
        name: 'work',
        preset: 'oidc',
        title: 'Work',
        issuer: openid.issuer,
        client_id: openid.clientId,
        client_secret: { env: 'S' },
      },
      { S: openid.clientSecret },
    ),
    readOAuthProvider(
      {
        name: 'vault-only',
        preset: 'oidc',
        issuer: `${openid.issuer}/apart`,
        client_id: openid.clientId,
        client_secret: { env: 'S' },
        sign_in: 'off',
      },
      { S: openid.clientSecret },
    ),
  ]
  server = await startGatehouse({ config: { providers } })
  app = await server.makeClient()
})
afterAll(() => Promise.all([server.close(), github.close(), openid.close()]))

/** A GitHub account that nobody has used here. */
function newGitHubUser(login = `octo${(people += 1)}`): void {
  github.user = {
    id: 1000 + (people += 1),
    login,
    name: 'Octo Cat',
    emails: [],
  }
}

/** Follow the button of a sign-in page to the provider, say yes (or no) there, and come back. */
async function through(
  browser: Browser,
  page: Answer,
  name: string,
  decision: 'allow' | 'deny' = 'allow',
): Promise<Answer> {
  const href = new RegExp(`data-provider="${name}" href="([^"]*)"`).exec(page.text)?.[1]
  if (href === undefined) throw new Error(`no button for ${name}`)
  const away = await browser.ask(href.replaceAll('&amp;', '&'))
  expect(away.status, away.text).toBe(303)
  return follow(server, browser, await browser.ask(await consent(away.location ?? '', decision)))
}

async function signedUp(username: string): Promise<Browser> {
  const browser = createBrowser(server.url)
  newGitHubUser()
  const page = await through(browser, await browser.ask('/signin'), 'github')
  const done = await submit(browser, page, 'create-account', { username })
  expect(done.location).toBe('/account')
  return browser
}

const sessionsOf = async (userId: string): Promise<readonly string[]> =>
  (await server.core.transition.store.list('session', userId, { limit: 9 })).records.map(({ id }) => id)

const accountOf = async (browser: Browser): Promise<string> => (await browser.ask('/account')).text

describe('signing in through another server', () => {
  it('has a button for each provider', async () => {
    const page = await createBrowser(server.url).ask('/signin')
    expect([...page.text.matchAll(/data-provider="(\w+)"/g)].map(([, name]) => name)).toEqual(['github', 'work'])
  })

  it('a newcomer chooses his name, is let in, and is the same person the next time, whatever he is called there by then', async () => {
    const browser = createBrowser(server.url)
    newGitHubUser('octocat')
    const page = await through(browser, await browser.ask('/signin'), 'github')
    expect(page.status).toBe(200)
    expect(readForm(page.text, 'create-account').fields['username']).toBe('octocat')
    const done = await submit(browser, page, 'create-account', {
      username: 'Chosen.Name',
    })
    expect(done.location).toBe('/account')
    expect(await accountOf(browser)).toContain('Chosen.Name')

    github.user = { ...github.user, login: 'renamed' }
    const later = createBrowser(server.url)
    await through(later, await later.ask('/signin'), 'github')
    expect(await accountOf(later)).toContain('Chosen.Name')
  })

  it('goes on with the authorization request that the person came for', async () => {
    const browser = createBrowser(server.url)
    newGitHubUser()
    const page = await follow(server, browser, await browser.ask(authorizeUrl(app)))
    const newcomer = await through(browser, page, 'github')
    const asked = await follow(server, browser, await submit(browser, newcomer, 'create-account', {}))
    const back = await submit(browser, asked, 'consent', { decision: 'allow' })
    const code = new URL(back.location ?? '').searchParams.get('code') ?? ''
    const tokens = await tokenRequest(server, app, {
      grant_type: 'authorization_code',
      code,
      code_verifier: verifier,
    })
    expect(tokens.status, tokens.text).toBe(200)
    const idToken = String(tokens.json()['id_token']).split('.')[1] ?? ''
    expect(JSON.parse(Buffer.from(idToken, 'base64url').toString())).toMatchObject({ amr: ['fed'], acr: 'fed' })
  })

  it('suggests a free name, and a taken one is told as taken', async () => {
    await server.makeUser('taken', {})
    newGitHubUser('taken')
    const browser = createBrowser(server.url)
    const page = await through(browser, await browser.ask('/signin'), 'github')
    expect(readForm(page.text, 'create-account').fields['username']).toBe('Octo.Cat')
    const again = await submit(browser, page, 'create-account', {
      username: 'TAKEN',
    })
    expect(again.status).toBe(409)
    expect(again.text).toContain('That username is taken')
    const bad = await submit(browser, again, 'create-account', {
      username: '../x',
    })
    expect(bad.status).toBe(400)
    expect((await submit(browser, bad, 'create-account', { username: 'nottaken' })).location).toBe('/account')
  })

  it('makes one account of a form sent twice', async () => {
    newGitHubUser()
    const browser = createBrowser(server.url)
    const page = await through(browser, await browser.ask('/signin'), 'github')
    const { fields } = readForm(page.text, 'create-account')
    const cookies = [...browser.cookies]
    const answers = await Promise.all(
      ['twice-a', 'twice-b'].map((username) => {
        const tab = createBrowser(server.url)
        for (const [name, value] of cookies) tab.cookies.set(name, value)
        return tab.ask('/signup', { form: { ...fields, username } })
      }),
    )
    expect(answers.filter(({ location }) => location === '/account')).toHaveLength(1)
  })

  it('a newcomer’s page is good in his browser alone, and ten minutes long', async () => {
    newGitHubUser()
    const browser = createBrowser(server.url)
    const away = await browser.ask('/signin/with/github')
    const back = await browser.ask(await consent(away.location ?? ''))
    const stranger = createBrowser(server.url)
    await stranger.ask('/signin')
    expect((await stranger.ask(back.location ?? '')).status).toBe(403)
    server.clock.advance(601)
    expect((await browser.ask(back.location ?? '')).status).toBe(400)
  })

  it('lets no newcomer in where only linked accounts may, and says how to get in', async () => {
    const browser = createBrowser(server.url)
    openid.user = { sub: 'unknown', preferred_username: 'nobody' }
    const page = await through(browser, await browser.ask('/signin'), 'work')
    expect(page.status).toBe(403)
    expect(page.text).toContain('No account here belongs to the one at')
    expect(await accountOf(browser)).toBe('')
  })

  it('L24, H24: an address that is a local user’s opens nothing, verified or not', async () => {
    await server.makeUser('owner', { email: 'owner@example.org' })
    const before = openid.user
    openid.user = {
      sub: 'thief',
      email: 'owner@example.org',
      email_verified: true,
      preferred_username: 'owner',
    }
    const browser = createBrowser(server.url)
    const page = await through(browser, await browser.ask('/signin'), 'work')
    openid.user = before
    expect(page.status).toBe(403)
    const cat = github.user
    github.user = {
      id: 4242,
      login: 'owner',
      name: null,
      emails: [{ email: 'owner@example.org', primary: true, verified: false }],
    }
    const newcomer = await through(browser, await browser.ask('/signin'), 'github')
    github.user = cat
    expect(readForm(newcomer.text, 'create-account').fields['username']).not.toBe('owner')
  })

  it('a no there is told here, in the person’s language, and the address keeps neither code nor state', async () => {
    const browser = createBrowser(server.url, { 'accept-language': 'de' })
    const href = await browser.ask('/signin/with/github')
    const back = await browser.ask(await consent(href.location ?? '', 'deny'))
    expect(back.location).toBe('/signin?provider=github&problem=providerDenied')
    const page = await browser.ask(back.location ?? '')
    expect(page.status).toBe(403)
    expect(page.text).toContain('hat Sie nicht durchgelassen')
  })

  it('a provider that is down is told as such', async () => {
    const browser = createBrowser(server.url)
    openid.faults.tokenReply = { status: 503, text: 'later' }
    const page = await through(browser, await browser.ask('/signin'), 'work')
    delete openid.faults.tokenReply
    expect(page.text).toContain('answer at the moment')
  })

  it('a locked account stays locked', async () => {
    const browser = await signedUp('soon-locked')
    const locked = await findUserNamed(server.core, 'soon-locked')
    await patchUser(
      { ...server.core, strength: async () => undefined },
      {
        actor: { kind: 'cli' },
        userId: locked?.userId ?? '',
        patch: { locked: true },
      },
    )
    const page = await through(browser, await browser.ask('/signin'), 'github')
    expect(page.text).toContain('is locked')
    expect(await accountOf(browser)).toBe('')
  })

  it('nobody signs in as a bot, whatever proves it, and a session of before is none', async () => {
    const browser = await signedUp('soon-robot')
    const userId = await becomeBot(server, 'soon-robot')
    expect(await accountOf(browser)).toBe('')
    const before = await sessionsOf(userId)
    const later = createBrowser(server.url)
    const page = await through(later, await later.ask('/signin'), 'github')
    expect(page.text).toContain('Nobody signs in as a program')
    expect(await accountOf(later)).toBe('')
    expect(await sessionsOf(userId)).toEqual(before)
  })

  it('a deleted account frees its identity', async () => {
    const browser = await signedUp('soon-gone')
    const gone = await findUserNamed(server.core, 'soon-gone')
    await deleteUser(server.core, {
      actor: { kind: 'cli' },
      userId: gone?.userId ?? '',
    })
    expect(await identitiesOf(server.core, gone?.userId ?? '')).toEqual([])
    const page = await through(browser, await browser.ask('/signin'), 'github')
    expect((await submit(browser, page, 'create-account', { username: 'soon-gone' })).location).toBe('/account')
  })

  it('an unknown provider, and one that is not for this, are errors', async () => {
    const answer = await createBrowser(server.url).ask('/signin/with/myspace')
    expect([answer.status, errorOf(answer.text)]).toEqual([400, 'invalid_request'])
  })

  it('prompt=login sends the person to prove himself there anew', async () => {
    const browser = createBrowser(server.url)
    await server.makeUser('prompted')
    await signInFor(server, browser, '/signin', 'prompted')
    const page = await follow(server, browser, await browser.ask(authorizeUrl(app, { prompt: 'login' })))
    const href = /data-provider="work" href="([^"]*)"/.exec(page.text)?.[1] ?? ''
    const away = await browser.ask(href)
    // OIDC Core §3.1.2.1: with max_age the provider must say auth_time.
    const asked = new URL(away.location ?? '').searchParams
    expect([asked.get('prompt'), asked.get('max_age')]).toEqual(['login', '0'])
  })

  describe('where the person was going', () => {
    const next = '/account/sessions'

    it('a newcomer arrives there, past a no and a name that is taken', async () => {
      await server.makeUser('taken-there')
      newGitHubUser()
      const browser = createBrowser(server.url)
      const start = await follow(server, browser, await browser.ask(next))
      const denied = await through(browser, start, 'github', 'deny')
      expect(denied.status).toBe(403)
      const page = await through(browser, denied, 'github')
      const again = await submit(browser, page, 'create-account', { username: 'taken-there' })
      expect((await submit(browser, again, 'create-account', { username: 'arrived' })).location).toBe(next)
      const later = createBrowser(server.url)
      const back = await through(later, await follow(server, later, await later.ask(next)), 'github')
      expect(back.text).toContain('id="sessions"')
    })

    it('L17: a link of a letter is remembered for him, and stands in no record', async () => {
      const link = `/letter?token=gth_tk_${'x'.repeat(40)}`
      const browser = createBrowser(server.url)
      const page = await browser.ask(`/signin?next=${encodeURIComponent(link)}`)
      const href = /data-provider="github" href="([^"]*)"/.exec(page.text)?.[1] ?? ''
      newGitHubUser()
      const away = await browser.ask(href)
      expect(JSON.stringify(await stateOf(server))).not.toContain('gth_tk_x')
      const parked = await browser.ask(await consent(away.location ?? ''))
      expect(JSON.stringify(await stateOf(server))).not.toContain('gth_tk_x')
      const named = await submit(browser, await browser.ask(parked.location ?? ''), 'create-account', {})
      expect(named.location).toBe(link)
    })

    it.each(['https://evil.example/', '//evil.example', '/oauth/authorize', '/account/../x'])(
      'A25: %s is no place to go to',
      async (place) => {
        newGitHubUser()
        const browser = createBrowser(server.url)
        const away = await browser.ask(`/signin/with/github?next=${encodeURIComponent(place)}`)
        const page = await follow(server, browser, await browser.ask(await consent(away.location ?? '')))
        expect((await submit(browser, page, 'create-account', {})).location).toBe('/account')
      },
    )
  })

  describe('how long ago it was', () => {
    const now = () => server.clock.seconds()
    let username: string
    let sub: string

    /** Somebody whose account at `work` is linked, signed in nowhere. */
    beforeEach(async () => {
      username = `fresh${(people += 1)}`
      sub = `${username}-at-work`
      const user = await server.makeUser(username)
      const identity = { provider: 'work', issuer: openid.issuer, subject: sub, label: username }
      await linkIdentity(server.core, { actor: { kind: 'cli' }, userId: user.userId, identity })
    })

    const viaWork = async (browser: Browser, url: string, authTime?: number): Promise<Answer> => {
      openid.user = { sub, ...(authTime !== undefined && { auth_time: authTime }) }
      return through(browser, await follow(server, browser, await browser.ask(url)), 'work')
    }
    const needsSignIn = async (browser: Browser) =>
      (await browser.ask('/account/delete')).location === '/signin?next=/account/delete'

    it('a sign-in there of an hour ago is none of the last minutes; one of just now is', async () => {
      const browser = createBrowser(server.url)
      await viaWork(browser, '/signin', now() - 3600)
      expect(await accountOf(browser)).toContain(username)
      expect(await needsSignIn(browser)).toBe(true)
      // Asked for anew, and sent back at once all the same.
      const silent = await viaWork(browser, '/signin?next=/account/delete', now() - 3600)
      expect([silent.status, silent.text.includes('confirm that you signed in there just now')]).toEqual([403, true])
      const untold = await viaWork(browser, '/signin?next=/account/delete')
      expect(untold.status).toBe(403)
      expect(await needsSignIn(browser)).toBe(true)
      await viaWork(browser, '/signin?next=/account/delete', now())
      expect(await needsSignIn(browser)).toBe(false)
    })

    it.each([{ prompt: 'login' }, { max_age: '0' }, { max_age: '600' }])(
      'an application that asks for %o',
      async (extra) => {
        for (const authTime of [undefined, now() - 3600]) {
          const browser = createBrowser(server.url)
          const told = await viaWork(browser, authorizeUrl(app, extra), authTime)
          expect([told.status, told.text.includes('confirm that you signed in')], String(authTime)).toEqual([403, true])
          expect(await accountOf(browser)).toBe('')
        }
        const browser = createBrowser(server.url)
        // A clock there may be a little behind ours.
        const asked = await viaWork(browser, authorizeUrl(app, extra), now() - 20)
        const back = await submit(browser, asked, 'consent', { decision: 'allow' })
        expect(new URL(back.location ?? '').searchParams.get('code')).not.toBeNull()
      },
    )

    it('auth_time of our ID token is the one there, where nobody asked for a fresh one', async () => {
      const browser = createBrowser(server.url)
      const signedInAt = now() - 1800
      const asked = await viaWork(browser, authorizeUrl(app), signedInAt)
      const back = await submit(browser, asked, 'consent', { decision: 'allow' })
      const code = new URL(back.location ?? '').searchParams.get('code') ?? ''
      const grant = { grant_type: 'authorization_code', code, code_verifier: verifier }
      const tokens = await tokenRequest(server, app, grant)
      const idToken = String(tokens.json()['id_token']).split('.')[1] ?? ''
      expect(JSON.parse(Buffer.from(idToken, 'base64url').toString())).toMatchObject({ auth_time: signedInAt })
    })

    it('RFC 9470: where the provider doesn’t say when, nobody is told a time, and no application’s max_age is met', async () => {
      const browser = await signedUp(`untold${(people += 1)}`)
      const asked = await follow(server, browser, await browser.ask(authorizeUrl(app)))
      const back = await submit(browser, asked, 'consent', { decision: 'allow' })
      const code = new URL(back.location ?? '').searchParams.get('code') ?? ''
      const grant = { grant_type: 'authorization_code', code, code_verifier: verifier }
      const { id_token: idToken, access_token: accessToken } = (await tokenRequest(server, app, grant)).json()
      for (const token of [idToken, accessToken]) {
        expect(claimsOf(String(token))).toMatchObject({ acr: 'fed' })
        expect(claimsOf(String(token))).not.toHaveProperty('auth_time')
      }
      const strict = await follow(server, browser, await browser.ask(authorizeUrl(app, { max_age: '86400' })))
      expect(strict.text).toContain('id="sign-in"')
      expect((await through(browser, strict, 'github')).text).toContain('confirm that you signed in')
    })

    it('it changes no account that has a password to prove itself with', async () => {
      const owner = await server.makeUser(`owner${(people += 1)}`)
      newGitHubUser()
      const identity = { provider: 'github', issuer: 'https://github.com', subject: String(github.user.id), label: 'x' }
      await linkIdentity(server.core, { actor: { kind: 'cli' }, userId: owner.userId, identity })
      const browser = createBrowser(server.url)
      await through(browser, await browser.ask('/signin'), 'github')
      expect(await accountOf(browser)).toContain(owner.username)
      expect(await needsSignIn(browser)).toBe(true)
      await signInFor(server, browser, '/signin?next=/account/delete', owner.username)
      expect(await needsSignIn(browser)).toBe(false)
    })

    it('who has a second factor is asked for it after the provider too, and what waits for it holds nothing of the session before', async () => {
      const owner = await server.makeUser(`second${(people += 1)}`)
      const browser = await signedInBrowser(server, owner.username)
      const app2 = await enrol(server, browser)
      server.clock.advance(30)
      newGitHubUser()
      const identity = { provider: 'github', issuer: 'https://github.com', subject: String(github.user.id), label: 'x' }
      await linkIdentity(server.core, { actor: { kind: 'cli' }, userId: owner.userId, identity })
      const choose = await follow(server, browser, await browser.ask(authorizeUrl(app, { prompt: 'select_account' })))
      const chosen = await submit(browser, choose, 'continue', { decision: 'other' })
      const page = await through(browser, await follow(server, browser, chosen), 'github')
      for await (const { value } of server.core.admin.scan('attempt'))
        expect(Object.keys((value as Attempt).proved).filter((name) => !['authTime', 'untold'].includes(name))).toEqual(
          [],
        )
      const done = await follow(server, browser, await sendCode(browser, page, app2.code()))
      expect(done.text).toContain('id="consent"')
    })

    it('a provider that can’t say it proves nothing anew to who is signed in already', async () => {
      const browser = await signedUp(`hub${(people += 1)}`)
      expect(await needsSignIn(browser)).toBe(false)
      server.clock.advance(301)
      const told = await through(browser, await browser.ask('/signin?next=/account/delete'), 'github')
      expect(told.status).toBe(403)
      expect(told.text).toContain('sign out here first')
      // Nor by the way of a request that asks for nothing fresh.
      const choose = authorizeUrl(app, { prompt: 'select_account' })
      const page = await follow(server, browser, await browser.ask(choose))
      const chosen = await submit(browser, page, 'continue', { decision: 'other' })
      await through(browser, await follow(server, browser, chosen), 'github')
      expect(await needsSignIn(browser)).toBe(true)
    })
  })
})

describe('newcomers', () => {
  it('that were shut out since they came make no account', async () => {
    const browser = createBrowser(server.url)
    newGitHubUser()
    const page = await through(browser, await browser.ask('/signin'), 'github')
    const providers = server.core.upstream.providers as Map<string, Provider>
    const before = providers.get('github')!
    providers.set('github', { ...before, signIn: 'existing' })
    const late = await submit(browser, page, 'create-account', { username: 'too-late' })
    providers.set('github', before)
    expect(late.status).toBe(400)
    expect(await findUserNamed(server.core, 'too-late')).toBeUndefined()
  })
})

describe('accounts elsewhere, on the account page', () => {
  async function signedIn(username: string): Promise<Browser> {
    await server.makeUser(username)
    const browser = createBrowser(server.url)
    await signInFor(server, browser, '/signin', username)
    return browser
  }

  async function add(browser: Browser, name = 'work', decision: 'allow' | 'deny' = 'allow'): Promise<Answer> {
    const page = await browser.ask('/account/identities')
    const away = await submit(browser, page, `link-${name}`, {})
    expect(away.status, away.text).toBe(303)
    return follow(server, browser, await browser.ask(await consent(away.location ?? '', decision)))
  }

  it('links and unlinks, and what is linked signs in', async () => {
    const browser = await signedIn('linker')
    openid.user = { sub: 'linker-at-work', preferred_username: 'l.inker' }
    expect((await add(browser)).text).toContain('l.inker')
    const other = createBrowser(server.url)
    await through(other, await other.ask('/signin'), 'work')
    expect(await accountOf(other)).toContain('linker')
    await submit(browser, await browser.ask('/account/identities'), 'unlink-work', {})
    const later = createBrowser(server.url)
    expect((await through(later, await later.ask('/signin'), 'work')).status).toBe(403)
  })

  it('shows what somebody is called there by now, from his next sign-in on', async () => {
    const browser = await signedIn('renamed-elsewhere')
    openid.user = { sub: 'renamed-at-work', preferred_username: 'maiden.name' }
    expect((await add(browser)).text).toContain('maiden.name')
    openid.user = { sub: 'renamed-at-work', preferred_username: 'married.name' }
    const later = createBrowser(server.url)
    await through(later, await later.ask('/signin'), 'work')
    const page = (await later.ask('/account/identities')).text
    expect([page.includes('married.name'), page.includes('maiden.name')]).toEqual([true, false])
  })

  it('one identity of each provider; nobody’s identity moves to somebody else', async () => {
    const one = await signedIn('first-owner')
    openid.user = { sub: 'shared' }
    await add(one)
    const two = await signedIn('second-owner')
    const taken = await add(two)
    expect(taken.status).toBe(409)
    expect(taken.text).toContain('belongs to somebody else')
    openid.user = { sub: 'another' }
    // The form for a second one isn't shown; a program may send it all the same.
    const { fields } = readForm((await one.ask('/account/identities')).text, 'unlink-work')
    const away = await one.ask('/account/identities/link', {
      form: { ...fields, provider: 'work' },
    })
    const other = await follow(server, one, await one.ask(await consent(away.location ?? '')))
    expect(other.text).toContain('another account of this provider')
  })

  it('takes nobody’s last way in', async () => {
    const browser = await signedUp('only-github')
    const page = await submit(browser, await browser.ask('/account/identities'), 'unlink-github', {})
    expect(page.location).toBe('/account/identities?problem=last')
    openid.user = { sub: 'only-github-at-work' }
    await add(browser)
    await submit(browser, await browser.ask('/account/identities'), 'unlink-github', {})
    expect((await browser.ask('/account/identities')).text).not.toContain('unlink-github')
  })

  it('wants a sign-in of the last five minutes', async () => {
    const browser = await signedIn('stale')
    const page = await browser.ask('/account/identities')
    server.clock.advance(301)
    expect((await submit(browser, page, 'link-work', {})).location).toBe('/signin?next=/account/identities')
  })

  it('not through a provider by which nobody signs in', async () => {
    const browser = await signedIn('closed-out')
    const page = await browser.ask('/account/identities')
    expect(page.text).not.toContain('link-vault-only')
    const { fields } = readForm(page.text, 'link-work')
    const answer = await browser.ask('/account/identities/link', { form: { ...fields, provider: 'vault-only' } })
    expect([answer.status, answer.location]).toEqual([400, undefined])
  })

  it('so many at once as second factors may change: each is a letter', async () => {
    const browser = await signedIn('busy-linker')
    const { userId = '' } = (await findUserNamed(server.core, 'busy-linker')) ?? {}
    for (let count = 0; count < 20; count += 1) server.core.limits.count('credential-change', [userId, '127.0.0.1'])
    const page = await browser.ask('/account/identities')
    expect((await submit(browser, page, 'link-work', {})).status).toBe(429)
  })

  it('L04, G07: a form of nobody’s, or of another session, links nothing', async () => {
    const browser = await signedIn('careful')
    const page = await browser.ask('/account/identities')
    const { fields } = readForm(page.text, 'link-work')
    expect(
      (
        await browser.ask('/account/identities/link', {
          form: { provider: 'work' },
        })
      ).status,
    ).toBe(403)
    const stranger = await signedIn('stranger')
    expect((await stranger.ask('/account/identities/link', { form: fields })).status).toBe(403)
  })

  it('L04: an identity that somebody else brings back links nothing', async () => {
    const attacker = await signedIn('attacker')
    const victim = await signedIn('victim')
    const away = await submit(attacker, await attacker.ask('/account/identities'), 'link-work', {})
    openid.user = { sub: 'victim-at-work' }
    const answer = await victim.ask(await consent(away.location ?? ''))
    expect([answer.status, errorOf(answer.text)]).toEqual([400, 'invalid_request'])
    for (const browser of [attacker, victim])
      expect((await browser.ask('/account/identities')).text).toContain('link-work')
  })

  it('a session that ended meanwhile links nothing, even in the same browser', async () => {
    const browser = await signedIn('leaver')
    const away = await submit(browser, await browser.ask('/account/identities'), 'link-work', {})
    const browserCookie = [...browser.cookies].find(([name]) => name.includes('browser'))
    openid.user = { sub: 'leaver-at-work' }
    const callback = await consent(away.location ?? '')
    const later = createBrowser(server.url)
    if (browserCookie !== undefined) later.cookies.set(...browserCookie)
    // Somebody else's session, beside the cookie of the browser that left.
    const other = await signedIn('other-there')
    for (const [name, value] of other.cookies) if (name.includes('session')) later.cookies.set(name, value)
    expect((await later.ask(callback)).status).toBe(400)
    expect((await other.ask('/account/identities')).text).toContain('link-work')
  })

  it('a no there adds nothing', async () => {
    const browser = await signedIn('refuser')
    expect((await add(browser, 'work', 'deny')).text).toContain('Nothing was added')
  })
})
