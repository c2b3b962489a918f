import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { inviteUser } from '../../src/accounts/invite-user.ts'
import { createPasswordPool, type PasswordPool } from '../../src/crypto/password-pool.ts'
import { createBrowser, readForm } from '../kit/browser.ts'
import { codeFlow, introspect, submit, tokenRequest } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { attack, type House } from './support.ts'

const waiting = 4
let server: TestGatehouse
let app: MadeClient
let house: House
let pool: PasswordPool

beforeAll(async () => {
  pool = createPasswordPool({ threads: 1, queueLimit: waiting })
  server = await startGatehouse({ passwords: pool, config: { mail: { by: 'log' }, users: { registration: 'invite' } } })
  app = await server.makeClient()
  await server.makeUser('ada')
  house = { server, app }
})
afterAll(async () => {
  await server.close()
  await pool.close()
})

describe('family H: passwords', () => {
  describe('H07 long-password', () => {
    const long = `${'a kingfisher over 7 canals, '.repeat(3)}and a heron`

    test('every byte counts: two that share the first 72 are two passwords', async () => {
      expect(Buffer.byteLength(long)).toBeGreaterThan(72)
      await server.makeUser('cay', { password: long })
      const signIn = async (password: string) => {
        const browser = createBrowser(server.url)
        return submit(browser, await browser.ask('/signin'), 'sign-in', { username: 'cay', password })
      }
      expect((await signIn(`${long.slice(0, 72)}${'x'.repeat(long.length - 72)}`)).status).toBe(403)
      expect((await signIn(long.slice(0, 72))).status).toBe(403)
      expect((await signIn(`${long}\0`)).status).toBe(400)
      expect((await signIn(long)).status).toBe(303)
    })

    test.each([
      ['1,025 bytes', 'x'.repeat(1_025)],
      ['a megabyte', 'x'.repeat(1_000_000)],
    ])('%s are refused before anything is hashed', async (_, password) => {
      const browser = createBrowser(server.url)
      const page = await browser.ask('/signin')
      const began = performance.now()
      const answer = await attack(house, () => submit(browser, page, 'sign-in', { username: 'ada', password }))
      // J04: beyond 64 KiB nobody reads it.
      expect(answer.status).toBe(password.length > 65_536 ? 413 : 400)
      expect(performance.now() - began).toBeLessThan(2_000)
    })
  })

  test('H08 hash-DoS: sign-ins beyond the queue are told to come again, and clients don’t feel it', async () => {
    const { tokens } = await codeFlow(server, app, 'ada')
    const browsers = Array.from({ length: 40 }, () => createBrowser(server.url))
    const pages = await Promise.all(browsers.map((browser) => browser.ask('/signin')))
    const signIns = browsers.map((browser, index) =>
      browser.ask('/signin', {
        form: {
          ...readForm(pages[index]?.text ?? '', 'sign-in').fields,
          username: `nobody${index}`,
          password: 'wrong',
        },
      }),
    )
    const meanwhile = await Promise.all([
      tokenRequest(server, app, { grant_type: 'client_credentials', scope: 'read' }),
      introspect(server, app, tokens.access_token),
    ])
    const answers = await Promise.all(signIns)
    expect(meanwhile).toMatchObject([{ status: 200 }, { active: true }])
    const turnedAway = answers.filter(({ status }) => status === 503)
    for (const { headers } of turnedAway) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect(answers.filter(({ status }) => status === 403).length).toBe(answers.length - turnedAway.length)
    expect(turnedAway.length).toBeGreaterThan(0)
    expect(answers.length - turnedAway.length).toBeGreaterThan(waiting)
  })
})

describe('letters', () => {
  test('G23 mail-injection: what somebody else wrote is text there, and begins no line of the head', async () => {
    const fullName = '<img src=x onerror=alert(1)>" Bcc: eve@evil.example'
    const wanted = { language: 'en', fullName, email: 'cay@mail.example' } as const
    const invite = (request: typeof wanted | { language: 'en'; fullName: string; email: string }) =>
      inviteUser(server.core, { actor: { kind: 'cli' } }, request)
    expect(await invite({ ...wanted, fullName: `${fullName}\r\nBcc: eve@evil.example` })).toHaveProperty('refused')
    expect(await invite({ ...wanted, email: 'cay@mail.example\r\nBcc: eve@evil.example' })).toHaveProperty('refused')
    expect(await invite({ ...wanted, email: 'cay@mail.example, eve@evil.example' })).toHaveProperty('refused')
    expect(await invite(wanted)).toHaveProperty('done')
    await vi.waitFor(() => expect(server.letters).toHaveLength(1), 20_000)
    const [letter] = server.letters
    expect(letter?.to).toBe('cay@mail.example')
    expect(letter?.subject).not.toMatch(/[\r\n]|Bcc/)
    expect(letter?.html).toContain('&lt;img src=x')
    expect(letter?.html).not.toContain('<img')
  })
})
