import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { findUserOfIdentity, identitiesOf } from '../../src/accounts/find-identity.ts'
import { findUserNamed } from '../../src/accounts/find-user.ts'
import { identityNameRef } from '../../src/accounts/identity-refs.ts'
import { linkIdentity } from '../../src/accounts/link-identity.ts'
import { patchUser } from '../../src/accounts/patch-user.ts'
import { secretValue } from '../../src/config/secret-value.ts'
import { ref } from '../../src/domain/record.ts'
import { readAlive } from '../../src/store/read-alive.ts'
import { parseToken, printToken } from '../../src/tokens/token-text.ts'
import { createBrowser, readForm, type Answer, type Browser } from '../kit/browser.ts'
import { codeFlow, submit } from '../kit/flow.ts'
import { password, startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'

let server: TestGatehouse
beforeAll(async () => {
  server = await startGatehouse({ config: { mail: { by: 'log' }, users: { registration: 'open' } } })
})
afterAll(() => server.close())

const next = 'seven herons cross a frozen lock'

/** The letters to an address, once there are as many as expected. */
async function lettersTo(address: string, count = 1) {
  await vi.waitFor(() => expect(server.letters.filter(({ to }) => to === address)).toHaveLength(count), 5_000)
  return server.letters.filter(({ to }) => to === address)
}

const linkIn = ({ text }: { readonly text: string }) => /https?:\/\/\S+/.exec(text)?.[0] ?? ''

async function fill(browser: Browser, path: string, id: string, typed: Record<string, string>): Promise<Answer> {
  return submit(browser, await browser.ask(path), id, typed)
}

async function signIn(username: string, own = password): Promise<Answer> {
  return fill(createBrowser(server.url), '/signin', 'sign-in', { username, password: own })
}

const registration = (username: string, email: string) => ({
  username,
  email,
  new_password: next,
  repeat_password: next,
})

/** An account whose address is proved, by the way everybody takes. */
async function withAddress(username: string): Promise<string> {
  const email = `${username}@mail.example`
  const browser = createBrowser(server.url)
  await fill(browser, '/register', 'register', registration(username, email))
  const [letter] = await lettersTo(email)
  const made = await fill(browser, linkIn(letter!), 'letter', { password: next })
  expect(made.location).toBe('/signin')
  return email
}

/** Without what differs from page to page by itself. */
const still = (answer: Answer) => [answer.status, answer.text.replaceAll(/value="[^"]*"/g, '')]

describe('registration', () => {
  test('open, with letters: the link makes the account, once, with its address confirmed', async () => {
    const browser = createBrowser(server.url, { 'accept-language': 'de' })
    const sent = await fill(browser, '/register', 'register', registration('Ada', 'Ada@mail.example'))
    expect(sent.text).toContain('id="letter-sent"')
    expect((await signIn('ada', next)).status).toBe(403)
    const [letter] = await lettersTo('Ada@mail.example')
    expect(letter).toMatchObject({ subject: expect.stringContaining('Ihr Konto bei') as string })
    expect(letter?.html).toContain('<html lang="de">')
    // Mail programs follow links by themselves: that alone changes nothing.
    expect((await browser.ask(linkIn(letter!))).status).toBe(200)
    expect((await signIn('ada', next)).status).toBe(403)
    expect((await fill(browser, linkIn(letter!), 'letter', { password: next })).location).toBe('/signin')
    const signedIn = createBrowser(server.url)
    await fill(signedIn, '/signin', 'sign-in', { username: 'ADA', password: next })
    expect((await signedIn.ask('/account')).text).not.toContain('not confirmed yet')
    expect((await browser.ask(linkIn(letter!))).text).toContain('data-error="link_expired"')
  })

  test('H02: a name or address that is taken gets the same answer; its owner hears of it by letter alone', async () => {
    const email = await withAddress('berta')
    const answers = await Promise.all(
      [
        registration('berta', 'other@mail.example'),
        registration('berta2', email),
        registration('berta3', 'third@mail.example'),
      ].map((typed) => fill(createBrowser(server.url), '/register', 'register', typed)),
    )
    expect(new Set(answers.map((answer) => JSON.stringify(still(answer)))).size).toBe(1)
    const [, about] = await lettersTo(email, 2)
    expect(about?.text).toContain('“berta”')
    expect(about?.text).not.toContain('/letter?token=')
    // The name was taken: whoever proved an address chooses another one.
    const [letter] = await lettersTo('other@mail.example')
    const browser = createBrowser(server.url)
    const taken = await fill(browser, linkIn(letter!), 'letter', { password: next })
    expect(taken.text).toContain('That username is taken.')
    expect((await submit(browser, taken, 'letter', { username: 'berta-2', password: next })).location).toBe('/signin')
  })

  test('of two who wait with one address, the first to open his link has it', async () => {
    const typed = [registration('anton', 'one@mail.example'), registration('beate', 'one@mail.example')]
    for (const each of typed) await fill(createBrowser(server.url), '/register', 'register', each)
    const [first, second] = await lettersTo('one@mail.example', 2)
    const browser = createBrowser(server.url)
    expect((await fill(browser, linkIn(first!), 'letter', { password: next })).location).toBe('/signin')
    const refused = await fill(browser, linkIn(second!), 'letter', { password: next })
    expect([refused.status, refused.text.includes('belongs to another account')]).toEqual([400, true])
  })

  test('no account with a password that somebody else chose: whoever opens the link must know it', async () => {
    // An attacker asks in the name of his victim, who follows the link and whatever its page offers.
    await fill(createBrowser(server.url), '/register', 'register', registration('mallory', 'victim@mail.example'))
    const [letter] = await lettersTo('victim@mail.example')
    const victim = createBrowser(server.url)
    for (const typed of [{}, { password: '' }, { password: 'a password of the victim' }]) {
      const refused = await fill(victim, linkIn(letter!), 'letter', typed)
      expect([refused.status, refused.text.includes('the password that was chosen when')]).toEqual([403, true])
    }
    expect(await findUserNamed(server.core, 'mallory')).toBeUndefined()
    // H03: guesses at it have the budget of guesses at an account.
    const statuses: number[] = []
    for (let guess = 0; guess < 8; guess += 1)
      statuses.push((await fill(victim, linkIn(letter!), 'letter', { password: `guess ${guess}` })).status)
    expect(statuses).toEqual([403, 403, 403, 403, 403, 403, 403, 429])
  })

  test('an address that is given up is free', async () => {
    const email = await withAddress('lena')
    const named = await findUserNamed(server.core, 'lena')
    const held = async () => (await server.core.transition.store.read([{ kind: 'name', id: `email:${email}` }]))[0]
    expect(await held()).toBeDefined()
    const patch = { email: 'unproved@other.example' }
    const actor = { kind: 'cli' } as const
    const changed = await patchUser(server.core, { actor, userId: named?.userId ?? '', patch })
    expect(changed).toMatchObject({ done: { emailVerified: false } })
    expect(await held()).toBeUndefined()
  })

  test('an address is needed, a weak password and a bad name are refused before anything is sent', async () => {
    const browser = createBrowser(server.url)
    const before = server.letters.length
    const wrong: readonly Record<string, string>[] = [
      { email: '' },
      { email: 'nobody' },
      { username: '..' },
      { new_password: 'password12', repeat_password: 'password12' },
      { repeat_password: 'another one altogether' },
    ]
    for (const typed of wrong) {
      const answer = await fill(browser, '/register', 'register', {
        ...registration('carl', 'c@mail.example'),
        ...typed,
      })
      expect(answer.status, JSON.stringify(typed)).toBe(400)
    }
    expect(server.letters).toHaveLength(before)
  })
})

describe('registration by POST /api/v1/register', () => {
  const post = async (to: TestGatehouse, body: object) =>
    createBrowser(to.url).ask('/api/v1/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  test('with letters: 202 and no id, whether name and address are free or taken (H02)', async () => {
    const email = await withAddress('maja')
    const wanted = { username: 'maja', email: 'm@mail.example', password: next }
    const answers = [
      await post(server, { ...wanted, username: 'mona', language: 'de' }),
      await post(server, wanted),
      await post(server, { ...wanted, username: 'mia', email }),
    ]
    for (const { status, text } of answers) expect([status, text]).toEqual([202, '{}'])
    const [letter] = await lettersTo('m@mail.example', 2)
    expect(letter?.subject).toContain('Ihr Konto')
    expect((await post(server, { username: 'nora', password: next })).json()).toMatchObject({ field: 'email' })
  })

  test('M02: nobody gives himself a role, scopes or a confirmed address', async () => {
    for (const more of [{ role: 'admin' }, { scopes: ['admin'] }, { email_verified: true }, { bot: true }]) {
      const answer = await post(server, { username: 'olaf', email: 'o@mail.example', password: next, ...more })
      expect(answer.status, JSON.stringify(more)).toBe(400)
    }
  })

  test('many accounts from one source are throttled, and a closed server makes none', async () => {
    const plain = await startGatehouse({ config: { users: { registration: 'open' } } })
    const closed = await startGatehouse()
    try {
      const statuses: number[] = []
      for (let count = 0; count < 21; count += 1) {
        statuses.push((await post(plain, { username: `p${count}`, password: 'password12' })).status)
      }
      expect([statuses[0], statuses[19], statuses[20]]).toEqual([400, 400, 429])
      expect((await post(closed, { username: 'quin', password: next })).status).toBe(403)
    } finally {
      await plain.close()
      await closed.close()
    }
  })
})

describe('a forgotten password', () => {
  test('the link chooses a new one, once, and every session dies', async () => {
    const email = await withAddress('dora')
    const old = createBrowser(server.url)
    await fill(old, '/signin', 'sign-in', { username: 'dora', password: next })
    expect((await old.ask('/account')).status).toBe(200)
    const browser = createBrowser(server.url)
    await fill(browser, '/recover', 'recover', { account: 'DORA' })
    await fill(browser, '/recover', 'recover', { account: email })
    const [, first, second] = await lettersTo(email, 3)
    const typed = { new_password: password, repeat_password: password }
    expect((await fill(browser, linkIn(first!), 'letter', typed)).location).toBe('/signin')
    expect((await old.ask('/account')).location).toBe('/signin')
    expect((await signIn('dora')).location).toBe('/account')
    // A letter from before the change is worth nothing, and the used one neither.
    const form = readForm((await browser.ask(linkIn(second!))).text, 'letter')
    const late = await browser.ask(form.action, { form: { ...form.fields, new_password: next, repeat_password: next } })
    expect(late.text).toContain('link_expired')
    expect((await browser.ask(linkIn(first!))).text).toContain('link_expired')
  })

  test('nobody keeps a way in through an account elsewhere: they are unlinked in the same commit, and the page says so', async () => {
    const email = await withAddress('elsa')
    const user = await findUserNamed(server.core, 'elsa')
    const userId = user?.userId ?? ''
    const identity = (subject: string) => ({ provider: subject, issuer: 'https://idp.example', subject, label: 'm' })
    const actor = { kind: 'user', user: user!, scopes: ['me'] } as const
    await signIn('elsa', next)
    const [session] = (await server.core.transition.store.list('session', userId, { limit: 1 })).records
    const own = { actor, userId, own: { sessionId: session?.id ?? '' } }
    for (const subject of ['one', 'two'])
      expect(await linkIdentity(server.core, { ...own, identity: identity(subject) })).toHaveProperty('done')
    // Of each he is told.
    await lettersTo(email, 3)
    const keep = () =>
      server.core.upstream.keep({
        userId,
        provider: 'one',
        account: 'one',
        holder: identityNameRef('https://idp.example', 'one'),
        recallsBefore: 0,
        credential: secretValue('of whoever left it'),
        lasts: 3600,
      })
    const kept = async () =>
      (await server.core.transition.store.read([ref('connection', `${userId}:one`)]))[0]?.value as object | undefined
    await keep()
    expect(await kept()).toMatchObject({ state: 'active' })
    const browser = createBrowser(server.url)
    await fill(browser, '/recover', 'recover', { account: 'elsa' })
    const letter = (await lettersTo(email, 4)).at(-1)
    expect((await browser.ask(linkIn(letter!))).text).toContain('are unlinked')
    const typed = { new_password: password, repeat_password: password }
    expect((await fill(browser, linkIn(letter!), 'letter', typed)).location).toBe('/signin')
    expect(await identitiesOf(server.core, userId)).toEqual([])
    expect(await findUserOfIdentity(server.core, identity('one'))).toBeUndefined()
    // What a site gave goes with the account there, and none is kept of an account that is nobody's.
    expect(await kept()).toMatchObject({ state: 'revoked' })
    await keep()
    expect(await kept()).toMatchObject({ state: 'revoked' })
    // What a session from before the recovery had begun links nothing any more.
    expect(await linkIdentity(server.core, { ...own, identity: identity('one') })).toMatchObject({
      refused: { code: 'forbidden' },
    })
  })

  test('single use also when it comes ten times at once', async () => {
    const email = await withAddress('emil')
    const browser = createBrowser(server.url)
    await fill(browser, '/recover', 'recover', { account: 'emil' })
    const [, letter] = await lettersTo(email, 2)
    const { action, fields } = readForm((await browser.ask(linkIn(letter!))).text, 'letter')
    const typed = { ...fields, new_password: password, repeat_password: password }
    const answers = await Promise.all(Array.from({ length: 10 }, () => browser.ask(action, { form: typed })))
    expect(answers.filter(({ location }) => location === '/signin')).toHaveLength(1)
  })

  test('H02: unknown names, unproved addresses and locked accounts get the same answer; a locked one hears of it by letter', async () => {
    await server.makeUser('unproved', { email: 'unproved@mail.example' })
    await withAddress('fritz')
    const locked = await withAddress('franz')
    const { userId = '' } = (await findUserNamed(server.core, 'franz')) ?? {}
    await patchUser(server.core, { actor: { kind: 'cli' }, userId, patch: { locked: true } })
    const answers: Answer[] = []
    for (const account of ['fritz', 'nobody-at-all', 'nobody@mail.example', 'unproved', 'franz']) {
      answers.push(await fill(createBrowser(server.url), '/recover', 'recover', { account }))
    }
    expect(new Set(answers.map((answer) => JSON.stringify(still(answer)))).size).toBe(1)
    await lettersTo('fritz@mail.example', 2)
    const [, told] = await lettersTo(locked, 2)
    expect(told?.subject).toContain('is locked')
    expect(told?.text).not.toContain('gth_tk_')
    expect(server.letters.filter(({ to }) => to === 'unproved@mail.example')).toEqual([])
  })

  test('it is too late after an hour', async () => {
    const email = await withAddress('gerd')
    const browser = createBrowser(server.url)
    await fill(browser, '/recover', 'recover', { account: 'gerd' })
    const [, letter] = await lettersTo(email, 2)
    server.clock.advance(3_601)
    expect((await browser.ask(linkIn(letter!))).text).toContain('link_expired')
  })

  test('asking is throttled, whether the name exists or not', async () => {
    for (const account of ['hanna', 'nobody-else']) {
      const statuses: number[] = []
      for (let attempt = 0; attempt < 6; attempt += 1) {
        statuses.push((await fill(createBrowser(server.url), '/recover', 'recover', { account })).status)
      }
      expect(statuses).toEqual([200, 200, 200, 200, 200, 429])
    }
  })
})

describe('another address', () => {
  test('H18: the established one stays until the letter to the new one was answered', async () => {
    const email = await withAddress('ines')
    const browser = createBrowser(server.url)
    await fill(browser, '/signin', 'sign-in', { username: 'ines', password: next })
    const asked = await fill(browser, '/account/email', 'email-change', { email: 'ines@new.example' })
    expect(asked.location).toBe('/account/email?done')
    expect((await browser.ask('/account')).text).toContain(email)
    const [letter] = await lettersTo('ines@new.example')
    await fill(browser, linkIn(letter!), 'letter', {})
    expect((await browser.ask('/account')).text).toContain('ines@new.example')
    // The old one is free for whoever proves it.
    await fill(createBrowser(server.url), '/register', 'register', registration('ines2', email))
    const letters = await lettersTo(email, 3)
    expect(letters.filter(({ text }) => text.includes('has another address from now on'))).toHaveLength(1)
    expect(letters.filter(({ text }) => text.includes('/letter?token='))).toHaveLength(2)
  })

  test('by REST: the answer shows the established one, one letter goes out, and its link changes it', async () => {
    // What the tests before took of the budget of this source is back by then.
    server.clock.advance(1_200)
    const email = await withAddress('ilse')
    const client = await server.makeClient({ client_id: 'own', scope: 'openid me' })
    const browser = createBrowser(server.url)
    await fill(browser, '/signin', 'sign-in', { username: 'ilse', password: next })
    const { tokens } = await codeFlow(server, client, 'ilse', { browser, extra: { scope: 'openid me' } })
    const ask = async (body?: object) => {
      const answer = await createBrowser(server.url).ask('/api/v1/me', {
        method: body === undefined ? 'GET' : 'PATCH',
        headers: { authorization: `Bearer ${tokens.access_token}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      return [answer.status, answer.json()['email'], answer.json()['email_verified']]
    }
    expect(await ask({ email: 'ilse@new.example', full_name: 'Ilse' })).toEqual([200, email, true])
    const [letter] = await lettersTo('ilse@new.example')
    expect(await ask()).toEqual([200, email, true])
    await fill(browser, linkIn(letter!), 'letter', {})
    expect(await ask()).toEqual([200, 'ilse@new.example', true])
    expect(await lettersTo('ilse@new.example')).toHaveLength(1)
  })

  test('an address that belongs to somebody else can’t be taken', async () => {
    const email = await withAddress('jan')
    await withAddress('kai')
    const browser = createBrowser(server.url)
    await fill(browser, '/signin', 'sign-in', { username: 'kai', password: next })
    await fill(browser, '/account/email', 'email-change', { email: email.toUpperCase().replace('EXAMPLE', 'example') })
    const [letter] = await lettersTo(email.toUpperCase().replace('EXAMPLE', 'example'))
    const refused = await fill(browser, linkIn(letter!), 'letter', {})
    expect(refused.text).toContain('belongs to another account')
  })
})

describe('a letter to another address', () => {
  test('its reader confirms nothing unless he is signed in to the account; he signs in first and comes back', async () => {
    const email = await withAddress('quentin')
    await server.makeUser('reader')
    const browser = createBrowser(server.url)
    await fill(browser, '/signin', 'sign-in', { username: 'quentin', password: next })
    await fill(browser, '/account/email', 'email-change', { email: 'quentin@new.example' })
    const [letter] = await lettersTo('quentin@new.example')
    const link = new URL(linkIn(letter!))
    const held = async () => (await findUserNamed(server.core, 'quentin'))?.email
    const { action, fields } = readForm((await browser.ask(link.href)).text, 'letter')

    const nobody = createBrowser(server.url)
    const reader = createBrowser(server.url)
    await fill(reader, '/signin', 'sign-in', { username: 'reader', password })
    for (const stranger of [nobody, reader]) {
      const back = `/signin?next=${encodeURIComponent(link.pathname + link.search)}`
      expect((await stranger.ask(link.href)).location).toBe(back)
      // A form that he gets by another letter is as little worth.
      expect((await stranger.ask(action, { form: fields })).status).toBe(403)
      expect(await held()).toBe(email)
    }
    const own = { username: 'quentin', password: next }
    const page = await nobody.ask((await nobody.ask(link.href)).location ?? '')
    const returned = await submit(nobody, page, 'sign-in', own)
    expect(returned.location).toBe(link.pathname + link.search)
    expect((await fill(nobody, returned.location ?? '', 'letter', {})).location).toBe('/account')
    expect(await held()).toBe('quentin@new.example')
  })

  test('a form of the very reader, too, needs the session of the account', async () => {
    await withAddress('rosa')
    await withAddress('sven')
    const [owner, reader] = [createBrowser(server.url), createBrowser(server.url)]
    await fill(owner, '/signin', 'sign-in', { username: 'rosa', password: next })
    await fill(owner, '/account/email', 'email-change', { email: 'rosa@new.example' })
    await fill(reader, '/signin', 'sign-in', { username: 'sven', password: next })
    await fill(reader, '/account/email', 'email-change', { email: 'sven@new.example' })
    const [[rosas], [svens]] = [await lettersTo('rosa@new.example'), await lettersTo('sven@new.example')]
    const { action, fields } = readForm((await reader.ask(linkIn(svens!))).text, 'letter')
    const token = new URL(linkIn(rosas!)).searchParams.get('token') ?? ''
    expect((await reader.ask(action, { form: { ...fields, token } })).location).toMatch(/^\/signin\?next=/)
    expect((await findUserNamed(server.core, 'rosa'))?.email).toBe('rosa@mail.example')
  })
})

describe('a letter from before', () => {
  async function askedToMove(username: string, ...to: readonly string[]) {
    const email = await withAddress(username)
    const browser = createBrowser(server.url)
    await fill(browser, '/signin', 'sign-in', { username, password: next })
    for (const address of to) await fill(browser, '/account/email', 'email-change', { email: address })
    const found = await findUserNamed(server.core, username)
    return { browser, email, userId: found?.userId ?? '' }
  }
  const emailOf = async (username: string) => (await findUserNamed(server.core, username))?.email

  test('a new password ends a change of address that whoever knew the old one had begun', async () => {
    const { browser, email, userId } = await askedToMove('nils', 'thief@mail.example')
    const [letter] = await lettersTo('thief@mail.example')
    const page = await browser.ask(linkIn(letter!))
    expect(page.status).toBe(200)
    await patchUser(server.core, { actor: { kind: 'cli' }, userId, patch: { password } })
    const late = await browser.ask(linkIn(letter!))
    expect([late.text.includes('data-error="link_expired"'), await emailOf('nils')]).toEqual([true, email])
  })

  test('an address that was typed wrong first gets nothing once the right one is confirmed', async () => {
    const { browser } = await askedToMove('otto', 'oto@mail.example', 'otto@new.example')
    const [[wrong], [right]] = [await lettersTo('oto@mail.example'), await lettersTo('otto@new.example')]
    expect((await fill(browser, linkIn(right!), 'letter', {})).location).toBe('/account')
    const late = await browser.ask(linkIn(wrong!))
    expect([late.text.includes('data-error="link_expired"'), await emailOf('otto')]).toEqual([true, 'otto@new.example'])
  })

  test('who reads only the address of before chooses no password any more', async () => {
    const { browser, email } = await askedToMove('paul', 'paul@new.example')
    await fill(createBrowser(server.url), '/recover', 'recover', { account: 'paul' })
    const [, old] = await lettersTo(email, 2)
    const [confirmation] = await lettersTo('paul@new.example')
    await fill(browser, linkIn(confirmation!), 'letter', {})
    const typed = { new_password: password, repeat_password: password }
    const late = await fill(createBrowser(server.url), linkIn(old!), 'letter', typed)
    expect(late.text).toContain('data-error="link_expired"')
    expect((await signIn('paul', next)).location).toBe('/account')
  })

  test('a server that was closed since makes no account by it', async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'gatehouse-letters-'))
    const store = { adapter: 'sqlite', path: join(dataDirectory, 'gatehouse.db') } as const
    const config = { mail: { by: 'log' }, users: { registration: 'open' } } as const
    const open = await startGatehouse({ dataDirectory, store, config })
    try {
      await fill(createBrowser(open.url), '/register', 'register', registration('tina', 'tina@mail.example'))
      await vi.waitFor(() => expect(open.letters).toHaveLength(1), 5_000)
    } finally {
      await open.close()
    }
    const listen = { host: '127.0.0.1', port: open.port }
    const users = { registration: 'closed' } as const
    const closed = await startGatehouse({
      dataDirectory,
      store,
      config: { ...config, users, issuer: open.url, listen },
    })
    try {
      const late = await fill(createBrowser(closed.url), linkIn(open.letters[0]!), 'letter', { password: next })
      expect(late.text).toContain('data-error="link_expired"')
      expect(await findUserNamed(closed.core, 'tina')).toBeUndefined()
    } finally {
      await closed.close()
      rmSync(dataDirectory, { recursive: true })
    }
  })

  test('H05: one budget for a name however it is written', async () => {
    // What the tests before took of the budget of this source is back by then.
    server.clock.advance(1_200)
    const statuses: number[] = []
    for (const account of ['rita', 'RITA', 'Rita', 'ｒｉｔａ', ' rita ', 'riTa'])
      statuses.push((await fill(createBrowser(server.url), '/recover', 'recover', { account })).status)
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429])
  })

  test('nobody’s address is flooded by asking for accounts in its name', async () => {
    const plain = await startGatehouse({ config: { mail: { by: 'log' }, users: { registration: 'open' } } })
    try {
      const statuses: number[] = []
      for (let count = 0; count < 6; count += 1) {
        const email = count % 2 === 0 ? 'sina@mail.example' : 'Sina@mail.example'
        const body = { username: `sina${count}`, email, password: next }
        const asked = await createBrowser(plain.url).ask('/api/v1/register', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
        statuses.push(asked.status)
      }
      expect(statuses).toEqual([202, 202, 202, 202, 202, 429])
    } finally {
      await plain.close()
    }
  })
})

describe('links', () => {
  test.each([
    '',
    'x',
    'gth_tk_00000000_x',
    'gth_tk_00000000_k.r.0.AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  ])('H15: one that we didn’t make opens nothing (%s)', async (token) => {
    const answer = await createBrowser(server.url).ask(`/letter?token=${token}`)
    expect([answer.status, answer.text.includes('data-error="link_expired"')]).toEqual([400, true])
  })

  test('H15: nor does one that is made of a ticket in the store, whose MAC nobody has who reads it', async () => {
    // What the tests before took of the budget of this source is back by then.
    server.clock.advance(1_200)
    const tokens: string[] = []
    for (const username of ['uma', 'vera']) {
      const email = await withAddress(username)
      await fill(createBrowser(server.url), '/recover', 'recover', { account: username })
      const [, letter] = await lettersTo(email, 2)
      tokens.push(new URL(linkIn(letter!)).searchParams.get('token') ?? '')
    }
    const [uma = [], vera = []] = tokens.map((token) => parseToken('tk', token)?.split('.'))
    const [keyId, recordId, generation, nonce] = uma
    const kept = await readAlive(server.core.transition.store, ref('ticket', recordId ?? ''), server.clock.seconds())
    expect(kept).toMatchObject({ keyId, nonce })
    const made = printToken('tk', [keyId, recordId, generation, nonce, vera[4]].join('.'))
    const statusOf = async (token: string) => (await createBrowser(server.url).ask(`/letter?token=${token}`)).status
    expect([await statusOf(made), await statusOf(tokens[0] ?? '')]).toEqual([400, 200])
  })

  test('H14: they lead to the issuer, whatever host is named, and stand in no log', async () => {
    server.clock.advance(1_200)
    const email = await withAddress('wanda')
    const forged = { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example;proto=https' }
    await fill(createBrowser(server.url, forged), '/recover', 'recover', { account: 'wanda' })
    await lettersTo(email, 2)
    // Who is told that his account is locked has nothing to open.
    const links = server.letters.map(linkIn).filter((link) => link !== '')
    for (const link of links) expect(link.startsWith(`${server.url}/`)).toBe(true)
    expect(server.logged()).not.toContain('gth_tk_')
  })

  test('the store alone opens nothing: no link of a letter stands in it', async () => {
    for (const kind of ['ticket', 'outbox', 'event'] as const) {
      for await (const record of server.core.admin.scan(kind)) expect(JSON.stringify(record)).not.toContain('gth_tk_')
    }
  })
})

describe('without letters', () => {
  test('a server that sends none offers nothing that needs one; a closed one makes no accounts', async () => {
    const plain = await startGatehouse()
    try {
      const browser = createBrowser(plain.url, { accept: 'text/html' })
      expect((await browser.ask('/recover')).status).toBe(404)
      expect((await browser.ask('/letter')).status).toBe(404)
      const closed = await browser.ask('/register')
      expect(closed.status).toBe(403)
      expect(closed.text).not.toContain('<form')
      const page = (await browser.ask('/signin')).text
      expect(page).not.toMatch(/recover-link|register-link/)
    } finally {
      await plain.close()
    }
  })

  test('open: the account is made at once', async () => {
    const plain = await startGatehouse({ config: { users: { registration: 'open' } } })
    try {
      const browser = createBrowser(plain.url)
      const typed = { username: 'lea', new_password: next, repeat_password: next }
      const line = /<input id="email"[^>]*>/
      expect((await browser.ask('/register')).text).toMatch(line)
      expect(line.exec((await browser.ask('/register')).text)?.[0]).not.toContain('required')
      expect((await submit(browser, await browser.ask('/register'), 'register', typed)).location).toBe('/signin')
      const again = await submit(browser, await browser.ask('/register'), 'register', { ...typed, username: 'LEA' })
      expect(again.text).toContain('That username is taken.')
      const signIn = { username: 'lea', password: next }
      expect((await submit(browser, await browser.ask('/signin'), 'sign-in', signIn)).location).toBe('/account')
      const other = createBrowser(plain.url)
      const withEmail = { ...typed, username: 'mia', email: 'not an address' }
      expect((await fill(other, '/register', 'register', withEmail)).text).toContain('name@example.org')
      await fill(other, '/register', 'register', { ...withEmail, email: 'mia@mail.example' })
      const made = await findUserNamed(plain.core, 'mia')
      expect([made?.email, made?.emailVerified]).toEqual(['mia@mail.example', false])
    } finally {
      await plain.close()
    }
  })
})
