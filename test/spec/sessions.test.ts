import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lifetimes } from '../../src/domain/lifetimes.ts'
import { createBrowser } from '../kit/browser.ts'
import { authorizeUrl, codeFlow, follow, tokenRequest, type Tokens } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'

let server: TestGatehouse
let app: MadeClient

beforeAll(async () => {
  server = await startGatehouse()
  await server.makeUser('ada')
  app = await server.makeClient()
})
afterAll(() => server.close())

async function refresh(tokens: Tokens): Promise<Tokens | string> {
  const form = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }
  const answer = (await tokenRequest(server, app, form)).json()
  return typeof answer['error'] === 'string' ? answer['error'] : (answer as unknown as Tokens)
}

describe('OIDC Core §11: what a client gets without offline_access', () => {
  test('ends with the browser session, also when nobody signs out', async () => {
    const online = await codeFlow(server, app, 'ada', { extra: { scope: 'openid profile' } })
    const offline = await codeFlow(server, app, 'ada')
    server.clock.advance(lifetimes.sessionAbsolute - 60)
    const still = await refresh(online.tokens)
    if (typeof still === 'string') throw new Error(`refused before the session ended: ${still}`)
    server.clock.advance(61)
    expect(await refresh(still)).toBe('invalid_grant')
    expect(await refresh(offline.tokens)).toHaveProperty('access_token')
  })

  test('the consent page says so', async () => {
    const page = async (scope: string) => {
      const browser = createBrowser(server.url)
      await codeFlow(server, app, 'ada', { browser })
      const url = authorizeUrl(app, { scope, prompt: 'consent' })
      return (await follow(server, browser, await browser.ask(url))).text
    }
    expect(await page('openid')).toContain('This ends when you sign out here, after 12 hours at the latest.')
    expect(await page('openid offline_access')).toContain('This stays in force until you withdraw it')
  })
})
