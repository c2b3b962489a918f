import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findUserOfIdentity, identitiesOf } from '../../src/accounts/find-identity.ts'
import { findUserNamed } from '../../src/accounts/find-user.ts'
import { identityNameRef } from '../../src/accounts/identity-refs.ts'
import { linkIdentity } from '../../src/accounts/link-identity.ts'
import { patchUser } from '../../src/accounts/patch-user.ts'
import { secretValue } from '../../src/config/secret-value.ts'
import { ref } from '../../src/domain/record.ts'
import { becomeBot } from '../kit/become-bot.ts'
import { createBrowser, readForm, type Answer } from '../kit/browser.ts'
import { password, type TestGatehouse } from '../kit/gatehouse.ts'
import {
  chosen,
  fill,
  lettersTo,
  linkIn,
  outboxEmpty,
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

describe('a forgotten password', () => {
  test('the link chooses a new one, once, and every session dies', async () => {
    const email = await withAddress(server, 'dora')
    const old = createBrowser(server.url)
    await fill(old, '/signin', 'sign-in', { username: 'dora', password: chosen })
    expect((await old.ask('/account')).status).toBe(200)
    const browser = createBrowser(server.url)
    await fill(browser, '/recover', 'recover', { account: 'DORA' })
    await fill(browser, '/recover', 'recover', { account: email })
    const [, first, second] = await lettersTo(server, email, 3)
    const typed = { new_password: password, repeat_password: password }
    expect((await fill(browser, linkIn(first!), 'letter', typed)).location).toBe('/signin')
    expect((await old.ask('/account')).location).toBe('/signin')
    expect((await signIn(server, 'dora')).location).toBe('/account')
    // A letter from before the change is worth nothing, and the used one neither.
    const form = readForm((await browser.ask(linkIn(second!))).text, 'letter')
    const late = await browser.ask(form.action, {
      form: { ...form.fields, new_password: chosen, repeat_password: chosen },
    })
    expect(late.text).toContain('link_expired')
    expect((await browser.ask(linkIn(first!))).text).toContain('link_expired')
  })

  test('nobody keeps a way in through an account elsewhere: they are unlinked in the same commit, and the page says so', async () => {
    const email = await withAddress(server, 'elsa')
    const user = await findUserNamed(server.core, 'elsa')
    const userId = user?.userId ?? ''
    const identity = (subject: string) => ({ provider: subject, issuer: 'https://idp.example', subject, label: 'm' })
    const actor = { kind: 'user', user: user!, scopes: ['me'] } as const
    await signIn(server, 'elsa', chosen)
    const [session] = (await server.core.transition.store.list('session', userId, { limit: 1 })).records
    const own = { actor, userId, own: { sessionId: session?.id ?? '' } }
    for (const subject of ['one', 'two'])
      expect(await linkIdentity(server.core, { ...own, identity: identity(subject) })).toHaveProperty('done')
    // Of each he is told.
    await lettersTo(server, email, 3)
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
    const letter = (await lettersTo(server, email, 4)).at(-1)
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
    const email = await withAddress(server, 'emil')
    const browser = createBrowser(server.url)
    await fill(browser, '/recover', 'recover', { account: 'emil' })
    const [, letter] = await lettersTo(server, email, 2)
    const { action, fields } = readForm((await browser.ask(linkIn(letter!))).text, 'letter')
    const typed = { ...fields, new_password: password, repeat_password: password }
    const answers = await Promise.all(Array.from({ length: 10 }, () => browser.ask(action, { form: typed })))
    expect(answers.filter(({ location }) => location === '/signin')).toHaveLength(1)
  })

  test('H02: unknown names, unproved addresses and locked accounts get the same answer; a locked one hears of it by letter', async () => {
    await server.makeUser('unproved', { email: 'unproved@mail.example' })
    await withAddress(server, 'fritz')
    const locked = await withAddress(server, 'franz')
    const { userId = '' } = (await findUserNamed(server.core, 'franz')) ?? {}
    await patchUser(server.core, { actor: { kind: 'cli' }, userId, patch: { locked: true } })
    const answers: Answer[] = []
    for (const account of ['fritz', 'nobody-at-all', 'nobody@mail.example', 'unproved', 'franz']) {
      answers.push(await fill(createBrowser(server.url), '/recover', 'recover', { account }))
    }
    expect(new Set(answers.map((answer) => JSON.stringify(still(answer)))).size).toBe(1)
    await lettersTo(server, 'fritz@mail.example', 2)
    const [, told] = await lettersTo(server, locked, 2)
    expect(told?.subject).toContain('is locked')
    expect(told?.text).not.toContain('gth_tk_')
    // What he asked for is nobody's, and stays so when he is unlocked.
    const asked: unknown[] = []
    for await (const { value } of server.core.admin.scan('ticket'))
      if ('asked' in value && value.asked === 'franz') asked.push('addressee' in value)
    expect(asked).toEqual([false])
    expect(server.letters.filter(({ to }) => to === 'unproved@mail.example')).toEqual([])
  })

  test('a bot gets no letter, whatever address it has: nobody signs in as it', async () => {
    const email = await withAddress(server, 'bodo')
    await becomeBot(server, 'bodo')
    await fill(createBrowser(server.url), '/recover', 'recover', { account: 'bodo' })
    await fill(createBrowser(server.url), '/signin/code', 'mail-code', { account: 'bodo' })
    await outboxEmpty(server)
    expect(server.letters.filter(({ to }) => to === email)).toHaveLength(1)
  })

  test('it is too late after an hour', async () => {
    const email = await withAddress(server, 'gerd')
    const browser = createBrowser(server.url)
    await fill(browser, '/recover', 'recover', { account: 'gerd' })
    const [, letter] = await lettersTo(server, email, 2)
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
