import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { mintToken } from '../../src/accounts/mint-token.ts'
import { patchUser } from '../../src/accounts/patch-user.ts'
import { put, ref } from '../../src/domain/record.ts'
import { askForCode } from '../../src/signin/mail-code.ts'
import type { Ticket } from '../../src/domain/ticket.ts'
import { transition } from '../../src/store/transition.ts'
import { parseMacaroonText } from '../../src/tokens/macaroon-text.ts'
import { mailCode } from '../../src/tokens/mail-code.ts'
import { createBrowser, readForm, type Answer, type Browser } from '../kit/browser.ts'
import { authorizeUrl, follow, submit } from '../kit/flow.ts'
import { enrol, signedInBrowser } from '../kit/second-factor.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { outboxEmpty, still } from '../kit/letters.ts'

let server: TestGatehouse
let client: MadeClient
beforeAll(async () => {
  server = await startGatehouse({ config: { mail: { by: 'log' } } })
  client = await server.makeClient()
})
afterAll(() => server.close())

/** An account whose address is proved. */
async function withAddress(username: string): Promise<{ userId: string; email: string }> {
  const email = `${username}@mail.example`
  const { userId } = await server.makeUser(username, { email })
  const refs = { user: ref('user', userId), name: ref('name', `email:${email}`) }
  await transition(server.core.transition, refs, ({ user, name }) => ({
    writes: [
      put(user, { ...user.value!, emailVerified: true }, { expiresAt: null }),
      put(name, { v: 1, target: userId }, { expiresAt: null, owners: [userId] }),
    ],
    result: undefined,
  }))
  return { userId, email }
}

async function ask(browser: Browser, account: string, from = '/signin/code'): Promise<Answer> {
  return submit(browser, await browser.ask(from), 'mail-code', { account })
}
/** The code in the newest of so many letters to an address. */
async function codeTo(address: string, count = 1): Promise<string> {
  const codes = () =>
    server.letters.flatMap(({ to, text }) => (to === address ? (/\b\d{4} \d{4}\b/.exec(text) ?? []) : []))
  await vi.waitFor(() => expect(codes()).toHaveLength(count), 20_000)
  return codes().at(-1) ?? ''
}
const type = (browser: Browser, page: Answer, code: string) => submit(browser, page, 'one-time-code', { code })
const other = (code: string) => code.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10))
const isIn = async (browser: Browser) => (await browser.ask('/account')).status === 200

