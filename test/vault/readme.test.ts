import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { OAuthProvider } from '../../src/config/provider.ts'
import { consent } from '../emulators/emulator.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { createBrowser } from '../kit/browser.ts'
import { submit } from '../kit/flow.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { readOAuthProvider } from '../upstream/house.ts'

let etsy: Etsy
let server: TestGatehouse

beforeAll(async () => {
  etsy = await startEtsy()
  server = await startGatehouse({ config: { providers: [entry()] } })
})
afterAll(async () => {
  await server.close()
  await etsy.close()
})

/** The README's section. */
function told(): string {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  return readme.split('## Keys of other services, with two curl commands')[1]?.split('\n## ')[0] ?? ''
}

/** The provider's entry as it stands there; only that its Etsy is the emulator. */
function entry(): OAuthProvider {
  const file: unknown = parse(/```yaml\n([\s\S]*?)```/.exec(told())?.[1] ?? '')
  const { providers } = file as { readonly providers: readonly [Readonly<Record<string, unknown>>] }
  const [etsyOfReadme] = providers
  const emulated = {
    authorization_endpoint: `${etsy.url}/oauth/connect`,
    token_endpoint: `${etsy.url}/v3/public/oauth/token`,
    api_base: etsy.url,
  }
  return readOAuthProvider(
    { ...etsyOfReadme, ...emulated },
    { ETSY_KEYSTRING: etsy.keystring, ETSY_SECRET: etsy.sharedSecret },
  )
}

/** The commands of the section, as they stand there. */
function commands(): readonly string[] {
  const section = told()
  return [...section.matchAll(/^(curl .*)$/gm)].map(([line]) => line).concat(/`(curl [^`]*)`/.exec(section)?.[1] ?? [])
}

const run = async (command: string, environment: Readonly<Record<string, string>>): Promise<string> =>
  (await promisify(execFile)('sh', ['-c', command], { env: { PATH: '/usr/bin:/bin', ...environment } })).stdout

it('the README’s two curl commands give a token that holds, and its third ends it', async () => {
  const [start = '', fetchIt = '', end = ''] = commands()
  const GATEHOUSE = server.url
  const [url = '', code = '', HANDLE = ''] = (await run(start, { GATEHOUSE })).split('\n')
  const browser = createBrowser(server.url)
  const page = await browser.ask(url)
  const left = await submit(browser, page, 'connect', { user_code: code, confirm_mine: 'yes' })
  expect((await browser.ask(await consent(left.location ?? ''))).text).toContain('id="connected"')

  const token = await run(fetchIt, { GATEHOUSE, HANDLE })
  expect(token).toMatch(/^123456789\.[\w-]{20,}$/)
  server.clock.advance(4000)
  expect(await run(fetchIt, { GATEHOUSE, HANDLE })).not.toBe(token)
  expect(await run(end, { GATEHOUSE, HANDLE })).toBe('{}')
  expect(JSON.parse(await run(fetchIt, { GATEHOUSE, HANDLE }))).toMatchObject({ error: 'expired_token' })
})
