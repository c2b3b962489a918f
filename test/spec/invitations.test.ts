import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { confirmEmail } from '../../src/accounts/confirm-email.ts'
import { findUserAsked } from '../../src/accounts/find-user.ts'
import { inviteUser, type InvitationRequest } from '../../src/accounts/invite-user.ts'
import { patchUser } from '../../src/accounts/patch-user.ts'
import { newTicket } from '../../src/accounts/request-letter.ts'
import type { Actor } from '../../src/domain/authority.ts'
import { addresseeOf } from '../../src/domain/ticket.ts'
import type { User } from '../../src/domain/user.ts'
import { commitNew } from '../../src/store/transition.ts'
import { printTicketToken } from '../../src/tokens/ticket-token.ts'
import { createBrowser, readForm, type Answer, type Browser } from '../kit/browser.ts'
import { codeFlow, submit } from '../kit/flow.ts'
import { password, startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { chosen, lettersTo, linkIn } from '../kit/letters.ts'
import { plainPasswords } from '../kit/plain-passwords.ts'

const cli: Actor = { kind: 'cli' }

let server: TestGatehouse
let closed: TestGatehouse
let withoutMail: TestGatehouse
let desk: MadeClient
beforeAll(async () => {
  server = await startGatehouse({ config: { mail: { by: 'log' }, users: { registration: 'invite' } } })
  withoutMail = await startGatehouse({ config: { users: { registration: 'invite' } } })
  closed = await startGatehouse({ config: { mail: { by: 'log' } } })
  desk = await server.makeClient({ client_id: 'desk', scope: 'openid admin' })
})
afterAll(() => Promise.all([server.close(), withoutMail.close(), closed.close()]))

async function invited(wanted: Partial<InvitationRequest> = {}, actor = cli, at = withoutMail) {
  const made = await inviteUser(at.core, { actor }, { language: 'en', ...wanted })
  if ('refused' in made) throw new Error(made.refused.detail)
  return made.done
}
const accept = (browser: Browser, page: Answer, typed: Record<string, string>) =>
  submit(browser, page, 'letter', { new_password: chosen, repeat_password: chosen, ...typed })
const isGone = (answer: Answer) => answer.status === 400 && answer.text.includes('data-error="link_expired"')

async function signedIn(username: string): Promise<string> {
  return (await codeFlow(server, desk, username, { extra: { scope: 'openid admin' } })).tokens.access_token
}
const call = (token: string, path: string, method: string, body?: object) =>
  createBrowser(server.url).ask(path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
const actorOf = (user: User): Actor => ({ kind: 'user', user, scopes: ['admin'] })

describe('an invitation', () => {
  test('without letters: the link comes once, is accepted once, with a name and password of one’s own', async () => {
    const { url, role } = await invited({ username: 'ada', role: 'admin', email: 'ada@mail.example' })
    expect(role).toBe('admin')
    const browser = createBrowser(withoutMail.url)
    const page = await browser.ask(url ?? '')
    expect(readForm(page.text, 'letter').fields).toMatchObject({ username: 'ada' })
    const late = createBrowser(withoutMail.url)
    const second = await late.ask(url ?? '')
    const made = await accept(browser, page, { username: 'Countess', full_name: 'Ada King' })
    expect(made.location).toBe('/signin')
    await submit(browser, await browser.ask('/signin'), 'sign-in', { username: 'countess', password: chosen })
    // Nobody proved the address: whoever invited had the link in his hand.
    expect((await browser.ask('/account')).text).toContain('not confirmed yet')
    expect(isGone(await browser.ask(url ?? ''))).toBe(true)
    expect(isGone(await accept(late, second, { username: 'again' }))).toBe(true)
  })

  test('with letters: the link goes to the address alone, in its language, and proves it', async () => {
    await server.makeUser('boss', { role: 'admin' })
    const token = await signedIn('boss')
    const made = await call(token, '/api/v1/users', 'POST', { invite: true, email: 'bea@mail.example', language: 'de' })
    expect([made.status, made.json()['url']]).toEqual([201, null])
    expect(made.text).not.toContain('gth_tk_')
    const [letter] = await lettersTo(server, 'bea@mail.example')
    expect(letter?.subject).toBe(`Sie sind zu ${new URL(server.url).host} eingeladen`)
    const browser = createBrowser(server.url)
    expect((await accept(browser, await browser.ask(linkIn(letter!)), { username: 'bea' })).location).toBe('/signin')
    await submit(browser, await browser.ask('/signin'), 'sign-in', { username: 'bea', password: chosen })
    const account = (await browser.ask('/account')).text
    expect(account).toContain('bea@mail.example')
    expect(account).not.toContain('not confirmed yet')
  })

  test('following the link alone changes nothing, and mistakes are said without using it up', async () => {
    const { url } = await invited()
    await withoutMail.makeUser('taken')
    const browser = createBrowser(withoutMail.url)
    const page = await browser.ask(url ?? '')
    const differs = await accept(browser, page, { username: 'cy', repeat_password: 'x' })
    const taken = await accept(browser, page, { username: 'TAKEN' })
    const weak = await accept(browser, page, {
      username: 'cy',
      new_password: 'password1',
      repeat_password: 'password1',
    })
    expect([differs, taken, weak].map(({ status }) => status)).toEqual([400, 400, 400])
    expect(taken.text).toContain('That username is taken.')
    expect((await accept(browser, page, { username: 'cy' })).location).toBe('/signin')
  })

  test('of two browsers with one link the first makes the account', async () => {
    const { url } = await invited()
    const two = [createBrowser(withoutMail.url), createBrowser(withoutMail.url)]
    const answers = await Promise.all(
      two.map(async (browser, index) => accept(browser, await browser.ask(url ?? ''), { username: `race-${index}` })),
    )
    expect(answers.filter(({ location }) => location === '/signin')).toHaveLength(1)
  })

  test('opens nothing where nobody is let in any more', async () => {
    const earlier = { ...closed.core, usersPolicy: () => ({ registration: 'invite' as const }) }
    const made = await inviteUser(earlier, { actor: cli }, { language: 'en' })
    const url = 'done' in made ? made.done.url : null
    expect(url).toContain('/letter?token=')
    expect(isGone(await createBrowser(closed.url).ask(url ?? ''))).toBe(true)
  })

  test('ends after a week', async () => {
    const { url } = await invited()
    withoutMail.clock.advance(7 * 86_400 + 1)
    expect(isGone(await createBrowser(withoutMail.url).ask(url ?? ''))).toBe(true)
  })

  test('a link that was altered, or is another’s, opens nothing', async () => {
    const [one, two] = [await invited(), await invited()]
    const browser = createBrowser(withoutMail.url)
    const token = (url: string | null) => new URL(url ?? '').searchParams.get('token') ?? ''
    const mixed = token(one.url).slice(0, 30) + token(two.url).slice(30)
    expect(isGone(await browser.ask(`/letter?token=${mixed}`))).toBe(true)
  })
})

describe('M10: an invitation is worth what whoever gave it may give', () => {
  test('nobody invites to a role or scope that he lacks', async () => {
    const admin = await server.makeUser('mid', { role: 'admin' })
    const above = await inviteUser(server.core, { actor: actorOf(admin) }, { language: 'en', role: 'superuser' })
    expect(above).toMatchObject({ refused: { code: 'forbidden' } })
    const scoped = await inviteUser(
      server.core,
      { actor: actorOf(admin) },
      { language: 'en', scopes: ['accounts:provision'] },
    )
    expect(scoped).toMatchObject({ refused: { code: 'forbidden' } })
    const editor = await server.makeUser('low')
    expect(await inviteUser(server.core, { actor: actorOf(editor) }, { language: 'en' })).toHaveProperty('refused')
  })

  test.each([
    ['was locked', { locked: true }],
    ['was put down', { role: 'editor' as const }],
  ])('of one who %s since it opens nothing', async (_, patch) => {
    const admin = await withoutMail.makeUser(`gone-${Object.keys(patch)[0]}`, { role: 'admin' })
    const { url } = await invited({}, actorOf(admin))
    const browser = createBrowser(withoutMail.url)
    const page = await browser.ask(url ?? '')
    expect(page.status).toBe(200)
    await patchUser(withoutMail.core, { actor: cli, userId: admin.userId, patch })
    expect(isGone(await accept(browser, page, { username: 'newcomer' }))).toBe(true)
  })

  test('M10: whoever invited is asked for again when the account is made: he may be put out while the password is hashed', async () => {
    let whileHashing = async (): Promise<void> => undefined
    const at = await startGatehouse({
      config: { users: { registration: 'invite' } },
      passwords: {
        ...plainPasswords,
        hash: async (text) => {
          await whileHashing()
          return plainPasswords.hash(text)
        },
      },
    })
    try {
      const put = async (inviter: User, change: { readonly locked: boolean } | { readonly role: 'editor' }) => {
        const { url } = await invited({ role: 'admin' }, actorOf(inviter), at)
        const browser = createBrowser(at.url)
        const page = await browser.ask(url ?? '')
        whileHashing = async () => {
          whileHashing = async () => undefined
          const { userId } = inviter
          expect(await patchUser(at.core, { actor: cli, userId, patch: change })).toHaveProperty('done')
        }
        return accept(browser, page, { username: `let-in-by-${inviter.username}` })
      }
      const admin = (username: string) => at.makeUser(username, { role: 'superuser' })
      expect(isGone(await put(await admin('locked'), { locked: true }))).toBe(true)
      expect(isGone(await put(await admin('lowered'), { role: 'editor' }))).toBe(true)
      expect((await put(await admin('unlocked'), { locked: false })).location).toBe('/signin')
      expect(await findUserAsked(at.core, 'let-in-by-locked')).toBeUndefined()
    } finally {
      await at.close()
    }
  })

  test('one of an older version, with a power that no account has by its scopes, makes an account without it', async () => {
    const ticket = {
      purpose: 'invite',
      role: 'editor',
      scopes: ['pay', 'admin', 'vault'],
      invitedBy: { kind: 'cli' },
      proves: false,
    } as const
    const { ticketId, ticket: kept, writes } = newTicket(withoutMail.core, { ticket, ttl: 600, owners: [] })
    await commitNew(withoutMail.core.transition, writes)
    const token = printTicketToken(withoutMail.core.keys, { recordId: ticketId, generation: 0, imprint: kept })
    const browser = createBrowser(withoutMail.url)
    const page = await browser.ask(`/letter?token=${token}`)
    expect((await accept(browser, page, { username: 'late' })).location).toBe('/signin')
    expect(await findUserAsked(withoutMail.core, 'late')).toMatchObject({ scopes: ['pay'] })
  })

  test('taken back it opens nothing; nobody takes back what he could not have given', async () => {
    await server.makeUser('chief', { role: 'admin' })
    const token = await signedIn('chief')
    const low = await invited({}, cli, server)
    const high = await invited({ role: 'superuser' }, cli, server)
    const listed = (await call(token, '/api/v1/invitations', 'GET')).json()['items'] as Record<string, unknown>[]
    expect(listed.map(({ invitation_id }) => invitation_id)).toEqual(
      expect.arrayContaining([low.invitation_id, high.invitation_id]),
    )
    expect(JSON.stringify(listed)).not.toContain('gth_tk_')
    expect((await call(token, `/api/v1/invitations/${high.invitation_id}`, 'DELETE')).status).toBe(403)
    expect((await call(token, `/api/v1/invitations/${low.invitation_id}`, 'DELETE')).status).toBe(204)
    expect((await call(token, `/api/v1/invitations/${low.invitation_id}`, 'DELETE')).status).toBe(404)
    expect(isGone(await createBrowser(server.url).ask(low.url ?? ''))).toBe(true)
  })

  test('an address that is somebody’s is refused at once', async () => {
    const made = await inviteUser(server.core, { actor: cli }, { language: 'en', email: 'bea@mail.example' })
    expect(made).toMatchObject({ refused: { code: 'conflict', field: 'email' } })
  })

  test('the policy: closed invites nobody, and nobody registers himself under invite', async () => {
    expect(await inviteUser(closed.core, { actor: cli }, { language: 'en' })).toMatchObject({
      refused: { code: 'forbidden' },
    })
    const page = await createBrowser(server.url).ask('/register')
    expect(page.status).toBe(403)
    const asked = await createBrowser(server.url).ask('/api/v1/register', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'self', password: chosen, email: 'self@mail.example' }),
    })
    expect(asked.status).toBe(403)
    expect((await createBrowser(server.url).ask('/signin')).text).not.toContain('register-link')
  })

  test('an invitation makes no bot, and sets nobody’s password', async () => {
    await server.makeUser('head', { role: 'admin' })
    const token = await signedIn('head')
    for (const wrong of [{ password: chosen }, { bot: true }])
      expect((await call(token, '/api/v1/users', 'POST', { invite: true, ...wrong })).status).toBe(400)
    expect((await call(token, '/api/v1/users', 'POST', { full_name: 'Nobody' })).json()['field']).toBe('username')
  })
})

test('H18: the address that an account had hears that it has another one', async () => {
  const user = await server.makeUser('gil', { email: 'gil@old.example', password })
  const confirm = async (email: string) => {
    const now = (await server.core.directory.user(user.userId)) ?? user
    const ticket = { purpose: 'confirm-email', addressee: addresseeOf(now), email } as const
    const { ticketId, writes } = newTicket(server.core, { ticket, ttl: 600, owners: [user.userId] })
    await commitNew(server.core.transition, writes)
    return confirmEmail(server.core, { ticketId, userId: user.userId, email, language: 'en' })
  }
  // The first was never proved, so nobody is known to read there.
  expect(await confirm('gil@first.example')).toHaveProperty('done')
  expect(await confirm('gil@second.example')).toHaveProperty('done')
  const [letter] = await lettersTo(server, 'gil@first.example')
  expect(letter?.subject).toBe(`Your address at ${new URL(server.url).host} was changed`)
  expect(letter!.text).not.toContain('gth_tk_')
  expect(letter!.text).not.toContain('gil@second.example')
  expect(server.letters.some(({ to }) => to === 'gil@old.example')).toBe(false)
})
