import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { PasswordPoolBusy } from '../../src/crypto/password-pool.ts'
import { eventsOf } from '../attacks/support.ts'
import { createBrowser, type Browser } from '../kit/browser.ts'
import { submit } from '../kit/flow.ts'
import { password, startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'

let server: TestGatehouse | undefined
let counted = 0

beforeEach(async () => {
  await server?.close()
  server = await startGatehouse({ config: { trustedProxies: ['127.0.0.1'] }, passwords: cheapPasswords })
  server.clock.stand()
  await server.makeUser('ada')
  await server.makeUser('bob')
  counted = 0
})
afterAll(() => server?.close())

/** Why nobody's password is looked at just now. */
let useless: Error | undefined
/** What a hash waits for, and how many that go ahead are waiting. */
let gate = Promise.resolve()
let ahead = 0

/** Hashing is not what is tested here, and a hundred wrong passwords take ten seconds of it. */
const cheapPasswords = {
  hash: async (text: string) => `hash of ${text}`,
  verify: async (hash: string | undefined, text: string, isAhead = false) => {
    if (useless !== undefined) throw useless
    counted += 1
    if (isAhead) ahead += 1
    await gate
    if (isAhead) ahead -= 1
    return hash === `hash of ${text}`
  },
  close: async () => undefined,
}

const from = (source: string) => createBrowser(here().url, { 'x-forwarded-for': source })

function here(): TestGatehouse {
  if (server === undefined) throw new Error('no server')
  return server
}

/** Whether the password was looked at, and whether it was right. */
async function attempt(browser: Browser, username: string, secret: string): Promise<'in' | 'wrong' | 'throttled'> {
  const before = counted
  const answer = await submit(browser, await browser.ask('/signin'), 'sign-in', { username, password: secret })
  if (answer.location === '/account') return 'in'
  return counted > before ? 'wrong' : 'throttled'
}

async function guess(sources: number, each: number): Promise<number> {
  let evaluated = 0
  for (let source = 0; source < sources; source += 1) {
    const stranger = from(`198.51.100.${source}`)
    const page = await stranger.ask('/signin')
    for (let tries = 0; tries < each; tries += 1) {
      const before = counted
      await submit(stranger, page, 'sign-in', { username: 'ada', password: `guess ${tries}` })
      evaluated += counted - before
    }
  }
  return evaluated
}

describe('guesses at one account', () => {
  test('from one source are stopped after ten, and keep its owner out nowhere else', async () => {
    expect(await guess(1, 14)).toBe(10)
    expect(await attempt(from('203.0.113.5'), 'ada', password)).toBe('in')
    expect(await attempt(from('198.51.100.0'), 'ada', password)).toBe('throttled')
    expect(await attempt(from('198.51.100.0'), 'bob', password)).toBe('in')
  })

  test('H05: under every spelling of its name are one count', async () => {
    const stranger = from('198.51.100.0')
    const results: string[] = []
    for (let tries = 0; tries < 2; tries += 1)
      for (const name of ['ada', 'ADA', 'ａｄａ', ' ada ', 'Ada', 'aDa'])
        results.push(await attempt(stranger, name, 'wrong'))
    expect(results).toEqual([...Array.from({ length: 10 }, () => 'wrong'), 'throttled', 'throttled'])
  })

  test('from many sources are stopped together', async () => {
    expect(await guess(14, 9)).toBe(100)
    expect(await attempt(from('203.0.113.5'), 'ada', password)).toBe('throttled')
  })

  test('from many sources do not keep the owner out of a browser in which he signed in before', async () => {
    const own = from('203.0.113.5')
    expect(await attempt(own, 'ada', password)).toBe('in')
    await guess(14, 9)
    own.cookies.delete('gatehouse-session')
    expect(await attempt(own, 'ada', password)).toBe('in')
    // That browser is known for nobody else.
    expect(await attempt(from('203.0.113.5'), 'ada', password)).toBe('throttled')
  })

  test('from a browser that the account is known in have a budget of their own', async () => {
    const own = from('203.0.113.5')
    expect(await attempt(own, 'ada', password)).toBe('in')
    const results: string[] = []
    for (let tries = 0; tries < 12; tries += 1) results.push(await attempt(own, 'ada', 'wrong'))
    expect(results).toEqual([...Array.from({ length: 10 }, () => 'wrong'), 'throttled', 'throttled'])
    // A copy of its cookie elsewhere shares that budget: the source makes no difference.
    const copy = from('203.0.113.77')
    copy.cookies.set('gatehouse-device', own.cookies.get('gatehouse-device') ?? '')
    expect(await attempt(copy, 'ada', password)).toBe('throttled')
  })

  test('with the mark of a browser that another account is known in, or a made-up one, count as a stranger’s', async () => {
    const bobs = from('203.0.113.9')
    expect(await attempt(bobs, 'bob', password)).toBe('in')
    await guess(14, 9)
    expect(await attempt(bobs, 'ada', password)).toBe('throttled')
    bobs.cookies.set('gatehouse-device', `${bobs.cookies.get('gatehouse-device') ?? ''}x`)
    expect(await attempt(bobs, 'ada', password)).toBe('throttled')
  })

  test('several people of one browser are all known in it', async () => {
    const shared = from('203.0.113.9')
    for (const name of ['ada', 'bob']) expect(await attempt(shared, name, password)).toBe('in')
    await guess(14, 9)
    expect(await attempt(shared, 'ada', password)).toBe('in')
  })
})

test('H03: once the budget of everybody is used up an event says so, once a minute as long as it goes on', async () => {
  const { core, clock } = here()
  const alarms = async () => (await eventsOf(here())).filter(({ type }) => type === 'signin.flooded').length
  const flood = () => {
    for (let count = 0; count < 2_500; count += 1)
      core.limits.count('sign-in', [`user${count}`, `10.0.${count >> 8}.${count & 255}`])
  }
  await guess(1, 12)
  expect(await alarms()).toBe(0)
  flood()
  for (const source of ['203.0.113.5', '203.0.113.6', '203.0.113.7'])
    expect(await attempt(from(source), 'bob', password)).toBe('throttled')
  expect(await alarms()).toBe(1)
  clock.advance(61)
  flood()
  for (const source of ['203.0.113.5', '203.0.113.6'])
    expect(await attempt(from(source), 'bob', password)).toBe('throttled')
  expect(await alarms()).toBe(2)
})

test('H03: of those who go ahead ten of an account in its browser and sixty of a source wait at once, right as they are', async () => {
  const crowd = ['ada', 'bob', 'cleo', 'dora', 'emil', 'fritz', 'gabi']
  for (const name of crowd.slice(2)) await here().makeUser(name)
  const browsers = crowd.map(() => from('203.0.113.5'))
  for (const [index, name] of crowd.entries()) expect(await attempt(browsers[index]!, name, password)).toBe('in')
  let open = (): void => undefined
  gate = new Promise((resolve) => (open = resolve))
  let answered = 0
  const sendings = crowd.map(async (username, index) => {
    const browser = browsers[index]!
    const page = await browser.ask('/signin?prompt=login')
    const one = async () => {
      const { status } = await submit(browser, page, 'sign-in', { username, password })
      answered += 1
      return status
    }
    return Promise.all(Array.from({ length: 12 }, one))
  })
  try {
    await vi.waitFor(() => expect(answered + ahead).toBe(12 * crowd.length), 20_000)
    expect(ahead).toBe(60)
  } finally {
    open()
    gate = Promise.resolve()
  }
  const statuses = await Promise.all(sendings)
  for (const each of statuses) expect(each.filter((status) => status === 303).length).toBeLessThanOrEqual(10)
  expect(statuses.flat().filter((status) => status === 429)).toHaveLength(12 * crowd.length - 60)
  // None of them was wrong, so nothing is used up.
  expect(await attempt(browsers[0]!, 'ada', password)).toBe('in')
})

test.each([
  ['a queue of passwords that is full', new PasswordPoolBusy(100), 503],
  ['a thread that ended', new Error('a password thread ended'), 500],
])('H04: what %s kept from being judged is no attempt', async (_, reason, status) => {
  const browser = from('203.0.113.5')
  const page = await browser.ask('/signin')
  const send = async () => (await submit(browser, page, 'sign-in', { username: 'ada', password: 'wrong' })).status
  useless = reason
  const statuses: number[] = []
  for (let tries = 0; tries < 15; tries += 1) statuses.push(await send())
  useless = undefined
  expect(new Set(statuses)).toEqual(new Set([status]))
  // The whole budget is there still.
  expect(await guess(1, 12)).toBe(10)
  for (let tries = 0; tries < 9; tries += 1) expect(await attempt(browser, 'ada', 'wrong')).toBe('wrong')
  expect(await attempt(browser, 'ada', password)).toBe('in')
})

describe('answers of passkeys', () => {
  test('from one source are counted where they are wrong, and stopped after sixty; elsewhere nobody waits', async () => {
    const stranger = from('198.51.100.0')
    const page = await stranger.ask('/signin')
    const answer = (browser: Browser, to = page) => submit(browser, to, 'passkey', { credential: '{}' })
    const statuses = []
    for (let tries = 0; tries < 61; tries += 1) statuses.push((await answer(stranger)).status)
    expect(statuses).toEqual([...Array.from({ length: 60 }, () => 400), 429])
    const other = from('203.0.113.5')
    expect((await answer(other, await other.ask('/signin'))).status).toBe(400)
  })
})
