import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { startEtsy, type Etsy } from '../emulators/etsy.ts'
import { createBrowser } from '../kit/browser.ts'
import { startGatehouse, type TestGatehouse } from '../kit/gatehouse.ts'
import { startApi, type Api } from './api.ts'
import { connectDirectly, etsyProvider } from './house.ts'

const mebibyte = 1024 * 1024

let etsy: Etsy
let api: Api
let server: TestGatehouse
let url: string
let headers: Readonly<Record<string, string>>
beforeAll(async () => {
  ;[etsy, api] = await Promise.all([startEtsy(), startApi()])
  const provider = etsyProvider(etsy, { api_base: api.url })
  server = await startGatehouse({ config: { providers: [provider] } })
  const { basic } = await server.makeClient({
    client_id: 'robot',
    scope: 'vault',
    grant_types: ['client_credentials'],
    redirect_uris: [],
  })
  const form = { grant_type: 'client_credentials', scope: 'vault' }
  const granted = await createBrowser(server.url).ask('/oauth/token', { form, headers: { authorization: basic } })
  headers = { authorization: `Bearer ${String(granted.json()['access_token'])}` }
  const connection = await connectDirectly(server, provider, { kind: 'client', clientId: 'robot' })
  url = `${server.url}/vault/proxy/${connection}/a`
})
afterAll(async () => {
  await server.close()
  await Promise.all([etsy.close(), api.close()])
})
afterEach(() => {
  api.answer = undefined
  api.called.length = 0
  vi.restoreAllMocks()
})

function* pieces(size: number): Generator<Uint8Array> {
  for (let left = size; left > 0; left -= mebibyte) yield new Uint8Array(Math.min(left, mebibyte)).fill(120)
}

/** A body that says nothing of its length. */
const upload = (size: number) =>
  fetch(url, { method: 'POST', headers, body: ReadableStream.from(pieces(size)), duplex: 'half' })

it('16 MiB go up without a length said before; what is one byte longer never reaches the API whole', async () => {
  expect((await upload(16 * mebibyte)).status).toBe(200)
  expect(api.called.map(({ body }) => body.length)).toEqual([16 * mebibyte])
  const longer = await upload(16 * mebibyte + 1).then(
    ({ status }) => status,
    () => 'cut',
  )
  expect([413, 'cut']).toContain(longer)
  expect(api.called).toHaveLength(1)
})

it('an answer that says it is longer than 64 MiB is none; one that doesn’t say so is cut there', async () => {
  api.answer = (_, response) => void response.writeHead(200, { 'content-length': 64 * mebibyte + 1 }).write('x')
  expect((await fetch(url, { headers })).status).toBe(502)
  api.answer = (_, response) => {
    response.writeHead(200)
    const endless = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(mebibyte, 120)));
      if (!response.destroyed) response.once('drain', endless)
    }
    endless()
  }
  const answer = await fetch(url, { headers })
  let came = 0
  const read = async () => {
    for await (const piece of answer.body ?? []) came += piece.length
  }
  await expect(read()).rejects.toThrow()
  expect(came).toBeLessThanOrEqual(64 * mebibyte)
  expect(came).toBeGreaterThan(32 * mebibyte)
})

it('all of a call has a minute: an API that never ends is left, before its answer and within it', async () => {
  const timeout = AbortSignal.timeout.bind(AbortSignal)
  const asked: number[] = []
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((millis) => {
    asked.push(millis)
    return timeout(Math.min(millis, 150))
  })
  api.answer = () => undefined
  expect((await fetch(url, { headers })).status).toBe(502)
  api.answer = (_, response) => void response.writeHead(200).write('the beginning')
  const answer = await fetch(url, { headers })
  await expect(answer.text()).rejects.toThrow()
  expect(asked).toContain(60_000)
})

it('a head of more than is read is refused, whoever sends it', async () => {
  const many = Object.fromEntries(Array.from({ length: 2500 }, (_, index) => [`x-${index}`, 'y'.repeat(20)]))
  const refused = await fetch(url, { headers: { ...many, ...headers } }).then(
    ({ status }) => status,
    () => 'cut',
  )
  expect([431, 'cut']).toContain(refused)
  expect(api.called).toEqual([])
  api.answer = (_, response) => {
    for (const [name, value] of Object.entries(many)) response.setHeader(name, value)
    response.end('x')
  }
  expect((await fetch(url, { headers })).status).toBe(502)
})
