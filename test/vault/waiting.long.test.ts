import { afterAll, beforeAll, expect, it } from 'vitest'
import { put, ref } from '../../src/domain/record.ts'
import { transition } from '../../src/store/transition.ts'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { createBrowser } from '../kit/browser.ts'
import { submit } from '../kit/flow.ts'
import { consent } from '../emulators/emulator.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { etsyProvider } from './house.ts'

let etsy: Etsy
let server: TestGatehouse
beforeAll(async () => {
  etsy = await startEtsy()
  server = await startGatehouse({ config: { providers: [etsyProvider(etsy)] } })
})
afterAll(async () => {
  await server.close()
  await etsy.close()
})

async function expired() {
  const curl = createBrowser(server.url)
  const started = (await curl.ask('/vault/connect', { form: { provider: 'etsy' } })).json()
  const browser = createBrowser(server.url)
  const page = await browser.ask(String(started['connect_url']))
  const left = await submit(browser, page, 'connect', { user_code: String(started['user_code']), confirm_mine: 'yes' })
  await browser.ask(await consent(left.location ?? ''))
  server.clock.advance(3700)
  return { handle: String(started['handle']), id: String(started['connection']) }
}

/** What fifty who ask at once are told, and after how long. */
async function fetchAll(handle: string) {
  return Promise.all(
    Array.from({ length: 50 }, async () => {
      const began = performance.now()
      const answer = await createBrowser(server.url).ask('/vault/token', { form: { handle } })
      const retryAfter = Number(answer.headers.get('retry-after'))
      return { status: answer.status, retryAfter, took: performance.now() - began }
    }),
  )
}

/** Nothing that this machine does beside it may take longer. */
const slack = 900

it('whoever waits is answered within five seconds, with 503 and a time to come back, while a provider hangs', async () => {
  const { handle } = await expired()
  etsy.faults.push('hang')
  for (const { status, retryAfter, took } of await fetchAll(handle)) {
    expect([status, retryAfter >= 1]).toEqual([503, true])
    expect(took).toBeLessThan(5000 + slack)
  }
})

it('and while another node, which may have died, has the refresh: its lease is three times as long', async () => {
  const { handle, id } = await expired()
  await transition(server.core.transition, { connection: ref('connection', id) }, ({ connection }, now) => ({
    writes: [
      put(connection, { ...connection.value, intent: { attempt: 'elsewhere', startedAt: now } } as never, {
        expiresAt: null,
      }),
    ],
    result: undefined,
  }))
  const asked = etsy.refreshes()
  for (const { status, took } of await fetchAll(handle)) {
    expect(status).toBe(503)
    expect(took).toBeLessThan(5000 + slack)
  }
  expect(etsy.refreshes()).toBe(asked)
})
