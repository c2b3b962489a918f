import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inviteUser } from '../../src/accounts/invite-user.ts'
import { createBrowser, readForm, type Browser } from '../kit/browser.ts'
import { submit } from '../kit/flow.ts'
import { password as usualPassword, startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { signedInBrowser } from '../kit/second-factor.ts'
import { plainPasswords } from '../kit/plain-passwords.ts'

let server: TestGatehouse
beforeAll(async () => {
  server = await startGatehouse({
    config: { users: { registration: 'open' } },
    passwords: plainPasswords,
  })
})
afterAll(() => server.close())

const weak = 'qwertyuiop12'
const ask = (browser: Browser, form: Record<string, string>, headers: Record<string, string> = {}) =>
  browser.ask('/password/strength', { form, headers })

/** A form of ours that asks for a new password, before somebody. */
async function form(browser = createBrowser(server.url), path = '/register', id = 'register') {
  const page = await browser.ask(path)
  const { csrf } = readForm(page.text, id).fields
  return { browser, page, csrf: String(csrf) }
}

describe('without JavaScript a refused password comes back with a bar, a reason and suggestions', () => {
  const expectBar = (text: string) => {
    expect(text).toMatch(/<div id="strength" role="status">\s*<meter aria-label="[^"]+"[^>]*\svalue="[123]">/)
    expect(text).toMatch(/<ul class="quiet">\s*<li>[^<]+\.<\/li>/)
    expect(text).not.toContain(weak)
  }
  const typed = { new_password: weak, repeat_password: weak }

  test.each(['en', 'de'])('where one makes an account, in %s', async (language) => {
    const { browser } = await form()
    await browser.ask(`/language?to=${language}`)
    const answer = await submit(browser, await browser.ask('/register'), 'register', { username: 'grace', ...typed })
    expect(answer.status).toBe(400)
    expectBar(answer.text)
    expect(answer.text).toContain(language === 'en' ? 'Guessed' : 'erraten')
  })

  test('where one changes the password', async () => {
    const { username } = await server.makeUser('changer')
    const browser = await signedInBrowser(server, username)
    const page = await browser.ask('/account/password')
    // Nothing to say yet.
    expect(page.text).toContain('<div id="strength" role="status" hidden>')
    const sent = { current_password: usualPassword, ...typed }
    expectBar((await submit(browser, page, 'password-change', sent)).text)
  })

  test('where one takes an invitation', async () => {
    const invited = await inviteUser(server.core, { actor: { kind: 'cli' } }, { language: 'en' })
    const url = 'done' in invited && 'url' in invited.done ? String(invited.done.url) : ''
    const browser = createBrowser(server.url)
    const page = await browser.ask(url.replace(server.url, ''))
    expectBar((await submit(browser, page, 'letter', { username: 'guest', ...typed })).text)
  })

  test('one that is too short says so', async () => {
    const { browser, page } = await form()
    const answer = await submit(browser, page, 'register', {
      username: 'grace',
      new_password: 'x7!kPq',
      repeat_password: 'x7!kPq',
    })
    expect(answer.text).toContain('at least 10 characters')
  })
})

describe('while somebody types', () => {
  test('the page may ask its own server, and nothing else', async () => {
    const { page } = await form()
    const policy = page.headers.get('content-security-policy')
    expect(policy).toContain("script-src 'self'")
    expect(policy).toContain("connect-src 'self'")
    expect(policy).toContain("default-src 'none'")
    expect((await createBrowser(server.url).ask('/signin')).headers.get('content-security-policy')).not.toContain(
      'connect-src',
    )
  })

  test('it is told how good the password is, in the language of the page, and what belongs to the account counts', async () => {
    const { browser, csrf } = await form()
    const bad = await ask(browser, { csrf, new_password: weak, lang: 'de' })
    expect(bad.status).toBe(200)
    expect(bad.headers.get('cache-control')).toBe('no-store')
    expect(bad.json()).toMatchObject({ score: expect.toBeOneOf([0, 1, 2]), word: expect.stringMatching(/erraten|gut/) })
    const good = { csrf, new_password: 'lovelaceada1815', lang: 'xx' }
    expect((await ask(browser, good)).json()).toEqual({ score: 4, word: 'Good', says: [] })
    expect((await ask(browser, { ...good, username: 'lovelaceada' })).json()['score']).toBeLessThan(3)
  })

  test('a name that exists is as one that doesn’t: only what was sent is looked at', async () => {
    const { browser, csrf } = await form()
    const { username } = await server.makeUser('present')
    const of = async (name: string) => (await ask(browser, { csrf, new_password: 'x7!kPq92mZ-w', username: name })).text
    expect(await of(username)).toBe(await of('absent0'))
  })

  test.each<[string, (csrf: string) => Record<string, string>, Record<string, string>]>([
    ['without the form’s proof', () => ({ new_password: weak }), {}],
    ['with a made-up one', () => ({ csrf: 'x', new_password: weak }), {}],
    ['from another site', (csrf) => ({ csrf, new_password: weak }), { 'sec-fetch-site': 'cross-site' }],
    ['from another origin', (csrf) => ({ csrf, new_password: weak }), { origin: 'https://evil.example' }],
  ])('L2: %s it is told nothing', async (_, sent, headers) => {
    const { browser, csrf } = await form()
    const answer = await ask(browser, sent(csrf), headers)
    expect([answer.status, answer.text]).toEqual([403, '{}'])
  })

  test('nor with the proof of another form, or in another browser', async () => {
    const signIn = await form(createBrowser(server.url), '/signin', 'sign-in')
    expect((await ask(signIn.browser, { csrf: signIn.csrf, new_password: weak })).status).toBe(403)
    const { csrf } = await form()
    expect((await ask(createBrowser(server.url), { csrf, new_password: weak })).status).toBe(403)
  })

  test('H07, H26: a long text is cut before it is judged, and holds up nobody', async () => {
    const { browser, csrf } = await form()
    const answer = await ask(browser, { csrf, new_password: '4@8({[<3'.repeat(400) })
    expect(answer.json()).toMatchObject({ score: 0, says: [expect.stringContaining('10'), expect.any(String)] })
  })

  test('a source has thirty at once, then one a second', async () => {
    const { browser, csrf } = await form()
    for (let each = 0; each < 30; each += 1) server.core.limits.count('password-strength', ['127.0.0.1'])
    expect((await ask(browser, { csrf, new_password: weak })).status).toBe(429)
  })
})
