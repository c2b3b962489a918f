import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parseMacaroonText } from '../../src/tokens/macaroon-text.ts'
import { createBrowser, readForm, type Answer, type Browser } from '../kit/browser.ts'
import { freePort } from '../kit/free-port.ts'
import { root, startExample, type RunningExample } from './example.ts'

let example: RunningExample
let site: string
let restarted: ChildProcess | undefined

beforeAll(async () => {
  example = await startExample('macaroon-web')
  site = example.urls['macaroon-web']
}, 60_000)
afterAll(async () => {
  restarted?.kill()
  await example?.close()
})

/** A browser that is at home on both servers, and signs in on the way. */
async function signIn(): Promise<Browser> {
  const [there, browser] = [createBrowser(example.issuer), createBrowser(site)]
  let answer: Answer = await browser.ask('/sign-in')
  for (let steps = 0; steps < 12; steps++) {
    const { location } = answer
    if (location?.startsWith(site) === true) {
      const back = await browser.ask(location.slice(site.length))
      expect(back.status).toBe(302)
      return browser
    }
    if (location !== undefined) answer = await there.ask(location)
    else {
      const id = answer.text.includes('<form id="sign-in"') ? 'sign-in' : 'consent'
      const form = readForm(answer.text, id)
      const own = id === 'sign-in' ? example.person : { decision: 'allow' }
      answer = await there.ask(form.action, { form: { ...form.fields, ...own } })
    }
  }
  throw new Error(`stuck: ${answer.status} ${answer.text.slice(0, 200)}`)
}

/** The site once more, as after a restart: nothing of the first reaches it but its client secret. */
async function startSite(): Promise<string> {
  const port = await freePort()
  const secret = readFileSync(join(example.home, 'data/macaroon-web.secret'), 'utf8')
  const env = { ...process.env, ISSUER: example.issuer, PORT: String(port), CLIENT_SECRET: secret }
  restarted = spawn(process.execPath, ['examples/macaroon-web/main.ts'], { cwd: root, env, stdio: 'inherit' })
  const url = `http://127.0.0.1:${port}`
  await vi.waitFor(() => fetch(url), { timeout: 20_000, interval: 100 })
  return url
}

const post = (browser: Browser, path: string, form: Record<string, string> = {}) => browser.ask(path, { form })

test('the cookie is all that the site knows, and what is narrowed from it stays narrow', async () => {
  expect((await createBrowser(site).ask('/')).text).toContain('href="/sign-in"')
  const browser = await signIn()
  const home = await browser.ask('/')
  expect(home.text).toMatch(/<p id="who">[^<]*<code>garden:water garden:look<\/code>/)
  expect(home.text).toContain('<code>endpoint = look water</code>')
  expect((await post(browser, '/water')).text).toContain('id="watered"')

  // One cookie, which every macaroon library reads, and all that there is: a site that has just begun knows him by it.
  const [[name, token] = ['', ''], ...others] = [...browser.cookies].filter(([, value]) => value !== '')
  expect([name, others]).toEqual(['garden', []])
  const [macaroon, ...discharges] = parseMacaroonText(decodeURIComponent(token)) ?? []
  expect([macaroon?.caveats.length, discharges]).toEqual([expect.any(Number), []])
  const anew = createBrowser(await startSite())
  anew.cookies.set(name, token)
  expect((await anew.ask('/')).text).toContain('<code>garden:water garden:look</code>')
  expect((await post(anew, '/water')).text).toContain('id="watered"')

  const shared = /<code id="shared">[^#]*#([\w-]+)<\/code>/.exec((await post(browser, '/share')).text)?.[1] ?? ''
  const friend = createBrowser(site)
  expect((await post(friend, '/shared', { token: shared })).status).toBe(302)
  expect((await friend.ask('/')).text).toContain('<code>garden:look</code>')
  expect((await post(friend, '/water')).status).toBe(403)

  // Leaving ends it at the server, with every link that was made from it.
  await post(browser, '/sign-out')
  expect((await friend.ask('/')).text).toContain('href="/sign-in"')
})
