import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { consent } from '../emulators/emulator.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { createBrowser, type Answer, type Browser } from '../kit/browser.ts'
import { submit } from '../kit/flow.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { etsyProvider } from './house.ts'

let etsy: Etsy
let server: TestGatehouse
beforeAll(async () => {
  etsy = await startEtsy()
  // No proxy is trusted: everybody who comes through one has its address.
  server = await startGatehouse({ config: { providers: [etsyProvider(etsy)] } })
})
afterAll(async () => {
  await server.close()
  await etsy.close()
})

type Start = { readonly handle: string; readonly connect_url: string; readonly user_code: string }

const ask = (path: string, form: Readonly<Record<string, string>>, headers = {}): Promise<Answer> =>
  createBrowser(server.url).ask(path, { form, headers })
const start = async (headers = {}) => (await ask('/vault/connect', { provider: 'etsy' }, headers)).json() as Start
const pickUp = async (handle: string, more = {}) => (await ask('/vault/token', { handle, ...more })).json()['error']

const press = async (browser: Browser, { connect_url: url }: Start, shown: Readonly<Record<string, string>>) =>
  submit(browser, await browser.ask(url), 'connect', shown)
const finish = async (browser: Browser, left: Answer) => browser.ask(await consent(left.location ?? ''))

describe('L04 COSF, where starter and victim share one address', () => {
  it('the address alone goes nowhere: without the code of the terminal and the tick, nothing leaves for the provider', async () => {
    const attacker = await start()
    const victim = createBrowser(server.url)
    for (const shown of [
      { user_code: '', confirm_mine: 'yes' },
      { user_code: 'BBBB-BBBB', confirm_mine: 'yes' },
      { user_code: attacker.user_code },
    ]) {
      const page = await victim.ask(attacker.connect_url)
      const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
      const left = await victim.ask(attacker.connect_url, { form: { csrf, ...shown } })
      expect([left.status, left.location]).toEqual([403, undefined])
    }
    expect(await pickUp(attacker.handle)).toBe('authorization_pending')
  })

  it('with both, nothing more is asked for: an address tells networks apart, not people (docs/vault.md)', async () => {
    const started = await start()
    const browser = createBrowser(server.url)
    const page = await browser.ask(started.connect_url)
    expect(page.text).toContain('127.0.0.1')
    const left = await submit(browser, page, 'connect', { user_code: started.user_code, confirm_mine: 'yes' })
    expect((await finish(browser, left)).text).not.toContain('id="confirmation_code"')
    expect(await pickUp(started.handle)).toBeUndefined()
  })

  it('behind a proxy that nobody trusts, where everybody has its address, the last page’s code is asked for', async () => {
    const started = await start({ 'x-forwarded-for': '203.0.113.5' })
    const browser = createBrowser(server.url, { 'x-forwarded-for': '198.51.100.6' })
    const left = await press(browser, started, { user_code: started.user_code, confirm_mine: 'yes' })
    const page = await finish(browser, left)
    const confirm = /id="confirmation_code">([^<]+)</.exec(page.text)?.[1] ?? ''
    expect(await pickUp(started.handle)).toBe('authorization_pending')
    expect(await pickUp(started.handle, { confirm })).toBeUndefined()
  })
})
