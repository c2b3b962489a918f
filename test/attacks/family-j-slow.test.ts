import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBrowser } from '../kit/browser.ts'
import { tokenRequest } from '../kit/flow.ts'
import { startGatehouse, type MadeClient, type TestGatehouse } from '../kit/gatehouse.ts'
import { changed, stateOf } from './support.ts'

// J08 in small: the deadlines of ten, thirty and sixty seconds, a tenth to a twentieth as long.
const timeouts = { headers: 1_000, request: 1_500, idle: 1_500, stuck: 1_500, check: 50 }
let server: TestGatehouse
let app: MadeClient
const open = new Set<Socket>()

beforeAll(async () => {
  server = await startGatehouse({ timeouts })
  app = await server.makeClient()
})
afterAll(async () => {
  for (const socket of open) socket.destroy()
  await server.close()
})

type Slow = { readonly closed: Promise<number>; readonly text: () => string; readonly socket: Socket }

/** A connection that says `first` and then `each` every 100 ms, for as long as it is let. */
function slow(first: string, each: string): Slow {
  const socket = connect(server.port, '127.0.0.1')
  open.add(socket)
  const began = performance.now()
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString('latin1')))
  socket.on('error', () => undefined)
  const drip = setInterval(() => socket.write(each), 100)
  const closed = new Promise<number>((resolve) =>
    socket.once('close', () => {
      clearInterval(drip)
      open.delete(socket)
      resolve(performance.now() - began)
    }),
  )
  socket.write(first)
  return { closed, text: () => text, socket }
}

const head = () => `POST /oauth/token HTTP/1.1\r\nHost: localhost:${server.port}\r\n`
const form = 'Content-Type: application/x-www-form-urlencoded\r\n'

test('J08 slowloris: 150 heads a byte at a time, 50 slow bodies and 20 that never read hold up nobody, and end at their deadline', async () => {
  const before = await stateOf(server)
  const heads = Array.from({ length: 150 }, () => slow(head(), 'X'))
  const bodies = Array.from({ length: 50 }, () => slow(`${head()}${form}Content-Length: 10000\r\n\r\n`, 'a'))
  const deaf = Array.from({ length: 20 }, () => {
    const one = slow('', '')
    one.socket.pause()
    one.socket.write(`GET /api/openapi.json HTTP/1.1\r\nHost: localhost:${server.port}\r\n\r\n`.repeat(200))
    return one
  })
  // While they hold on, everybody else is served.
  for (let round = 0; round < 20; round += 1) {
    expect((await createBrowser(server.url).ask('/.well-known/jwks.json')).status).toBe(200)
  }
  expect(changed(before, await stateOf(server))).toEqual([])
  expect((await tokenRequest(server, app, { grant_type: 'client_credentials' })).status).toBe(200)

  const lasted = await Promise.all([...heads, ...bodies].map(({ closed }) => closed))
  // Generous where the machine is busy; without a deadline they would go on for ever.
  for (const millis of lasted) expect(millis).toBeLessThan(15_000)
  for (const { text } of heads) expect(text()).toMatch(/^(?:HTTP\/1\.1 408 |$)/)
  for (const { text } of bodies) expect(text()).toMatch(/^(?:HTTP\/1\.1 408 |$)/)
  for (const { socket, closed } of deaf) {
    socket.resume()
    await closed
  }
  const connections = /^gatehouse_connections (\d+)$/m.exec(await server.metricsText())?.[1]
  expect(Number(connections)).toBeLessThan(5)
  expect((await tokenRequest(server, app, { grant_type: 'client_credentials' })).status).toBe(200)
}, 60_000)

test('J08: of 400 that connect and say nothing the oldest give way; who speaks is heard', async () => {
  // With its usual deadlines: none of them ends anybody here.
  const patient = await startGatehouse()
  const robot = await patient.makeClient()
  let closed = 0
  for (let count = 0; count < 400; count += 1) {
    const socket = connect(patient.port, '127.0.0.1')
    open.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => (closed += 1)).resume()
  }
  for (let round = 0; round < 5; round += 1) {
    expect((await tokenRequest(patient, robot, { grant_type: 'client_credentials' })).status).toBe(200)
  }
  await expect.poll(() => closed).toBeGreaterThanOrEqual(400 - 256)
  await patient.close()
}, 30_000)
