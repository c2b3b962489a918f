import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { consent } from '../emulators/emulator.ts'
import { startOpenId, type OpenId } from '../emulators/openid.ts'
import { createBrowser, type Browser } from '../kit/browser.ts'
import { startGatehouse } from '../kit/gatehouse.ts'
import { readOAuthProvider } from '../upstream/house.ts'
import { attack, expectPage, type House } from './support.ts'

// Family L as far as signing in goes: the way to another server and back. What the vault adds has its own file.

let one: OpenId
let two: OpenId
let house: House
const close: (() => Promise<void>)[] = []
beforeAll(async () => {
  ;[one, two] = await Promise.all([startOpenId({ promisesIss: true }), startOpenId()])
  const entry = (name: string, { issuer, clientId, clientSecret }: OpenId) =>
    readOAuthProvider(
      { name, preset: 'oidc', issuer, client_id: clientId, client_secret: { env: 'S' }, sign_in: 'create' },
      { S: clientSecret },
    )
  const server = await startGatehouse({ config: { providers: [entry('one', one), entry('two', two)] } })
  house = { server, app: await server.makeClient(), secrets: [one.clientSecret] }
  close.push(server.close, one.close, two.close)
})
afterAll(() => Promise.all(close.map((end) => end())))

const browserHere = (): Browser => createBrowser(house.server.url)

/** A browser on its way, and the callback URL that it would come back with. */
async function underWay(name = 'one'): Promise<{ readonly browser: Browser; readonly callback: URL }> {
  const browser = browserHere()
  const away = await browser.ask(`/signin/with/${name}`)
  return { browser, callback: new URL(await consent(away.location ?? '')) }
}

const asked = (): number => one.askedAt('/token').length + two.askedAt('/token').length

describe('L: the way to another server and back', () => {
  it('L01 state-guess: a state that is none leads to a page, and to nobody upstream', async () => {
    const { browser, callback } = await underWay()
    const before = asked()
    for (const state of ['A'.repeat(43), 'x', '%00', '../..', 'a'.repeat(3000)]) {
      callback.searchParams.set('state', state)
      expectPage(await attack(house, () => browser.ask(callback.href)))
    }
    expect(asked()).toBe(before)
  })

  it('L02 state-missing: none, and two, lead to a page', async () => {
    const { browser, callback } = await underWay()
    const twice = `${callback.href}&state=${callback.searchParams.get('state') ?? ''}`
    expectPage(await attack(house, () => browser.ask(twice)))
    callback.searchParams.delete('state')
    expectPage(await attack(house, () => browser.ask(callback.href)))
  })

  it('L03 state-not-ours: a state that the caller brings along is not taken over', async () => {
    const browser = browserHere()
    const away = await browser.ask(`/signin/with/one?state=${'B'.repeat(43)}`)
    expect(new URL(away.location ?? '').searchParams.get('state')).not.toBe('B'.repeat(43))
  })

  it('L04, L07: a callback in a browser that did not leave, with its own cookie or none, signs nobody in', async () => {
    for (const visit of ['/', '/signin', undefined]) {
      const { callback } = await underWay()
      const victim = browserHere()
      if (visit !== undefined) await victim.ask(visit)
      const before = asked()
      expectPage(await attack(house, () => victim.ask(callback.href), { writes: ['flow'] }))
      expect(asked()).toBe(before)
      expect((await victim.ask('/account')).status).toBe(303)
    }
  })

  it('L06, L09: a state of one provider is none at the callback of another, and its code goes nowhere', async () => {
    const { browser, callback } = await underWay('one')
    const before = asked()
    const elsewhere = callback.href.replace('/vault/callback/one', '/vault/callback/two')
    expectPage(await attack(house, () => browser.ask(elsewhere), { writes: ['flow'] }))
    expectPage(await attack(house, () => browser.ask(callback.href)))
    expect(asked()).toBe(before)
  })

  it('L10 upstream-mix-up: another iss, or none where one was promised, sends no code anywhere', async () => {
    for (const iss of ['https://attacker.example', undefined]) {
      const { browser, callback } = await underWay('one')
      if (iss === undefined) callback.searchParams.delete('iss')
      else callback.searchParams.set('iss', iss)
      const before = asked()
      const answer = await attack(house, () => browser.ask(callback.href), { writes: ['flow'] })
      expect(answer.location).toBe('/signin?provider=one&problem=providerFailed')
      expect(asked()).toBe(before)
    }
  })

  it('L11 callback-twice: twenty at once make one exchange', async () => {
    const { browser, callback } = await underWay()
    const before = asked()
    const answers = await Promise.all(Array.from({ length: 20 }, () => browser.ask(callback.href)))
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1)
    expect(asked()).toBe(before + 1)
  })

  it('L12 abandoned-states: whoever leaves and never returns is slowed down, and what he left dies', async () => {
    const browser = browserHere()
    let last = 0
    for (let at = 0; at < 1100 && last !== 429; at += 1) last = (await browser.ask('/signin/with/one')).status
    expect(last).toBe(429)
    house.server.clock.advance(601)
    expect(await house.server.core.transition.store.sweep(house.server.core.clock.seconds(), 5000)).toBeGreaterThan(900)
  })
})
