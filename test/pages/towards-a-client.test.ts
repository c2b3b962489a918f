import type { Browser, BrowserContext, Page as Tab } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { HttpResponse } from '../../src/protocol/http.ts'
import { formPostPage } from '../../src/pages/form-post-page.ts'
import { launch, noBrowser, serve } from './browser.ts'
import type { Site } from './browser.ts'
import { gallery, presentation, words } from './gallery.ts'

type Arrival = {
  readonly method: string
  readonly path: string
  readonly origin: string | undefined
  readonly body: string
}

let browser: Browser
/** The server, the client's callback, and the site that the callback goes on to: three origins. */
let server: Site
let callback: Site
let home: Site
let arrivals: Arrival[] = []
/** What the server's policy says besides; a test adds what we leave out to see why. */
let extraPolicy = ''
let extraHeaders: HttpResponse['headers'] = []

const seeOther = (location: string): HttpResponse => ({ status: 303, headers: [['location', location]], body: null })
const text = (body: string): HttpResponse => ({ status: 200, headers: [['content-type', 'text/html']], body })

beforeAll(async () => {
  if (noBrowser !== false) return
  browser = await launch()
  home = await serve(() => text('<title>home</title>'))
  callback = await serve((request, body) => {
    arrivals.push({ method: request.method ?? '', path: request.url ?? '', origin: request.headers.origin, body })
    if (request.url === '/opener') return text('<title>opener</title>')
    if (request.url?.startsWith('/popup') === true) return text('<title>popup</title>')
    return seeOther(`${home.origin}/home`)
  })
  server = await serve((request, body) => {
    if (request.method === 'POST') {
      arrivals.push({ method: 'POST', path: request.url ?? '', origin: request.headers.origin, body })
      return seeOther(`${callback.origin}${request.url === '/continue' ? '/popup' : '/cb?code=1'}`)
    }
    const page =
      request.url === '/form-post'
        ? formPostPage(presentation, {
            requester: { clientId: 'app', redirectUri: `${callback.origin}/cb`, verified: true },
            parameters: [{ name: 'state', value: words.state }],
          })
        : gallery.find(({ name }) => request.url === `/${name}`)?.render(presentation, words)
    if (page === undefined) return { status: 404, headers: [], body: null }
    const headers = page.headers.map(
      ([name, value]) => [name, name === 'content-security-policy' ? value + extraPolicy : value] as const,
    )
    return { ...page, headers: [...headers, ...extraHeaders] }
  })
})
afterAll(async () => {
  await browser?.close()
  await Promise.all([server, callback, home].map((site) => site?.stop()))
})
beforeEach(() => {
  arrivals = []
  extraPolicy = ''
  extraHeaders = []
})

async function inTab<Result>(
  javaScriptEnabled: boolean,
  act: (tab: Tab, context: BrowserContext) => Promise<Result>,
): Promise<Result> {
  const context = await browser.newContext({ javaScriptEnabled })
  try {
    const tab = await context.newPage()
    tab.setDefaultTimeout(5000)
    return await act(tab, context)
  } finally {
    await context.close()
  }
}

