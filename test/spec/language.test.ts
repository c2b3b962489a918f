import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBrowser, errorOf, readForm, unescapeHtml } from '../kit/browser.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'

let server: TestGatehouse
beforeAll(async () => {
  server = await startGatehouse()
})
afterAll(() => server.close())

const german = { 'accept-language': 'de-AT,de;q=0.9,en;q=0.5' }

describe('pages speak their reader’s language', () => {
  test.each([
    ['/signin', 'Anmelden'],
    ['/', 'Anmeldung für'],
    ['/oauth/authorize?client_id=nobody', 'Diese Anwendung darf das nicht'],
    ['/nowhere', 'Hier ist nichts'],
    ['/consent?interaction=gone', 'Diese Seite ist zu alt'],
  ])('%s by Accept-Language', async (path, words) => {
    const { text } = await createBrowser(server.url, { ...german, accept: 'text/html' }).ask(path)
    expect(text).toContain('<html lang="de">')
    expect(text).toContain(words)
  })

  test('OIDC Core §3.1.2.1: ui_locales of the application', async () => {
    await server.makeClient()
    const browser = createBrowser(server.url)
    const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    const page = await browser.ask(
      `/oauth/authorize?client_id=app&response_type=code&scope=openid&state=x&ui_locales=de&code_challenge=${challenge}&code_challenge_method=S256`,
    )
    expect(page.text).toContain('<html lang="de">')
    // The switch leads back to the page of this very request, in the other language, and wins from then on.
    const link = /<a href="([^"]*)" lang="en"/.exec(page.text)?.[1] ?? ''
    const switched = await browser.ask(unescapeHtml(link))
    expect(switched.status).toBe(303)
    const carried = String(readForm(page.text, 'sign-in').fields['interaction'])
    expect(switched.location).toBe(`/signin?interaction=${carried}`)
    const again = await browser.ask(switched.location ?? '')
    expect(again.text).toContain('<html lang="en">')
    expect(readForm(again.text, 'sign-in').fields['interaction']).toBe(carried)
  })

  test('the choice stays with the browser, error pages included', async () => {
    const browser = createBrowser(server.url, { accept: 'text/html' })
    await browser.ask('/language?to=de')
    for (const path of ['/signin', '/nowhere', '/oauth/authorize']) {
      expect((await browser.ask(path)).text, path).toContain('<html lang="de">')
    }
  })

  test.each(['//evil.example', '/\\evil.example', 'https://evil.example', '/%0d%0aset-cookie:a=b\n', 'x'])(
    'G10: the switch leads nowhere else (%s)',
    async (back) => {
      const answer = await createBrowser(server.url).ask(`/language?to=de&back=${encodeURIComponent(back)}`)
      expect(errorOf(answer.text)).toBe('invalid_request')
      expect(answer.location).toBeUndefined()
    },
  )

  test('a language that there isn’t is refused', async () => {
    expect((await createBrowser(server.url).ask('/language?to=xx')).status).toBe(400)
  })
})
