import type { Browser, BrowserContext, Page as Tab } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { identitiesOf } from '../../src/accounts/find-identity.ts'
import { linkIdentity } from '../../src/accounts/link-identity.ts'
import type { User } from '../../src/domain/user.ts'
import { backTo, consent } from '../emulators/emulator.ts'
import { startOpenId, type OpenId } from '../emulators/openid.ts'
import { password, startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { launch, serve, type Site } from '../pages/browser.ts'
import { readOAuthProvider } from '../upstream/house.ts'
import { changed, eventsOf, expectNoSecret, stateOf } from './support.ts'

// Family L in two profiles of a real Chromium: whoever begins a journey, and whoever is made to finish it. The providers and the
// attacker's site are on 127.0.0.1, the server on localhost: to a browser they are different sites, as they would be.

let honest: OpenId
/** A provider that an operator trusted and shouldn't have. */
let malicious: OpenId
let evil: Site
let evilPage = ''
let server: TestGatehouse
let chromium: Browser
let people = 0

beforeAll(async () => {
  ;[honest, malicious] = await Promise.all([startOpenId({ promisesIss: true }), startOpenId()])
  const entry = (name: string, { issuer, clientId, clientSecret }: OpenId) =>
    readOAuthProvider(
      { name, preset: 'oidc', issuer, client_id: clientId, client_secret: { env: 'S' }, sign_in: 'create' },
      { S: clientSecret },
    )
  server = await startGatehouse({ config: { providers: [entry('honest', honest), entry('malicious', malicious)] } })
  evil = await serve(() => ({ status: 200, headers: [['content-type', 'text/html; charset=utf-8']], body: evilPage }))
  chromium = await launch()
  for (const name of ['attacker', 'victim'] as const) {
    const context = await chromium.newContext()
    profiles[name] = { context, tab: await context.newPage() }
  }
})
afterAll(async () => {
  await chromium?.close()
  await Promise.all([server?.close(), honest?.close(), malicious?.close(), evil?.stop()])
})

/** Somebody with an account here that is linked to his account there, and a profile of his browser. */
type Person = { readonly user: User; readonly sub: string; readonly context: BrowserContext; readonly tab: Tab }
type Profile = Pick<Person, 'context' | 'tab'>
/** One for each, emptied before each case: a new one costs a process. */
const profiles = {} as Record<'attacker' | 'victim', Profile>
let attacker: Person
let victim: Person

beforeEach(async () => {
  const meet = async (name: keyof typeof profiles): Promise<Person> => {
    const user = await server.makeUser(`${name}${(people += 1)}`)
    const sub = `${user.username}-there`
    for (const provider of [honest, malicious]) {
      const known = { provider: provider === honest ? 'honest' : 'malicious', issuer: provider.issuer, subject: sub }
      await linkIdentity(server.core, {
        actor: { kind: 'cli' },
        userId: user.userId,
        identity: { ...known, label: sub },
      })
    }
    const profile = profiles[name]
    await profile.context.clearCookies()
    await profile.tab.goto('about:blank')
    return { user, sub, ...profile }
  }
  attacker = await meet('attacker')
  victim = await meet('victim')
})

async function signInHere({ tab, user }: Person): Promise<void> {
  await tab.goto(`${server.url}/signin`)
  await tab.fill('#sign-in [name=username]', user.username)
  await tab.fill('#sign-in [name=password]', password)
  await tab.click('#sign-in button[type=submit]')
  await tab.waitForURL('**/account')
}

/** To the page of the provider that asks for consent. */
async function leaveFor(tab: Tab, name: 'honest' | 'malicious'): Promise<void> {
  await tab.goto(`${server.url}/signin`)
  await tab.click(`[data-provider=${name}]`)
  await tab.waitForSelector('#allow')
}

/** Says yes at the provider as that person, in the tab that is there. */
async function allow({ tab, sub }: Person, provider: OpenId): Promise<void> {
  provider.user = { sub }
  await tab.click('#allow')
}

/** Says yes, and keeps the callback for somebody else: the address that this browser would be sent on to. */
async function catchCallback({ tab, sub }: Person, provider: OpenId): Promise<string> {
  provider.user = { sub }
  return consent(tab.url())
}

/** Who a browser is signed in as. */
async function whoIs({ context }: Person): Promise<string | undefined> {
  const tab = await context.newPage()
  await tab.goto(`${server.url}/account`)
  const text = tab.url().endsWith('/account') ? await tab.textContent('main') : ''
  await tab.close()
  return [attacker, victim].find(({ user }) => text?.includes(user.username))?.user.username
}

const asked = (): number => honest.askedAt('/token').length + malicious.askedAt('/token').length

/** Runs a case: nothing is written but what a used-up state and sessions are, no code goes anywhere, no secret shows. */
async function nothingComesOfIt(attack: () => Promise<void>): Promise<void> {
  const [state, tokens] = [await stateOf(server, ['flow', 'session', 'event']), asked()]
  await attack()
  expect(asked(), 'codes that were sent anywhere').toBe(tokens)
  expect(changed(state, await stateOf(server, ['flow', 'session', 'event']))).toEqual([])
  await expectNoSecret(server, [honest.clientSecret, malicious.clientSecret])
}

const isErrorPage = async (tab: Tab): Promise<void> => {
  await tab.waitForSelector('#error[data-error=invalid_request]')
  // Neither code nor state stays on the page, where a picture or a link could carry it off.
  const { searchParams } = new URL(tab.url())
  for (const value of [searchParams.get('code'), searchParams.get('state')])
    if (value !== null) expect(await tab.locator('main').innerHTML()).not.toContain(value)
}

test('the honest way: each is himself', async () => {
  for (const person of [attacker, victim]) {
    await leaveFor(person.tab, 'honest')
    await allow(person, honest)
    await person.tab.waitForURL('**/account')
    expect(await whoIs(person)).toBe(person.user.username)
  }
})

describe('L04, L07: the attacker’s callback in the victim’s browser', () => {
  test.each(['fresh', 'underway', 'signed in'] as const)('signs nobody in as the attacker (%s)', async (browser) => {
    if (browser === 'signed in') await signInHere(victim)
    if (browser === 'underway') await leaveFor(victim.tab, 'honest')
    await leaveFor(attacker.tab, 'honest')
    const callback = await catchCallback(attacker, honest)
    await nothingComesOfIt(async () => {
      evilPage = `<!doctype html><a id="prize" href="${callback.replaceAll('&', '&amp;')}">You have won</a>`
      await victim.tab.goto(evil.origin)
      await victim.tab.click('#prize')
      await isErrorPage(victim.tab)
    })
    expect(await whoIs(victim)).toBe(browser === 'signed in' ? victim.user.username : undefined)
    // Shown once in a wrong place, it is worth nothing in the right one either.
    await attacker.tab.goto(callback)
    await isErrorPage(attacker.tab)
  })

  test('nor framed, fetched, as a picture or by a form that sends itself', async () => {
    for (const page of [
      (url: string) => `<iframe src="${url}"></iframe>`,
      (url: string) => `<img src="${url}"><script src="${url}"></script>`,
      (url: string) => `<script>fetch(${JSON.stringify(url)}, { credentials: 'include', mode: 'no-cors' })</script>`,
      (url: string) => `<form method="post" action="${url}"></form><script>document.forms[0].submit()</script>`,
    ]) {
      await leaveFor(attacker.tab, 'honest')
      const callback = await catchCallback(attacker, honest)
      await nothingComesOfIt(async () => {
        evilPage = `<!doctype html>${page(callback.replaceAll('&', '&amp;'))}`
        await victim.tab.goto(evil.origin, { waitUntil: 'networkidle' })
      })
      expect(await whoIs(victim)).toBeUndefined()
    }
  })
})

describe('L04: forced linking', () => {
  const providersOf = async ({ user }: Person) =>
    (await identitiesOf(server.core, user.userId)).map(({ provider, subject }) => `${provider} ${subject}`).toSorted()

  /** From the account page to the provider, to add one of there: of a person who has none yet. */
  async function beginLink({ tab, user }: Person): Promise<void> {
    await tab.goto(`${server.url}/account/identities`)
    await tab.click('#unlink-honest button')
    await tab.click('#link-honest button')
    await tab.waitForSelector('#allow')
    expect(await identitiesOf(server.core, user.userId)).toHaveLength(1)
  }

  test('the attacker’s account there never gets into the victim’s here, nor the victim’s into the attacker’s', async () => {
    await Promise.all([signInHere(attacker), signInHere(victim)])
    await beginLink(attacker)
    // His own account there: whoever swallows it could be entered by him for good.
    const own = await catchCallback({ ...attacker, sub: 'a second account of the attacker' }, honest)
    const before = await providersOf(victim)
    await nothingComesOfIt(async () => {
      await victim.tab.goto(own)
      await isErrorPage(victim.tab)
    })
    expect(await providersOf(victim)).toEqual(before)

    await addAnother(attacker)
    // L05: the address at the provider, opened by the victim, who agrees there.
    const url = attacker.tab.url()
    await nothingComesOfIt(async () => {
      await victim.tab.goto(url)
      honest.user = { sub: 'a second account of the victim' }
      await victim.tab.click('#allow')
      await isErrorPage(victim.tab)
    })
    expect(await providersOf(victim)).toEqual(before)
    expect(await providersOf(attacker)).toEqual([`malicious ${attacker.sub}`])
  })

  async function addAnother({ tab }: Person): Promise<void> {
    await tab.goto(`${server.url}/account/identities`)
    await tab.click('#link-honest button')
    await tab.waitForSelector('#allow')
  }

  test('a form of another site begins none', async () => {
    await signInHere(victim)
    await nothingComesOfIt(async () => {
      evilPage = `<!doctype html><form method="post" action="${server.url}/account/identities/link"><input name="provider" value="honest"><input name="csrf" value="x"></form><script>document.forms[0].submit()</script>`
      await victim.tab.goto(evil.origin).catch(() => undefined)
      await victim.tab.waitForSelector('#error')
      await victim.tab.goto(`${server.url}/account/identities/link?provider=honest`)
    })
  })

  test('somebody else signed in meanwhile in the same browser: nothing is linked to him', async () => {
    await signInHere(attacker)
    await beginLink(attacker)
    const callback = await catchCallback({ ...attacker, sub: 'a second account of the attacker' }, honest)
    // A shared machine: the victim signs in where the attacker was, whose journey is still open.
    await signInHere({ ...victim, tab: attacker.tab })
    const before = await providersOf(victim)
    await attacker.tab.goto(callback)
    await isErrorPage(attacker.tab)
    expect(await providersOf(victim)).toEqual(before)
  })
})

test('L05 COSF-preauth: the address at the provider, opened and agreed to by the victim, gives the attacker nothing', async () => {
  await leaveFor(attacker.tab, 'honest')
  const url = attacker.tab.url()
  await nothingComesOfIt(async () => {
    await victim.tab.goto(url)
    await victim.tab.waitForSelector('#allow')
    await allow(victim, honest)
    await isErrorPage(victim.tab)
  })
  expect([await whoIs(victim), await whoIs(attacker)]).toEqual([undefined, undefined])
})

describe('L06, L07, L09: a provider that sends the victim to another one', () => {
  /** The victim leaves for the malicious provider, which knows her state from then on. */
  async function stateOfVictim(): Promise<string> {
    await leaveFor(victim.tab, 'malicious')
    return new URL(victim.tab.url()).searchParams.get('state') ?? ''
  }

  test('L06 COAT: with her live state to the honest one, whose code comes to its own callback: nobody gets the code', async () => {
    const state = await stateOfVictim()
    const there = new URL(`${honest.issuer}/authorize`)
    there.search = new URLSearchParams({
      client_id: honest.clientId,
      redirect_uri: `${server.url}/vault/callback/honest`,
      response_type: 'code',
      scope: 'openid',
      state,
    }).toString()
    await nothingComesOfIt(async () => {
      await victim.tab.goto(there.href)
      await victim.tab.waitForSelector('#allow')
      await allow(victim, honest)
      await isErrorPage(victim.tab)
    })
    expect(await whoIs(victim)).toBeUndefined()
  })

  test('L07 CORF: back to the honest callback with a code of the attacker’s', async () => {
    await leaveFor(attacker.tab, 'honest')
    const code = new URL(await catchCallback(attacker, honest)).searchParams.get('code') ?? ''
    const state = await stateOfVictim()
    const callback = backTo(`${server.url}/vault/callback/honest`, { code, state, iss: honest.issuer })
    await nothingComesOfIt(async () => {
      await victim.tab.goto(callback)
      await isErrorPage(victim.tab)
    })
    expect(await whoIs(victim)).toBeUndefined()
  })

  test('L09: and the other way round', async () => {
    await leaveFor(victim.tab, 'honest')
    const callback = await catchCallback(victim, honest)
    await nothingComesOfIt(async () => {
      await victim.tab.goto(callback.replace('/vault/callback/honest', '/vault/callback/malicious'))
      await isErrorPage(victim.tab)
      await victim.tab.goto(callback)
      await isErrorPage(victim.tab)
    })
  })

  test('L08 shared-registration: one that takes the callbacks of both entries sends a code for one to the other: it goes nowhere', async () => {
    // The attacker has completed his registration there; the victim is on her way through hers.
    await leaveFor(attacker.tab, 'malicious')
    await leaveFor(victim.tab, 'honest')
    const [his, hers] = [attacker.tab, victim.tab].map((tab) => new URL(tab.url()).searchParams)
    for (const name of ['redirect_uri', 'state', 'code_challenge', 'nonce'])
      expect(hers?.get(name), name).not.toBe(his?.get(name))
    const there = new URL(victim.tab.url())
    there.searchParams.set('redirect_uri', his?.get('redirect_uri') ?? '')
    await nothingComesOfIt(async () => {
      await victim.tab.goto(there.href)
      await allow(victim, honest)
      await isErrorPage(victim.tab)
      expect(new URL(victim.tab.url()).pathname).toBe('/vault/callback/malicious')
    })
    // Nor does his journey take her code up.
    const code = new URL(await consent(there.href)).searchParams.get('code') ?? ''
    const injected = backTo(his?.get('redirect_uri') ?? '', { code, state: his?.get('state') ?? '' })
    const [honestly, maliciously] = [honest, malicious].map((provider) => provider.askedAt('/token').length)
    await attacker.tab.goto(injected)
    await attacker.tab.waitForSelector('#problem')
    expect(await whoIs(attacker)).toBeUndefined()
    // What he had to say came to his own provider, with the secret of that entry, and never to the honest one.
    expect([honest, malicious].map((provider) => provider.askedAt('/token').length)).toEqual([
      honestly,
      (maliciously ?? 0) + 1,
    ])
  })

  test.each(['https://attacker.example', undefined])(
    'L10 upstream-mix-up: with iss %s her code stays here',
    async (iss) => {
      await leaveFor(victim.tab, 'honest')
      const callback = new URL(await catchCallback(victim, honest))
      if (iss === undefined) callback.searchParams.delete('iss')
      else callback.searchParams.set('iss', iss)
      await nothingComesOfIt(async () => {
        await victim.tab.goto(callback.href)
        await victim.tab.waitForSelector('#problem')
        expect(victim.tab.url()).toBe(`${server.url}/signin?provider=honest&problem=providerFailed`)
      })
      expect(await whoIs(victim)).toBeUndefined()
    },
  )
})

test('L11 callback-twice: reload, Back and a second tab redeem nothing, and end nothing', async () => {
  await leaveFor(victim.tab, 'honest')
  const callback = await catchCallback(victim, honest)
  const before = asked()
  await victim.tab.goto(callback)
  await victim.tab.waitForURL('**/account')
  expect(asked()).toBe(before + 1)
  for (const again of [() => victim.tab.goto(callback), () => victim.tab.reload(), () => victim.tab.goBack()])
    await again()
  const second = await victim.context.newPage()
  await second.goto(callback)
  await isErrorPage(second)
  await second.close()
  expect(asked()).toBe(before + 1)
  expect(await whoIs(victim)).toBe(victim.user.username)
})

test('forced login: a link of another site to the way out makes the victim herself, or asks her anew, and never anybody else', async () => {
  evilPage = `<!doctype html><a id="go" href="${server.url}/signin/with/honest?next=https://attacker.example/">Go</a>`
  await victim.tab.goto(evil.origin)
  await victim.tab.click('#go')
  await victim.tab.waitForSelector('#allow')
  await allow(victim, honest)
  await victim.tab.waitForURL(`${server.url}/account`)
  expect(await whoIs(victim)).toBe(victim.user.username)

  // Who is signed in already is asked to prove herself there anew: being sent there and back in silence changes nothing.
  await victim.tab.goto(evil.origin)
  await victim.tab.click('#go')
  await victim.tab.waitForSelector('#allow')
  expect(new URL(victim.tab.url()).searchParams.get('prompt')).toBe('login')
})

test('what was refused is written down, without code and state', async () => {
  await leaveFor(attacker.tab, 'honest')
  const callback = await catchCallback(attacker, honest)
  await victim.tab.goto(callback)
  const { searchParams } = new URL(callback)
  const secrets = [searchParams.get('code') ?? '', searchParams.get('state') ?? '']
  await expectNoSecret(server, secrets)
  expect(server.logged()).toContain('flow_of_other_browser')
  expect(JSON.stringify(await eventsOf(server))).not.toContain(secrets[1])
})
