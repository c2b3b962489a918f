import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { findUserNamed } from '../../src/accounts/find-user.ts'
import { patchUser } from '../../src/accounts/patch-user.ts'
import { ref } from '../../src/domain/record.ts'
import { readAlive } from '../../src/store/read-alive.ts'
import { parseToken, printToken } from '../../src/tokens/token-text.ts'
import { createBrowser } from '../kit/browser.ts'
import { password, startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import {
  chosen,
  fill,
  lettersTo,
  linkIn,
  outboxEmpty,
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

describe('a letter from before', () => {
  async function askedToMove(username: string, ...to: readonly string[]) {
    const email = await withAddress(server, username)
    const browser = createBrowser(server.url)
    await fill(browser, '/signin', 'sign-in', { username, password: chosen })
    for (const address of to) await fill(browser, '/account/email', 'email-change', { email: address })
    const found = await findUserNamed(server.core, username)
    return { browser, email, userId: found?.userId ?? '' }
  }
  const emailOf = async (username: string) => (await findUserNamed(server.core, username))?.email

  test('a new password ends a change of address that whoever knew the old one had begun', async () => {
    const { browser, email, userId } = await askedToMove('nils', 'thief@mail.example')
    const [letter] = await lettersTo(server, 'thief@mail.example')
    const page = await browser.ask(linkIn(letter!))
    expect(page.status).toBe(200)
    await patchUser(server.core, { actor: { kind: 'cli' }, userId, patch: { password } })
    const late = await browser.ask(linkIn(letter!))
    expect([late.text.includes('data-error="link_expired"'), await emailOf('nils')]).toEqual([true, email])
  })

  test('an address that was typed wrong first gets nothing once the right one is confirmed', async () => {
    const { browser } = await askedToMove('otto', 'oto@mail.example', 'otto@new.example')
    const [[wrong], [right]] = [
      await lettersTo(server, 'oto@mail.example'),
      await lettersTo(server, 'otto@new.example'),
    ]
    expect((await fill(browser, linkIn(right!), 'letter', {})).location).toBe('/account')
    const late = await browser.ask(linkIn(wrong!))
    expect([late.text.includes('data-error="link_expired"'), await emailOf('otto')]).toEqual([true, 'otto@new.example'])
  })

  test('who reads only the address of before chooses no password any more', async () => {
    const { browser, email } = await askedToMove('paul', 'paul@new.example')
    await fill(createBrowser(server.url), '/recover', 'recover', { account: 'paul' })
    const [, old] = await lettersTo(server, email, 2)
    const [confirmation] = await lettersTo(server, 'paul@new.example')
    await fill(browser, linkIn(confirmation!), 'letter', {})
    const typed = { new_password: password, repeat_password: password }
    const late = await fill(createBrowser(server.url), linkIn(old!), 'letter', typed)
    expect(late.text).toContain('data-error="link_expired"')
    expect((await signIn(server, 'paul', chosen)).location).toBe('/account')
  })

  test('a server that was closed since makes no account by it', async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'gatehouse-letters-'))
    const store = { adapter: 'sqlite', path: join(dataDirectory, 'gatehouse.db') } as const
    const config = { mail: { by: 'log' }, users: { registration: 'open' } } as const
    const open = await startGatehouse({ dataDirectory, store, config })
    try {
      await fill(createBrowser(open.url), '/register', 'register', registration('tina', 'tina@mail.example'))
      await vi.waitFor(() => expect(open.letters).toHaveLength(1), 20_000)
    } finally {
      await open.close()
    }
    const closed = await startGatehouse({
      dataDirectory,
      store,
      config: { ...config, users: { registration: 'closed' } },
    })
    try {
      // Another port, since somebody else may have that one by now.
      const { pathname, search } = new URL(linkIn(open.letters[0]!))
      const late = await fill(createBrowser(closed.url), pathname + search, 'letter', { password: chosen })
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

  test('H05: one for a mailbox, whether its account is asked for by name or by address, and the page says the same', async () => {
    server.clock.advance(1_200)
    const email = await withAddress(server, 'olga')
    server.clock.advance(1_200)
    const pages: unknown[] = []
    for (const account of ['olga', email, 'OLGA', 'Olga@mail.example', 'olga', email, 'olga', email, 'olga', email])
      pages.push(still(await fill(createBrowser(server.url), '/recover', 'recover', { account })))
    expect(new Set(pages.map((page) => JSON.stringify(page))).size).toBe(1)
    await outboxEmpty(server)
    // Beside the letter of the registration.
    expect(await lettersTo(server, email, 6)).toHaveLength(6)
    server.clock.advance(600)
    await fill(createBrowser(server.url), '/recover', 'recover', { account: email })
    const letters = await lettersTo(server, email, 7)
    expect((await createBrowser(server.url).ask(linkIn(letters[6]!))).status).toBe(200)
  })

  test('nobody’s address is flooded by asking for accounts in its name', async () => {
    const plain = await startWithLetters()
    try {
      const statuses: number[] = []
      for (let count = 0; count < 6; count += 1) {
        const email = count % 2 === 0 ? 'sina@mail.example' : 'Sina@mail.example'
        const body = { username: `sina${count}`, email, password: chosen }
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
      const email = await withAddress(server, username)
      await fill(createBrowser(server.url), '/recover', 'recover', { account: username })
      const [, letter] = await lettersTo(server, email, 2)
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
    const email = await withAddress(server, 'wanda')
    const forged = { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example;proto=https' }
    await fill(createBrowser(server.url, forged), '/recover', 'recover', { account: 'wanda' })
    await lettersTo(server, email, 2)
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
