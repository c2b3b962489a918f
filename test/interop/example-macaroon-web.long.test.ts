import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBrowser, readForm, type Answer, type Browser } from '../kit/browser.ts'
import { startExample, type RunningExample } from './example.ts'

let example: RunningExample
let site: string

beforeAll(async () => {
  example = await startExample('macaroon-web')
  site = example.urls['macaroon-web']
}, 60_000)
afterAll(() => example?.close())

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

const post = (browser: Browser, path: string, form: Record<string, string> = {}) => browser.ask(path, { form })

test('the cookie is all that the site knows, and what is narrowed from it stays narrow', async () => {
  expect((await createBrowser(site).ask('/')).text).toContain('href="/sign-in"')
  const browser = await signIn()
  const home = await browser.ask('/')
  expect(home.text).toMatch(/<p id="who">[^<]*<code>garden:water garden:look<\/code>/)
  expect(home.text).toContain('<code>endpoint = look water</code>')
  expect((await post(browser, '/water')).text).toContain('id="watered"')

  const shared = /<code id="shared">[^#]*#([\w-]+)<\/code>/.exec((await post(browser, '/share')).text)?.[1] ?? ''
  const friend = createBrowser(site)
  expect((await post(friend, '/shared', { token: shared })).status).toBe(302)
  expect((await friend.ask('/')).text).toContain('<code>garden:look</code>')
  expect((await post(friend, '/water')).status).toBe(403)

  // Leaving ends it at the server, with every link that was made from it.
  await post(browser, '/sign-out')
  expect((await friend.ask('/')).text).toContain('href="/sign-in"')
})
