import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBrowser } from '../kit/browser.ts'
import { freePort } from '../kit/free-port.ts'
import { createTestClock, startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { enrol, sendCode, sendPassword, signedInBrowser, type App } from '../kit/second-factor.ts'
import { plainPasswords } from '../kit/plain-passwords.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-two-nodes-'))
const store = { adapter: 'sqlite', path: join(folder, 'store.db') } as const
const clock = createTestClock()
let nodes: readonly TestGatehouse[] = []
/** What a browser at either is told to be at. */
let issuer = ''

const start = async () =>
  startGatehouse({
    store,
    clock,
    config: { issuer, listen: { host: '127.0.0.1', port: await freePort() } },
    passwords: plainPasswords,
  })

beforeAll(async () => {
  issuer = `http://localhost:${await freePort()}`
  nodes = [await start(), await start()]
})
afterAll(async () => {
  for (const node of nodes) await node.close()
  rmSync(folder, { recursive: true, force: true })
})

const node = (index: number): TestGatehouse => {
  const found = nodes[index % nodes.length]
  if (found === undefined) throw new Error('no node')
  return { ...found, url: found.origin }
}

let count = 0
async function somebody(): Promise<{ username: string; app: App }> {
  const { username } = await node(0).makeUser(`person${(count += 1)}`)
  const app = await enrol(node(0), await signedInBrowser(node(0), username))
  clock.advance(30)
  return { username, app }
}

/** The answer to a code after the right password, at one of the nodes, in a browser that nobody knows. */
async function halfWay(at: TestGatehouse, username: string) {
  const browser = createBrowser(at.url)
  const page = await browser.ask((await sendPassword(browser, username)).location ?? '')
  return (code: string) => sendCode(browser, page, code)
}

test('H16, RFC 6238 §5.2: a code that two nodes get at once signs in at one of them, and later at none', async () => {
  const { username, app } = await somebody()
  const send = await Promise.all([0, 1, 2, 3].map((index) => halfWay(node(index), username)))
  const code = app.code()
  const answers = await Promise.all(send.map((each) => each(code)))
  expect(answers.filter(({ location }) => location === '/account')).toHaveLength(1)
  for (const index of [0, 1]) expect((await (await halfWay(node(index), username))(code)).status).toBe(403)
})

test('H17: two nodes take ten guesses at one account together, and a node that starts anew takes no more', async () => {
  const { username, app } = await somebody()
  const statuses: number[] = []
  for (let guess = 0; guess < 12; guess += 1)
    statuses.push((await (await halfWay(node(guess), username))('000000')).status)
  expect(statuses).toEqual([...Array<number>(10).fill(403), 429, 429])
  const third = await start()
  nodes = [...nodes, third]
  const right = await (await halfWay({ ...third, url: third.origin }, username))(app.code())
  expect([right.status, Number(right.headers.get('retry-after')) > 0]).toEqual([429, true])
  // Nobody guesses a recovery code, so that guesses don't stand in its way.
  expect((await (await halfWay(node(1), username))(app.recoveryCodes[0] ?? '')).location).toBe('/account')
  clock.advance(601)
  expect((await (await halfWay(node(1), username))(app.code())).location).toBe('/account')
})

test('docs/decisions/0011: wrong passwords are counted by each node for itself, so that two look at twice ten and no more', async () => {
  const { username } = await node(0).makeUser('guessed')
  const looked = await Promise.all(
    [0, 1].map(async (index) => {
      const browser = createBrowser(node(index).url)
      let count = 0
      for (let guess = 0; guess < 13; guess += 1)
        count += (await sendPassword(browser, username, `wrong ${guess}`)).status === 429 ? 0 : 1
      return count
    }),
  )
  expect(looked).toEqual([10, 10])
})
