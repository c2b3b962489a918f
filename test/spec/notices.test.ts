import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { linkIdentity } from '../../src/accounts/link-identity.ts'
import { mintToken } from '../../src/accounts/mint-token.ts'
import { patchUser } from '../../src/accounts/patch-user.ts'
import { requestLetter } from '../../src/accounts/request-letter.ts'
import { resetFactors } from '../../src/accounts/reset-factors.ts'
import { reportLeak } from '../../src/accounts/report-leak.ts'
import { unlinkIdentity } from '../../src/accounts/unlink-identity.ts'
import { lifetimes } from '../../src/domain/lifetimes.ts'
import { ref } from '../../src/domain/record.ts'
import type { User } from '../../src/domain/user.ts'
import { composeLetter } from '../../src/signin/letters.ts'
import { createBrowser, type Browser } from '../kit/browser.ts'
import { submit } from '../kit/flow.ts'
import { password, startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { fill, lettersTo, linkIn } from '../kit/letters.ts'
import { enrol, sendCode, sendPassword, signedInBrowser } from '../kit/second-factor.ts'
import { plainPasswords } from '../kit/plain-passwords.ts'

let server: TestGatehouse
beforeAll(async () => {
  server = await startGatehouse({
    config: { mail: { by: 'log' } },
    // Hashing is not what is tested here.
    passwords: plainPasswords,
  })
})
afterAll(() => server.close())

const cli = { kind: 'cli' } as const
const addressOf = ({ username }: Pick<User, 'username'>) => `${username}@mail.example`
const subjectsTo = (to: string) => server.letters.filter((letter) => letter.to === to).map(({ subject }) => subject)
const hears = (to: string, subjects: readonly string[]) =>
  vi.waitFor(() => expect(subjectsTo(to)).toEqual(subjects), 20_000)

let count = 0
/** Somebody who proved his address by the link in a letter, and the browser in which he did. */
async function somebody(language: 'en' | 'de' = 'de'): Promise<{ user: User; browser: Browser }> {
  const user = await server.makeUser(`told${(count += 1)}`)
  const email = addressOf(user)
  const browser = createBrowser(server.url, { 'accept-language': language })
  await submit(browser, await browser.ask('/signin'), 'sign-in', { username: user.username, password })
  await submit(browser, await browser.ask('/account/email'), 'email-change', { email })
  const [letter] = await lettersTo(server, email)
  await fill(browser, linkIn(letter!), 'letter', {})
  const [stored] = await server.core.transition.store.read([ref('user', user.userId)])
  expect(stored?.value).toMatchObject({ email, emailVerified: true, language })
  return { user: stored?.value as User, browser }
}
const confirmed = 'Bestätigen Sie Ihre Adresse bei localhost'
const host = () => new URL(server.url).host
const inGerman = (...subjects: readonly string[]) =>
  [confirmed, ...subjects].map((subject) => subject.replace('localhost', host()))

describe('letters that nobody asked for, in the language in which the address was proved', () => {
  test('a new password, whoever sets it and however', async () => {
    const { user, browser } = await somebody()
    const fresh = 'Ihr Konto bei localhost hat ein neues Passwort'
    const typed = {
      current_password: password,
      new_password: 'sieben Reiher am Wehr',
      repeat_password: 'sieben Reiher am Wehr',
    }
    const page = await browser.ask('/account/password')
    expect((await submit(browser, page, 'password-change', typed)).location).toBe('/account/password?done')
    await hears(addressOf(user), inGerman(fresh))
    await patchUser(server.core, { actor: cli, userId: user.userId, patch: { password: 'acht Reiher am Wehr' } })
    await hears(addressOf(user), inGerman(fresh, fresh))
    // By a letter: its reader may not be the only one who reads there.
    const stranger = createBrowser(server.url, { 'accept-language': 'de' })
    await submit(stranger, await stranger.ask('/recover'), 'recover', { account: user.username })
    await vi.waitFor(() => expect(subjectsTo(addressOf(user))).toHaveLength(4), 20_000)
    const link = /https?:\/\/\S+letter\S+/.exec(
      server.letters.filter(({ to }) => to === addressOf(user)).at(-1)?.text ?? '',
    )
    const again = { new_password: 'neun Reiher am Wehr', repeat_password: 'neun Reiher am Wehr' }
    expect((await submit(stranger, await stranger.ask(link?.[0] ?? ''), 'letter', again)).location).toBe('/signin')
    await vi.waitFor(() => expect(subjectsTo(addressOf(user)).at(-1)).toBe(inGerman(fresh)[1]), 20_000)
    expect(subjectsTo(addressOf(user))).toHaveLength(5)
    // One that is refused is no news.
    await patchUser(server.core, { actor: cli, userId: user.userId, patch: { password: 'short' } })
    expect(subjectsTo(addressOf(user))).toHaveLength(5)
  })

  test('an account of another service that is linked, and unlinked', async () => {
    const { user } = await somebody()
    const about = { actor: cli, userId: user.userId }
    const identity = { provider: 'hub', issuer: 'https://hub.example', subject: 'told', label: 'told' }
    expect(await linkIdentity(server.core, { ...about, identity })).toHaveProperty('done')
    const linked = 'Ihr Konto bei localhost hat eine weitere Anmeldung'
    await hears(addressOf(user), inGerman(linked))
    // The same once more is nothing new.
    await linkIdentity(server.core, { ...about, identity })
    expect(await unlinkIdentity(server.core, { ...about, provider: 'hub' })).toHaveProperty('done')
    await hears(addressOf(user), inGerman(linked, 'Ihr Konto bei localhost hat eine Anmeldung weniger'))
  })

  test('a factor that is added, removed, renewed in its codes, or stood in for', async () => {
    const { user, browser } = await somebody()
    const app = await enrol(server, browser)
    const added = 'Ihr Konto bei localhost hat einen neuen zweiten Faktor'
    await hears(addressOf(user), inGerman(added))
    const shown = await submit(browser, await browser.ask('/account/recovery-codes'), 'recovery-codes', {})
    expect(shown.status).toBe(200)
    const renewed = 'Neue Wiederherstellungscodes für Ihr Konto bei localhost'
    await hears(addressOf(user), inGerman(added, renewed))

    // Whoever signs in may be anybody: he doesn't choose the language.
    const stranger = createBrowser(server.url, { 'accept-language': 'en' })
    const code = /<code>([a-z2-7-]{19})<\/code>/.exec(shown.text)?.[1] ?? ''
    const half = await stranger.ask((await sendPassword(stranger, user.username)).location ?? '')
    expect((await sendCode(stranger, half, app.recoveryCodes[0] ?? '')).status).toBe(403)
    expect((await sendCode(stranger, half, code)).location).toBe('/account')
    const used = 'Ein Wiederherstellungscode bei localhost wurde benutzt'
    await hears(addressOf(user), inGerman(added, renewed, used))

    await submit(stranger, await stranger.ask('/account/authenticator'), 'remove-authenticator', { remove: '1' })
    const removed = 'Ihr Konto bei localhost hat einen zweiten Faktor weniger'
    await hears(addressOf(user), inGerman(added, renewed, used, removed))
    const letters = server.letters.filter(({ to }) => to === addressOf(user))
    expect(letters.at(-1)?.html).toContain('<html lang="de">')
    for (const secret of [...app.recoveryCodes, code, '/letter?token='])
      expect(JSON.stringify(letters.slice(1))).not.toContain(secret)
  })

  test('a reset by an administrator', async () => {
    const { user, browser } = await somebody()
    await enrol(server, browser)
    await resetFactors(server.core, { actor: cli, userId: user.userId })
    await hears(
      addressOf(user),
      inGerman(
        'Ihr Konto bei localhost hat einen neuen zweiten Faktor',
        'Ihre zweiten Faktoren bei localhost wurden entfernt',
      ),
    )
  })

  test('H18: an address that an administrator takes away or replaces', async () => {
    for (const email of ['elsewhere@other.example', null]) {
      const { user } = await somebody()
      const changed = await patchUser(server.core, { actor: cli, userId: user.userId, patch: { email } })
      expect(changed).toMatchObject({ done: { emailVerified: false } })
      await hears(addressOf(user), inGerman('Ihre Adresse bei localhost wurde geändert'))
      // It isn't the account's any more.
      await resetFactors(server.core, { actor: cli, userId: user.userId })
      expect(subjectsTo(addressOf(user))).toHaveLength(2)
    }
    expect(subjectsTo('elsewhere@other.example')).toEqual([])
  })

  test('a change of anything else, or to the same address, is no letter', async () => {
    const { user } = await somebody('en')
    await patchUser(server.core, {
      actor: cli,
      userId: user.userId,
      patch: { email: addressOf(user), fullName: 'Ada' },
    })
    await resetFactors(server.core, { actor: cli, userId: user.userId })
    await hears(addressOf(user), [
      `Confirm your address at ${host()}`,
      `Your second factors at ${host()} were taken off`,
    ])
  })

  test('K17: a token that leaked', async () => {
    const { user } = await somebody()
    const made = await mintToken(server.core, { actor: cli, userId: user.userId }, { format: 'opaque' })
    const text = 'done' in made ? made.done.token : ''
    await reportLeak(server.core, { text, actor: cli, address: '192.0.2.1' })
    await hears(addressOf(user), inGerman('Ein Token von Ihnen bei localhost ist bekannt geworden'))
  })
})

test('nobody’s mailbox is filled by letters that many accounts ask for', async () => {
  const stranger = 'stranger@other.example'
  const statuses: number[] = []
  for (const each of [3, 3]) {
    const user = await server.makeUser(`told${(count += 1)}`)
    const browser = await signedInBrowser(server, user.username)
    for (let letter = 0; letter < each; letter += 1)
      statuses.push(
        (await submit(browser, await browser.ask('/account/email'), 'email-change', { email: stranger })).status,
      )
  }
  expect(statuses).toEqual([303, 303, 303, 303, 303, 429])
  await vi.waitFor(() => expect(subjectsTo(stranger)).toHaveLength(5), 20_000)
})

test('nobody’s letters wait behind those of somebody who changes his factors over and over', async () => {
  const { user, browser } = await somebody('en')
  await enrol(server, browser)
  const statuses: number[] = []
  for (let times = 0; times < 22; times += 1)
    statuses.push((await submit(browser, await browser.ask('/account/recovery-codes'), 'recovery-codes', {})).status)
  // His first factor was the first change.
  expect(statuses).toEqual([...Array.from({ length: 19 }, () => 200), 429, 429, 429])
  await vi.waitFor(() => expect(subjectsTo(addressOf(user))).toHaveLength(21), 20_000)
  const wrong = await submit(browser, await browser.ask('/account/authenticator'), 'remove-authenticator', {
    remove: '1',
  })
  expect(wrong.status).toBe(429)
  server.clock.advance(60)
  expect((await submit(browser, await browser.ask('/account/recovery-codes'), 'recovery-codes', {})).status).toBe(200)
})

test('a session that becomes stronger goes on under another cookie (G03)', async () => {
  const user = await server.makeUser(`told${(count += 1)}`)
  const browser = await signedInBrowser(server, user.username)
  const copy = createBrowser(server.url)
  for (const [name, value] of browser.cookies) copy.cookies.set(name, value)
  await enrol(server, browser)
  expect((await browser.ask('/account/authenticator')).status).toBe(200)
  expect((await copy.ask('/account')).location).toBe('/signin')
})

test('a letter that is written once more is for nobody but whom it was written to', async () => {
  const { user } = await somebody()
  const { core } = server
  const request = {
    ticket: { purpose: 'recover', asked: user.username },
    ttl: lifetimes.recovery,
    language: 'en',
    address: '192.0.2.1',
  } as const
  const ticketId = await requestLetter({ ...core, outbox: undefined }, request)
  const outgoing = { v: 1, ticketId, language: 'en', attempts: 1, nextAt: 0, createdAt: 0 } as const
  const compose = () => composeLetter({ ...core, productName: 'Gatehouse' }, outgoing)
  expect(await compose()).toMatchObject({ to: addressOf(user) })
  expect(await compose()).toMatchObject({ to: addressOf(user) })
  // The mail server's answer was lost; meanwhile the name became somebody else's.
  await patchUser(core, { actor: cli, userId: user.userId, patch: { username: `${user.username}-before` } })
  const { user: heir } = await somebody()
  await patchUser(core, { actor: cli, userId: heir.userId, patch: { username: user.username } })
  expect(await compose()).toBeUndefined()
  const [ticket] = await core.transition.store.read([ref('ticket', ticketId)])
  expect(ticket?.value).toMatchObject({ addressee: { userId: user.userId } })
})