describe.skipIf(noBrowser !== false)('from our pages to a client, in Chromium', () => {
  test.each([
    [
      'sign-in',
      async (tab: Tab) => {
        await tab.getByLabel('Username').fill('ada')
        await tab.getByLabel('Password').fill('correct horse')
        await tab.getByLabel('Keep me signed in').check()
        await tab.keyboard.press('Enter')
      },
      'csrf=qPz3-c2V0IGFuZCBtYXRjaA&interaction=01JD8X4N7V2Q9M5R3T6W8Y0ZAB&username=ada&password=correct+horse&remember=1',
    ],
    [
      'consent',
      async (tab: Tab) => {
        await tab.getByLabel('See your email address').uncheck()
        await tab.getByRole('button', { name: 'Allow' }).click()
      },
      'csrf=qPz3-c2V0IGFuZCBtYXRjaA&interaction=01JD8X4N7V2Q9M5R3T6W8Y0ZAB&scope=openid&scope=profile&scope=notes%3Awrite&scope=offline_access&decision=allow',
    ],
    [
      'sign-out',
      async (tab: Tab) => {
        await tab.getByRole('button', { name: 'Sign out' }).click()
      },
      'csrf=qPz3-c2V0IGFuZCBtYXRjaA&interaction=01JD8X4N7V2Q9M5R3T6W8Y0ZAB',
    ],
  ])(
    'without JavaScript, %s is filled, sent with its Origin, and followed through the client to where the client leads',
    async (name, fill, sent) => {
      await inTab(false, async (tab) => {
        await tab.goto(`${server.origin}/${name}`)
        await fill(tab)
        await tab.waitForURL(`${home.origin}/home`)
        const [post, arrival] = arrivals
        expect(post?.body).toBe(sent)
        // Under no-referrer alone this is `null`, and a check of Origin would refuse everybody.
        expect(post?.origin).toBe(server.origin)
        expect(arrival).toMatchObject({ method: 'GET', path: '/cb?code=1' })
      })
    },
  )

  test('Enter in a box of the consent form denies: what is sent by accident gives nothing away', async () => {
    await inTab(false, async (tab) => {
      await tab.goto(`${server.origin}/consent`)
      await tab.getByLabel('See your email address').focus()
      await tab.keyboard.press('Enter')
      await tab.waitForURL(`${home.origin}/home`)
      expect(arrivals[0]?.body).toMatch(/decision=deny$/)
    })
  })

  // The reason why these pages name no form-action. If this goes red, Chromium has changed and security-headers.ts may be stricter.
  test.each(["; form-action 'self'", () => `; form-action 'self' ${callback.origin}`])(
    'with a form-action, even one that names the client, the way ends before the client’s own redirect',
    async (policy) => {
      extraPolicy = typeof policy === 'string' ? policy : policy()
      await inTab(true, async (tab) => {
        await tab.goto(`${server.origin}/consent`)
        const refusal = tab.waitForEvent('console', (line) => line.text().includes('form-action'))
        await tab.getByRole('button', { name: 'Allow' }).click()
        await refusal
        expect(tab.url()).toBe(`${server.origin}/consent`)
      })
    },
  )

  test.each([
    ['our headers', [], true],
    // The reason why these pages set no opener policy.
    ['Cross-Origin-Opener-Policy: same-origin', [['cross-origin-opener-policy', 'same-origin']], false],
  ] as const)(
    'with %s, a pop-up that comes back to its client still has its opener: %s %s',
    async (_name, headers, alive) => {
      extraHeaders = headers
      await inTab(true, async (tab, context) => {
        // Chromium looks at opener policies on trustworthy origins alone: localhost is one by name.
        await tab.goto(`${callback.origin}/opener`)
        const opened = context.waitForEvent('page')
        await tab.evaluate(`void window.open('${server.origin}/continue')`)
        const popup = await opened
        await popup.getByRole('button', { name: 'Continue' }).click()
        await popup.waitForURL(`${callback.origin}/popup`)
        expect(await popup.evaluate('window.opener !== null')).toBe(alive)
      })
    },
  )

  test('the form_post page sends itself, and isn’t there any more when one goes back', async () => {
    await inTab(true, async (tab) => {
      await tab.goto(`${callback.origin}/opener`)
      await tab.goto(`${server.origin}/form-post`)
      await tab.waitForURL(`${home.origin}/home`)
      expect(arrivals.filter(({ method }) => method === 'POST')).toMatchObject([
        { path: '/cb', body: `state=${words.state}` },
      ])
      await tab.goBack()
      expect(tab.url()).toBe(`${callback.origin}/opener`)
      expect(arrivals.filter(({ method }) => method === 'POST')).toHaveLength(1)
    })
  })

  test('without JavaScript the form_post page waits for its button', async () => {
    await inTab(false, async (tab) => {
      await tab.goto(`${server.origin}/form-post`)
      expect(arrivals).toEqual([])
      await tab.getByRole('button', { name: 'Continue' }).click()
      await tab.waitForURL(`${home.origin}/home`)
      expect(arrivals[0]).toMatchObject({ method: 'POST', path: '/cb', body: `state=${words.state}` })
    })
  })
})
