import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { checkEntries } from '../../src/config/check-entries.ts'
import { providerEntry } from '../../src/config/provider-entry.ts'
import { kinds } from '../../src/domain/fence.ts'
import { consent, s256 } from '../emulators/emulator.ts'
import { startOpenId, type OpenId } from '../emulators/openid.ts'
import { createBrowser, type Browser } from '../kit/browser.ts'
import { authorizeUrl, follow, submit } from '../kit/flow.ts'
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

/** Where the browsers here come from. */
const peer = '127.0.0.1'

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

  it('L02: no page of a callback repeats anything of its query, not even what other pages are found again by', async () => {
    const { browser, callback } = await underWay()
    const words = [callback.searchParams.get('state') ?? '', callback.searchParams.get('code') ?? '', 'I'.repeat(34)]
    callback.searchParams.set('interaction', words[2] ?? '')
    const twice = `${callback.href}&state=${words[0]}`
    const page = await attack(house, () => browser.ask(twice))
    expectPage(page)
    for (const word of words) expect(page.text).not.toContain(word)
  })

  it('L03 state-not-ours: a state that the caller brings along is not taken over', async () => {
    const browser = browserHere()
    const away = await browser.ask(`/signin/with/one?state=${'B'.repeat(43)}`)
    expect(new URL(away.location ?? '').searchParams.get('state')).not.toBe('B'.repeat(43))
  })

  it('L01: what is kept of a journey holds neither state nor verifier nor nonce', async () => {
    const browser = browserHere()
    const away = await browser.ask('/signin/with/one')
    const kept: unknown[] = []
    for await (const record of house.server.core.admin.scan(...kinds)) kept.push(record)
    const { searchParams } = new URL(away.location ?? '')
    await browser.ask(await consent(away.location ?? ''))
    const verifier = one.askedAt('/token').at(-1)?.form.get('code_verifier') ?? ''
    expect(s256(verifier)).toBe(searchParams.get('code_challenge'))
    const text = JSON.stringify(kept)
    expect(text).toContain(`${house.server.url}/vault/callback/one`)
    for (const secret of [verifier, searchParams.get('state'), searchParams.get('nonce')]) {
      expect(secret).toMatch(/^[\w-]{43}$/)
      expect(text).not.toContain(secret)
    }
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

  it('L05 COSF-preauth: the address at the provider gives whoever made it nothing, when another browser finishes there', async () => {
    const attacker = browserHere()
    const away = await attacker.ask('/signin/with/one')
    const victim = browserHere()
    await victim.ask('/signin')
    const before = asked()
    const callback = await consent(away.location ?? '')
    expectPage(await attack(house, () => victim.ask(callback), { writes: ['flow'] }))
    expectPage(await attack(house, () => attacker.ask(callback)))
    expect(asked()).toBe(before)
  })

  it('L08 shared-registration: each entry has its own callback, its own credentials and its own issuer', async () => {
    const { providers } = house.server.core.upstream
    const [first, second] = [...providers.values()].map((provider) => {
      if (provider.kind === 'site-login') throw new Error('no callback')
      return [provider.issuer, provider.callbackPath]
    })
    expect(first?.[0]).not.toBe(second?.[0])
    expect(first?.[1]).not.toBe(second?.[1])
    const shape = { clients: [], resources: [], providers: [], users: { registration: 'closed' } }
    const entry = { preset: 'oidc', client_id: 'x', client_secret: { env: 'S' }, issuer: 'https://one.example' }
    const read = (more: object, first: object = {}) =>
      checkEntries(
        {
          ...shape,
          providers: [
            { name: 'a', ...entry, ...first },
            { name: 'b', ...entry, ...more },
          ].map((one) => providerEntry.parse(one)),
        } as never,
        'https://as.example',
        { variable: () => 'secret', file: () => undefined },
      ).problems.map(({ problem }) => problem)
    expect(read({ issuer: 'https://two.example' })).toEqual([])
    expect(read({}).join()).toContain('issuer')
    const two = { issuer: 'https://two.example' }
    expect(read({ ...two, callback_path: '/vault/callback/a' }).join()).toContain('callback_path shadows a path')
    const path = { callback_path: '/old' }
    expect(read({ ...two, ...path }, path).join()).toContain('callback_path stands at')
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

  it('L12: an attacker with ever so many sources keeps nobody else from signing in through a provider', async () => {
    const { app, server } = house
    const { limits } = server.core
    const taken: Record<string, number> = {}
    for (let net = 0; net < 60; net += 1) {
      const source = `2001:db8:0:${net.toString(16)}::1`
      while ('forgive' in limits.reserve('park', [source])) taken[source] = (taken[source] ?? 0) + 1
    }
    expect(Math.min(...Object.values(taken)), 'each of them is stopped').toBe(1000)
    const victim = browserHere()
    const page = await follow(server, victim, await victim.ask(authorizeUrl(app)))
    const href = /data-provider="one" href="([^"]*)"/.exec(page.text)?.[1] ?? ''
    const away = await victim.ask(href.replaceAll('&amp;', '&'))
    expect([away.status, new URL(away.location ?? '').origin]).toEqual([303, one.url])
    one.user = { sub: 'the victim of a flood' }
    expect((await victim.ask(await consent(away.location ?? ''))).location).toMatch(/^\/signup\?/)
  })

  it('L12: a journey and a newcomer that came to their end give back what they took, and those that did not keep it', async () => {
    onTestFinished(house.server.clock.stand())
    const { server } = house
    const { limits } = server.core
    const useUp = (): number => {
      let taken = 0
      while ('forgive' in limits.reserve('park', [peer])) taken += 1
      server.clock.advance(1000)
      return taken
    }
    server.clock.advance(1000)
    const whole = useUp()
    await underWay()
    expect(useUp()).toBe(whole - 1)
    const [second, third] = [await underWay(), await underWay()]
    const page = await follow(server, second.browser, await second.browser.ask(second.callback.href))
    await follow(server, third.browser, await third.browser.ask(third.callback.href))
    expect((await submit(second.browser, page, 'create-account', { username: 'newcomer' })).location).toBe('/account')
    // The third has come no further than the page that asks for his name.
    expect(useUp()).toBe(whole - 1)
  })

  it('L12 abandoned-states: whoever leaves and never returns is slowed down, and what he left dies', async () => {
    onTestFinished(house.server.clock.stand())
    const browser = browserHere()
    let last = 0
    for (let at = 0; at < 1100 && last !== 429; at += 1) last = (await browser.ask('/signin/with/one')).status
    expect(last).toBe(429)
    house.server.clock.advance(601)
    expect(await house.server.core.transition.store.sweep(house.server.core.clock.seconds(), 5000)).toBeGreaterThan(900)
  })
})