describe('sign-in by a code in a letter', () => {
  test('works with name or address, with or without the space, once', async () => {
    const { email } = await withAddress('ada')
    const browser = createBrowser(server.url)
    expect((await browser.ask('/signin')).text).toContain('href="/signin/code"')
    const page = await ask(browser, 'ADA')
    const code = await codeTo(email)
    const late = { page: await ask(browser, email), code: await codeTo(email, 2) }
    const done = await type(browser, page, code.replace(' ', ''))
    expect(done.location).toBe('/account')
    expect(await isIn(browser)).toBe(true)
    const again = createBrowser(server.url)
    for (const [name, value] of browser.cookies) if (name !== 'gatehouse-session') again.cookies.set(name, value)
    expect((await type(again, page, code)).status).toBe(403)
    expect(await isIn(again)).toBe(false)
    // Signing in makes the browser another one (G03), so what it had asked for before fits it no more.
    expect((await type(browser, late.page, late.code)).status).toBe(403)
  })

  test('H02: names and addresses that do not exist, or have no proved address, get the very same pages', async () => {
    const { email } = await withAddress('berta')
    await server.makeUser('plain', { email: 'plain@mail.example' })
    const bruno = await withAddress('bruno')
    await patchUser(server.core, { actor: { kind: 'cli' }, userId: bruno.userId, patch: { locked: true } })
    const answers: unknown[] = []
    const strangers = ['nobody', 'nobody@mail.example', 'plain', 'plain@mail.example']
    for (const account of ['berta', email, ...strangers, 'bruno', bruno.email]) {
      const browser = createBrowser(server.url)
      const page = await ask(browser, account)
      answers.push([still(page), still(await type(browser, page, '1234 5678'))])
    }
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    await codeTo(email, 2)
    expect(server.letters.filter(({ to }) => to.startsWith('plain') || to.startsWith('nobody'))).toEqual([])
    const told = () => server.letters.filter(({ to }) => to === bruno.email)
    await vi.waitFor(() => expect(told()).toHaveLength(2), 20_000)
    for (const { subject, text } of told()) {
      expect(subject).toContain('is locked')
      expect(text).not.toMatch(/\d{4} \d{4}/)
    }
  })

  test('a locked account is told so in the language of whoever asked, and what it asked for meanwhile opens nothing later', async () => {
    const { userId, email } = await withAddress('bodo')
    const lock = (locked: boolean) => patchUser(server.core, { actor: { kind: 'cli' }, userId, patch: { locked } })
    await lock(true)
    const browser = createBrowser(server.url, { 'accept-language': 'de' })
    const page = await ask(browser, 'bodo')
    await vi.waitFor(() => expect(server.letters.some(({ to }) => to === email)).toBe(true), 20_000)
    expect(server.letters.find(({ to }) => to === email)?.subject).toContain('ist gesperrt')
    await lock(false)
    const ticketId = String(readForm(page.text, 'one-time-code').fields['ticket'])
    const [record] = await server.core.transition.store.read([ref('ticket', ticketId)])
    const ticket = record?.value as Ticket
    const code = mailCode(server.core.keys, ticketId, ticket) ?? ''
    expect(code).toMatch(/^\d{8}$/)
    expect((await type(browser, page, code)).location).toBeUndefined()
    expect(await isIn(browser)).toBe(false)
  })

  test('the code is worth nothing in another browser', async () => {
    const { email } = await withAddress('carl')
    const page = await ask(createBrowser(server.url), 'carl')
    const code = await codeTo(email)
    const thief = createBrowser(server.url)
    const own = await ask(thief, 'carl')
    const { fields } = readForm(page.text, 'one-time-code')
    const stolen = await submit(thief, own, 'one-time-code', { code, ticket: String(fields['ticket']) })
    expect(stolen.status).toBe(403)
    expect(await isIn(thief)).toBe(false)
  })

  test('H17: five wrong codes end the code, and lock nobody out', async () => {
    const { email } = await withAddress('dora')
    const thief = createBrowser(server.url)
    const page = await ask(thief, 'dora')
    const code = await codeTo(email)
    const tries = [1, 2, 3, 4, 5].map(() => other(code))
    const answers: Answer[] = []
    for (const tried of tries) answers.push(await type(thief, page, tried))
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403])
    expect(answers.map(({ text }) => text.includes('id="one-time-code"'))).toEqual([true, true, true, true, false])
    expect((await type(thief, page, code)).location).toBeUndefined()
    // The owner, in a browser of his own, by password and by another code.
    const owner = createBrowser(server.url)
    await submit(owner, await owner.ask('/signin'), 'sign-in', { username: 'dora', password })
    expect(await isIn(owner)).toBe(true)
    const second = createBrowser(server.url)
    expect((await type(second, await ask(second, 'dora'), await codeTo(email, 2))).location).toBe('/account')
  })

  test('H04: right codes and wrong ones at the same moment count one by one', async () => {
    const { email } = await withAddress('emil')
    const browser = createBrowser(server.url)
    const page = await ask(browser, 'emil')
    const code = await codeTo(email)
    const wrong = await Promise.all(Array.from({ length: 8 }, () => type(browser, page, other(code))))
    expect(wrong.filter(({ text }) => text.includes('id="one-time-code"'))).toHaveLength(4)
    expect((await type(browser, page, code)).location).toBeUndefined()
  })

  test('RFC 8176 otp: of two right ones at the same moment one signs in', async () => {
    const { email } = await withAddress('eva')
    const browser = createBrowser(server.url)
    const page = await ask(browser, 'eva')
    const code = await codeTo(email)
    const twins = [createBrowser(server.url), createBrowser(server.url)]
    for (const twin of twins) for (const [name, value] of browser.cookies) twin.cookies.set(name, value)
    const both = await Promise.all(twins.map((twin) => type(twin, page, code)))
    expect(both.filter(({ location }) => location === '/account')).toHaveLength(1)
  })

  test('is no second factor: whoever has one is asked for it', async () => {
    const { email } = await withAddress('eric')
    await enrol(server, await signedInBrowser(server, 'eric'))
    const browser = createBrowser(server.url)
    const half = await type(browser, await ask(browser, 'eric'), await codeTo(email))
    expect(half.location).toMatch(/^\/second-factor/)
    expect(await isIn(browser)).toBe(false)
  })

  test('ends after ten minutes, and with a change of password or lock since', async () => {
    const { email } = await withAddress('fritz')
    const browser = createBrowser(server.url)
    const page = await ask(browser, 'fritz')
    const code = await codeTo(email)
    server.clock.advance(601)
    expect((await type(browser, page, code)).location).toBeUndefined()

    for (const [name, patch] of [
      ['gerda', { password: 'seven herons cross a frozen lock' }],
      ['hanna', { locked: true }],
    ] as const) {
      const { userId, email: address } = await withAddress(name)
      const another = createBrowser(server.url)
      const typing = await ask(another, name)
      const sent = await codeTo(address)
      await patchUser({ ...server.core, strength: async () => undefined }, { actor: { kind: 'cli' }, userId, patch })
      expect((await type(another, typing, sent)).location).toBeUndefined()
      expect(await isIn(another)).toBe(false)
    }
  })

  test('what strangers ask for does not count in a browser that the account signed in in', async () => {
    const { email } = await withAddress('ida')
    const known = createBrowser(server.url)
    await submit(known, await known.ask('/signin'), 'sign-in', { username: 'ida', password })
    const stranger = createBrowser(server.url)
    const statuses: number[] = []
    for (let count = 0; count < 6; count += 1) statuses.push((await ask(stranger, 'ida')).status)
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429])
    known.cookies.delete('gatehouse-session')
    const page = await ask(known, 'ida')
    expect((await type(known, page, await codeTo(email, 6))).location).toBe('/account')
  })

  test('H05: a mailbox gets so many, by whichever name and from wherever they are asked for, and the known browser still gets its own', async () => {
    const { email } = await withAddress('olga')
    const known = createBrowser(server.url)
    await submit(known, await known.ask('/signin'), 'sign-in', { username: 'olga', password })
    const tickets: string[] = []
    for (const address of ['198.51.100.1', '198.51.100.2'])
      for (const asked of ['olga', email])
        for (let count = 0; count < 5; count += 1) {
          const wanted = { asked, browserHash: 'x', language: 'en', address, devices: [] }
          const made = await askForCode(server.core, wanted)
          tickets.push('ticketId' in made ? made.ticketId : 'refused')
        }
    expect(tickets).not.toContain('refused')
    const { store } = server.core.transition
    await outboxEmpty(server)
    await codeTo(email, 10)
    // What was never sent is nobody's, so that nobody guesses its code either.
    const kept = await store.read(tickets.map((ticketId) => ref('ticket', ticketId)))
    expect(kept.filter((record) => record !== undefined && 'addressee' in record.value)).toHaveLength(10)
    known.cookies.delete('gatehouse-session')
    const page = await ask(known, email)
    expect((await type(known, page, await codeTo(email, 11))).location).toBe('/account')
  })

  test('goes on to the application that asked, in its language', async () => {
    const { email } = await withAddress('jan')
    const browser = createBrowser(server.url, { 'accept-language': 'de' })
    const signIn = await follow(server, browser, await browser.ask(authorizeUrl(client)))
    const href = /id="mail-code-link" href="([^"]+)"/.exec(signIn.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
    const page = await ask(browser, 'jan', href)
    expect(page.text).toContain('Code aus der Nachricht')
    expect(server.letters.every(({ subject }) => !/\d{4} \d{4}/.test(subject))).toBe(true)
    const code = await codeTo(email)
    expect(server.letters.findLast(({ to }) => to === email)?.subject).toContain('Ihr Code für')
    const next = await follow(server, browser, await type(browser, page, code))
    expect(next.text).toContain('<form id="consent"')
  })

  test('shows a mailbox and no one-time code: a caveat that wants `otp` is not met by it', async () => {
    const { userId, email } = await withAddress('kurt')
    const browser = createBrowser(server.url)
    await type(browser, await ask(browser, 'kurt'), await codeTo(email))
    const caveat = async (text: string): Promise<string> => {
      const wanted = { format: 'macaroon', caveats: [text] } as const
      const made = await mintToken(server.core, { actor: { kind: 'cli' }, userId }, wanted)
      const [{ caveats }] = parseMacaroonText('done' in made ? made.done.token : '')!
      const { identifier } = caveats.find(({ thirdParty }) => thirdParty !== undefined)!
      return `/oauth/discharge?caveat_id=${encodeURIComponent(Buffer.from(identifier).toString())}`
    }
    expect((await browser.ask(await caveat('discharge = max_age:300'))).text).toContain('<form id="discharge"')
    const page = await browser.ask(await caveat('discharge = max_age:300 amr:otp'))
    expect([page.status, page.location]).toEqual([303, expect.stringMatching(/^\/second-factor/)])
  })

  test('a form of somebody else’s does nothing (G04), and without letters there is no such page', async () => {
    const browser = createBrowser(server.url)
    const { fields } = readForm((await browser.ask('/signin/code')).text, 'mail-code')
    const cross = await browser.ask('/signin/code', {
      form: { ...fields, account: 'ada' },
      headers: { 'sec-fetch-site': 'cross-site' },
    })
    expect(cross.status).toBe(403)
    const plain = await startGatehouse()
    const none = createBrowser(plain.url)
    expect((await none.ask('/signin/code')).status).toBe(404)
    expect((await none.ask('/signin')).text).not.toContain('mail-code-link')
    await plain.close()
  })
})
