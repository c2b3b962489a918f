import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findUserNamed } from '../../src/accounts/find-user.ts'
import { patchUser } from '../../src/accounts/patch-user.ts'
import { createBrowser } from '../kit/browser.ts'
import { submit } from '../kit/flow.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import {
  chosen,
  fill,
  lettersTo,
  linkIn,
  registration,
  signIn,
  startWithLetters,
  still,
  withAddress,
} from '../kit/letters.ts'

let server: TestGatehouse
beforeAll(async () => {
  server = await startWithLetters()
})
afterAll(() => server.close())

describe('registration', () => {
  test('open, with letters: the link makes the account, once, with its address confirmed', async () => {
    const browser = createBrowser(server.url, { 'accept-language': 'de' })
    const sent = await fill(browser, '/register', 'register', registration('Ada', 'Ada@mail.example'))
    expect(sent.text).toContain('id="letter-sent"')
    expect((await signIn(server, 'ada', chosen)).status).toBe(403)
    const [letter] = await lettersTo(server, 'Ada@mail.example')
    expect(letter).toMatchObject({ subject: expect.stringContaining('Ihr Konto bei') as string })
    expect(letter?.html).toContain('<html lang="de">')
    // Mail programs follow links by themselves: that alone changes nothing.
    expect((await browser.ask(linkIn(letter!))).status).toBe(200)
    expect((await signIn(server, 'ada', chosen)).status).toBe(403)
    expect((await fill(browser, linkIn(letter!), 'letter', { password: chosen })).location).toBe('/signin')
    const signedIn = createBrowser(server.url)
    await fill(signedIn, '/signin', 'sign-in', { username: 'ADA', password: chosen })
    expect((await signedIn.ask('/account')).text).not.toContain('not confirmed yet')
    expect((await browser.ask(linkIn(letter!))).text).toContain('data-error="link_expired"')
  })

  test('H02: a name or address that is taken gets the same answer; its owner hears of it by letter alone', async () => {
    const email = await withAddress(server, 'berta')
    const answers = await Promise.all(
      [
        registration('berta', 'other@mail.example'),
        registration('berta2', email),
        registration('berta3', 'third@mail.example'),
      ].map((typed) => fill(createBrowser(server.url), '/register', 'register', typed)),
    )
    expect(new Set(answers.map((answer) => JSON.stringify(still(answer)))).size).toBe(1)
    const [, about] = await lettersTo(server, email, 2)
    expect(about?.text).toContain('“berta”')
    expect(about?.text).not.toContain('/letter?token=')
    // The name was taken: whoever proved an address chooses another one.
    const [letter] = await lettersTo(server, 'other@mail.example')
    const browser = createBrowser(server.url)
    const taken = await fill(browser, linkIn(letter!), 'letter', { password: chosen })
    expect(taken.text).toContain('That username is taken.')
    expect((await submit(browser, taken, 'letter', { username: 'berta-2', password: chosen })).location).toBe('/signin')
  })

  test('of two who wait with one address, the first to open his link has it', async () => {
    const typed = [registration('anton', 'one@mail.example'), registration('beate', 'one@mail.example')]
    for (const each of typed) await fill(createBrowser(server.url), '/register', 'register', each)
    const [first, second] = await lettersTo(server, 'one@mail.example', 2)
    const browser = createBrowser(server.url)
    expect((await fill(browser, linkIn(first!), 'letter', { password: chosen })).location).toBe('/signin')
    const refused = await fill(browser, linkIn(second!), 'letter', { password: chosen })
    expect([refused.status, refused.text.includes('belongs to another account')]).toEqual([400, true])
  })

  test('no account with a password that somebody else chose: whoever opens the link must know it', async () => {
    // An attacker asks in the name of his victim, who follows the link and whatever its page offers.
    await fill(createBrowser(server.url), '/register', 'register', registration('mallory', 'victim@mail.example'))
    const [letter] = await lettersTo(server, 'victim@mail.example')
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
    const email = await withAddress(server, 'lena')
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
    const email = await withAddress(server, 'maja')
    const wanted = { username: 'maja', email: 'm@mail.example', password: chosen }
    const answers = [
      await post(server, { ...wanted, username: 'mona', language: 'de' }),
      await post(server, wanted),
      await post(server, { ...wanted, username: 'mia', email }),
    ]
    for (const { status, text } of answers) expect([status, text]).toEqual([202, '{}'])
    const [letter] = await lettersTo(server, 'm@mail.example', 2)
    expect(letter?.subject).toContain('Ihr Konto')
    expect((await post(server, { username: 'nora', password: chosen })).json()).toMatchObject({ field: 'email' })
  })

  test('M02: nobody gives himself a role, scopes or a confirmed address', async () => {
    for (const more of [{ role: 'admin' }, { scopes: ['admin'] }, { email_verified: true }, { bot: true }]) {
      const answer = await post(server, { username: 'olaf', email: 'o@mail.example', password: chosen, ...more })
      expect(answer.status, JSON.stringify(more)).toBe(400)
    }
  })

  test('many accounts from one source are throttled, and a closed server makes none', async () => {
    const plain = await startGatehouse({ config: { users: { registration: 'open' } } })
    const closed = await startGatehouse()
    plain.clock.stand()
    try {
      const statuses: number[] = []
      for (let count = 0; count < 21; count += 1) {
        statuses.push((await post(plain, { username: `p${count}`, password: 'password12' })).status)
      }
      expect([statuses[0], statuses[19], statuses[20]]).toEqual([400, 400, 429])
      expect((await post(closed, { username: 'quin', password: chosen })).status).toBe(403)
    } finally {
      await plain.close()
      await closed.close()
    }
  })
})

describe('without letters', () => {
  test('a server that sends none offers nothing that needs one; a closed one makes no accounts', async () => {
    const plain = await startGatehouse()
    try {
      const browser = createBrowser(plain.url, { accept: 'text/html' })
      expect((await browser.ask('/recover')).status).toBe(404)
      expect((await browser.ask('/letter')).status).toBe(400)
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
      const typed = { username: 'lea', new_password: chosen, repeat_password: chosen }
      const line = /<input id="email"[^>]*>/
      expect((await browser.ask('/register')).text).toMatch(line)
      expect(line.exec((await browser.ask('/register')).text)?.[0]).not.toContain('required')
      expect((await submit(browser, await browser.ask('/register'), 'register', typed)).location).toBe('/signin')
      const again = await submit(browser, await browser.ask('/register'), 'register', { ...typed, username: 'LEA' })
      expect(again.text).toContain('That username is taken.')
      const signIn = { username: 'lea', password: chosen }
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
