import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { put, ref } from '../../src/domain/record.ts'
import type { Ticket } from '../../src/domain/ticket.ts'
import type { Keys } from '../../src/keys/keys.ts'
import { composeLetter } from '../../src/signin/letters.ts'
import { redeemCode } from '../../src/signin/mail-code.ts'
import { transition } from '../../src/store/transition.ts'
import { createBrowser, readForm, type Answer, type Browser } from '../kit/browser.ts'
import { submit } from '../kit/flow.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'

const email = 'cleo@mail.example'

let server: TestGatehouse
let userId: string
beforeAll(async () => {
  server = await startGatehouse({ config: { mail: { by: 'log' } } })
  userId = (await server.makeUser('cleo', { email })).userId
  const refs = { user: ref('user', userId), name: ref('name', `email:${email}`) }
  await transition(server.core.transition, refs, ({ user, name }) => ({
    writes: [
      put(user, { ...user.value!, emailVerified: true }, { expiresAt: null }),
      put(name, { v: 1, target: userId }, { expiresAt: null, owners: [userId] }),
    ],
    result: undefined,
  }))
})
afterAll(() => server.close())

/** A browser that waits for a code, and the code that the newest letter brings it. */
async function waiting(): Promise<{ readonly browser: Browser; readonly page: Answer; readonly code: string }> {
  const browser = createBrowser(server.url)
  const before = server.letters.length
  const page = await submit(browser, await browser.ask('/signin/code'), 'mail-code', { account: 'cleo' })
  await vi.waitFor(() => expect(server.letters.length).toBe(before + 1), 20_000)
  return { browser, page, code: /\b\d{4} \d{4}\b/.exec(server.letters.at(-1)?.text ?? '')?.[0] ?? '' }
}

const ticketIdOf = (page: Answer): string => String(readForm(page.text, 'one-time-code').fields['ticket'])
const storedTicket = async (page: Answer) =>
  (await server.core.transition.store.read([ref('ticket', ticketIdOf(page))]))[0]

test('a code under a key that this node was not told of: 503, no attempt is counted, and it fits once the key is there', async () => {
  const { browser, page, code } = await waiting()
  const { keys } = server.core
  const made = keys.secret('mac').keyId
  await keys.rotate('mac')
  server.clock.advance(11)
  await keys.tick()
  // As the form would have it from a node that knows the new key alone.
  const { fields } = readForm((await browser.ask('/signin/code')).text, 'mail-code')
  const typed = (text: string) => submit(browser, page, 'one-time-code', { code: text, csrf: fields['csrf'] ?? '' })
  const known = keys.secretById
  const before = await storedTicket(page)
  Object.assign(keys, {
    secretById: (...[ring, keyId]: Parameters<typeof known>) => (keyId === made ? undefined : known(ring, keyId)),
  })
  try {
    for (const text of [code, '0000 0000', code, code, code, code]) {
      const answer = await typed(text)
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    }
  } finally {
    Object.assign(keys, { secretById: known })
  }
  expect(await storedTicket(page)).toEqual(before)
  expect((await typed(code)).location).toBe('/account')
})

/** Keys that know no secret until they are read again. */
function untold(): Keys {
  const { keys } = server.core
  let told = false
  return {
    ...keys,
    secretById: (...asked) => (told ? keys.secretById(...asked) : undefined),
    learn: () => Promise.resolve((told = true)),
  }
}

test('a code under a key that another node made: the rings are read again', async () => {
  const { page, code } = await waiting()
  const ticket = (await storedTicket(page))?.value as Ticket | undefined
  if (ticket?.purpose !== 'sign-in') throw new Error('no such ticket')
  const { browserHash } = ticket
  const attempt = { ticketId: ticketIdOf(page), code, browserHash, address: '192.0.2.7' }
  expect(await redeemCode({ ...server.core, keys: untold() }, attempt)).toMatchObject({ userId })
})

test('the letter that brings it is written under a key that another node made, at once', async () => {
  const { page, code } = await waiting()
  const outgoing = { v: 1, ticketId: ticketIdOf(page), language: 'en', createdAt: 0, attempts: 2, nextAt: 0 } as const
  const letter = await composeLetter({ ...server.core, productName: 'Gatehouse', keys: untold() }, outgoing)
  expect(letter?.text).toContain(code)
})
