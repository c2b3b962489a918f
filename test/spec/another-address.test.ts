import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { emailRef } from '../../src/accounts/email-name.ts'
import { findUserNamed } from '../../src/accounts/find-user.ts'
import { patchUser } from '../../src/accounts/patch-user.ts'
import { requestLetter } from '../../src/accounts/request-letter.ts'
import { lifetimes } from '../../src/domain/lifetimes.ts'
import { composeLetter } from '../../src/signin/letters.ts'
import { createBrowser, readForm } from '../kit/browser.ts'
import { codeFlow, submit } from '../kit/flow.ts'
import { password, type TestGatehouse } from '../kit/gatehouse.ts'
import { chosen, fill, lettersTo, linkIn, registration, startWithLetters, withAddress } from '../kit/letters.ts'

let server: TestGatehouse
beforeAll(async () => {
  server = await startWithLetters()
})
afterAll(() => server.close())

describe('another address', () => {
  test('H18: the established one stays until the letter to the new one was answered', async () => {
    const email = await withAddress(server, 'ines')
    const browser = createBrowser(server.url)
    await fill(browser, '/signin', 'sign-in', { username: 'ines', password: chosen })
    const asked = await fill(browser, '/account/email', 'email-change', { email: 'ines@new.example' })
    expect(asked.location).toBe('/account/email?done')
    expect((await browser.ask('/account')).text).toContain(email)
    const [letter] = await lettersTo(server, 'ines@new.example')
    await fill(browser, linkIn(letter!), 'letter', {})
    expect((await browser.ask('/account')).text).toContain('ines@new.example')
    // The old one is free for whoever proves it.
    await fill(createBrowser(server.url), '/register', 'register', registration('ines2', email))
    const letters = await lettersTo(server, email, 3)
    expect(letters.filter(({ text }) => text.includes('has another address from now on'))).toHaveLength(1)
    expect(letters.filter(({ text }) => text.includes('/letter?token='))).toHaveLength(2)
  })

  test('by REST: the answer shows the established one, one letter goes out, and its link changes it', async () => {
    // What the tests before took of the budget of this source is back by then.
    server.clock.advance(1_200)
    const email = await withAddress(server, 'ilse')
    const client = await server.makeClient({ client_id: 'own', scope: 'openid me' })
    const browser = createBrowser(server.url)
    await fill(browser, '/signin', 'sign-in', { username: 'ilse', password: chosen })
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
    const [letter] = await lettersTo(server, 'ilse@new.example')
    expect(await ask()).toEqual([200, email, true])
    await fill(browser, linkIn(letter!), 'letter', {})
    expect(await ask()).toEqual([200, 'ilse@new.example', true])
    expect(await lettersTo(server, 'ilse@new.example')).toHaveLength(1)
  })

  test('given by an administrator: it is unproved, and the old one is free', async () => {
    const email = await withAddress(server, 'irma')
    const { userId = '' } = (await findUserNamed(server.core, 'irma')) ?? {}
    const held = () => server.core.transition.store.read([emailRef(email)])
    expect(await held()).toMatchObject([{ value: { target: userId } }])
    await patchUser(server.core, { actor: { kind: 'cli' }, userId, patch: { email: 'irma@new.example' } })
    expect(await findUserNamed(server.core, 'irma')).toMatchObject({ email: 'irma@new.example', emailVerified: false })
    expect(await held()).toEqual([undefined])
  })

  test('an address that belongs to somebody else can’t be taken', async () => {
    const email = await withAddress(server, 'jan')
    await withAddress(server, 'kai')
    const browser = createBrowser(server.url)
    await fill(browser, '/signin', 'sign-in', { username: 'kai', password: chosen })
    await fill(browser, '/account/email', 'email-change', { email: email.toUpperCase().replace('EXAMPLE', 'example') })
    const [letter] = await lettersTo(server, email.toUpperCase().replace('EXAMPLE', 'example'))
    const refused = await fill(browser, linkIn(letter!), 'letter', {})
    expect(refused.text).toContain('belongs to another account')
  })
})

describe('a letter to another address', () => {
  test('is written to nobody whose account is locked by then', async () => {
    await withAddress(server, 'lutz')
    const user = (await findUserNamed(server.core, 'lutz'))!
    const addressee = { userId: user.userId, epoch: user.epoch, email: user.email! }
    const ticket = { purpose: 'confirm-email', addressee, email: 'lutz@new.example' } as const
    const request = { ticket, ttl: lifetimes.confirmation, language: 'en', address: '192.0.2.1' }
    const ticketId = await requestLetter({ ...server.core, outbox: undefined }, request)
    const outgoing = { v: 1, ticketId, language: 'en', attempts: 0, nextAt: 0, createdAt: 0 } as const
    const compose = () => composeLetter({ ...server.core, productName: 'Gatehouse' }, outgoing)
    expect(await compose()).toMatchObject({ to: 'lutz@new.example' })
    await patchUser(server.core, { actor: { kind: 'cli' }, userId: user.userId, patch: { locked: true } })
    expect(await compose()).toBeUndefined()
  })

  test('its reader confirms nothing unless he is signed in to the account; he signs in first and comes back', async () => {
    const email = await withAddress(server, 'quentin')
    await server.makeUser('reader')
    const browser = createBrowser(server.url)
    await fill(browser, '/signin', 'sign-in', { username: 'quentin', password: chosen })
    await fill(browser, '/account/email', 'email-change', { email: 'quentin@new.example' })
    const [letter] = await lettersTo(server, 'quentin@new.example')
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
    const own = { username: 'quentin', password: chosen }
    const page = await nobody.ask((await nobody.ask(link.href)).location ?? '')
    const returned = await submit(nobody, page, 'sign-in', own)
    expect(returned.location).toBe(link.pathname + link.search)
    expect((await fill(nobody, returned.location ?? '', 'letter', {})).location).toBe('/account')
    expect(await held()).toBe('quentin@new.example')
  })

  test('a form of the very reader, too, needs the session of the account', async () => {
    await withAddress(server, 'rosa')
    await withAddress(server, 'sven')
    const [owner, reader] = [createBrowser(server.url), createBrowser(server.url)]
    await fill(owner, '/signin', 'sign-in', { username: 'rosa', password: chosen })
    await fill(owner, '/account/email', 'email-change', { email: 'rosa@new.example' })
    await fill(reader, '/signin', 'sign-in', { username: 'sven', password: chosen })
    await fill(reader, '/account/email', 'email-change', { email: 'sven@new.example' })
    const [[rosas], [svens]] = [
      await lettersTo(server, 'rosa@new.example'),
      await lettersTo(server, 'sven@new.example'),
    ]
    const { action, fields } = readForm((await reader.ask(linkIn(svens!))).text, 'letter')
    const token = new URL(linkIn(rosas!)).searchParams.get('token') ?? ''
    expect((await reader.ask(action, { form: { ...fields, token } })).location).toMatch(/^\/signin\?next=/)
    expect((await findUserNamed(server.core, 'rosa'))?.email).toBe('rosa@mail.example')
  })
})
