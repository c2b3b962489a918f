import { setTimeout as pause } from 'node:timers/promises'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { connectionLimits } from '../../src/server/connections.ts'
import type { Route } from '../../src/server/route.ts'
import { open } from './support/raw.ts'
import { startShell, type TestShell } from './support/shell.ts'

const large = 'x'.repeat(20_000_000)
const routes: Route[] = [
  {
    method: 'GET',
    path: '/page',
    kind: 'none',
    access: 'public',
    endpoint: () => ({ status: 200, headers: [], body: 'page' }),
  },
  {
    method: 'GET',
    path: '/large',
    kind: 'none',
    access: 'public',
    endpoint: () => ({ status: 200, headers: [], body: large }),
  },
  {
    method: 'POST',
    path: '/form',
    kind: 'form',
    access: 'client',
    endpoint: ({ body }) => ({ status: 200, headers: [], body }),
  },
]

let server: TestShell
const sockets = new Set<Socket>()
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  await server.shell.close()
})

async function talk(write: string): Promise<{ socket: Socket; text: () => string; closed: Promise<number> }> {
  const socket = await open(server.port)
  sockets.add(socket)
  let text = ''
  const began = performance.now()
  socket.on('data', (chunk) => (text += chunk.toString()))
  socket.on('error', () => {})
  const closed = new Promise<number>((resolve) => socket.once('close', () => resolve(performance.now() - began)))
  socket.write(write)
  return { socket, text: () => text, closed }
}

const timeouts = { headers: 300, request: 700, idle: 200, stuck: 900, check: 50 }
const head = () => `GET /page HTTP/1.1\r\nHost: localhost:${server.port}\r\n`

test('J08: a head that comes byte by byte is 408 at its deadline, however busy the connection is', async () => {
  server = await startShell(routes, { timeouts: { ...timeouts, request: 4000 } })
  const { socket, text, closed } = await talk(head())
  const drip = setInterval(() => socket.write('X'), 20)
  const lasted = await closed
  clearInterval(drip)
  expect(text()).toMatch(/^HTTP\/1\.1 408 /)
  expect(lasted).toBeGreaterThan(250)
  expect(lasted).toBeLessThan(1500)
  expect(server.metrics.snapshot().counters.get('malformed_requests')).toBe(1)
})

test('J08: a body that comes byte by byte is 408 at the deadline of its request', async () => {
  server = await startShell(routes, { timeouts })
  const { socket, text, closed } = await talk(
    `POST /form HTTP/1.1\r\nHost: localhost:${server.port}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\n`,
  )
  const drip = setInterval(() => socket.write('a'), 20)
  const lasted = await closed
  clearInterval(drip)
  expect(text()).toMatch(/^HTTP\/1\.1 408 /)
  expect(lasted).toBeGreaterThan(600)
  expect(lasted).toBeLessThan(2500)
})

test('a body answered already is not answered again when its deadline comes', async () => {
  server = await startShell(routes, { timeouts })
  const { text, closed } = await talk(
    `POST /form HTTP/1.1\r\nHost: localhost:${server.port}\r\nContent-Type: text/plain\r\nContent-Length: 60000\r\n\r\na`,
  )
  await closed
  expect(text().match(/HTTP\/1\.1 /g)).toHaveLength(1)
  expect(text()).toMatch(/^HTTP\/1\.1 415 /)
})

test('a silent connection is closed, whether it ever spoke or not', async () => {
  server = await startShell(routes, { timeouts })
  const never = await talk('')
  const once = await talk(`${head()}\r\n`)
  const lasted = await Promise.all([never.closed, once.closed])
  expect(Math.max(...lasted)).toBeLessThan(3500)
  expect(once.text()).toMatch(/^HTTP\/1\.1 200 /)
  await expect.poll(() => server.shell.load().connections).toBe(0)
})

test('J08: a reader who never reads is cut', async () => {
  server = await startShell(routes, { timeouts: { ...timeouts, stuck: 300 } })
  const { socket } = await talk('')
  socket.pause()
  socket.write(`GET /large HTTP/1.1\r\nHost: localhost:${server.port}\r\n\r\n`)
  await expect.poll(() => server.metrics.snapshot().routes.some(({ statuses }) => statuses.size > 0)).toBe(true)
  await expect.poll(() => server.shell.load().connections).toBe(0)
})

test('J08: whoever asks on and on without reading is cut before his answers fill the memory', async () => {
  server = await startShell(routes)
  const { socket, closed } = await talk('')
  socket.pause()
  socket.write(`GET /large HTTP/1.1\r\nHost: localhost:${server.port}\r\n\r\n`.repeat(1000))
  await expect.poll(() => server.shell.load().connections).toBe(0)
  const [answered] = server.metrics.snapshot().routes.filter(({ route }) => route === '/large')
  expect(answered?.statuses.get(200)).toBeLessThan(50)
  socket.resume()
  await closed
})

test('a dozen requests sent at once are all answered', async () => {
  server = await startShell(routes)
  const { text } = await talk(`${head()}\r\n`.repeat(12))
  await expect.poll(() => text().match(/HTTP\/1\.1 200/g)?.length).toBe(12)
})

test(
  'J08: two thousand silent sockets: the honest are served at once, and places stay bounded',
  { timeout: 60_000 },
  async () => {
    server = await startShell(routes)
    const ask = async () => {
      const began = performance.now()
      const { text, closed } = await talk(`${head()}Connection: close\r\n\r\n`)
      await closed
      expect(text()).toMatch(/^HTTP\/1\.1 200 /)
      return performance.now() - began
    }
    const median = async () => {
      const times: number[] = []
      for (let n = 0; n < 40; n += 1) times.push(await ask())
      return times.toSorted((a, b) => a - b)[20] ?? Infinity
    }
    const calm = await median()
    for (let n = 0; n < 2000; n += 1) {
      const socket = connect(server.port, '127.0.0.1')
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('connect', () => socket.write('G'))
      if (n % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await expect
      .poll(() => server.metrics.snapshot().counters.get('dropped_connections') ?? 0, { timeout: 20_000 })
      .toBeGreaterThan(1700)
    await expect.poll(() => server.shell.load().connections).toBeLessThanOrEqual(connectionLimits.mostYoung + 1)
    expect(await median()).toBeLessThan(calm * 2 + 5)
  },
)

test('one source can’t take every place; a trusted proxy speaks for many', async () => {
  const limits = { most: 100, mostPerSource: 5, mostYoung: 100 }
  server = await startShell(routes, { connectionLimits: limits })
  const kept = await Promise.all(Array.from({ length: 5 }, () => talk(`${head()}\r\n`)))
  await Promise.all(kept.map(({ text }) => expect.poll(text).toMatch(/200/)))
  await (
    await talk(`${head()}\r\n`)
  ).closed
  expect(server.shell.load().connections).toBe(5)
  // Whoever goes gives his place back.
  kept[0]?.socket.destroy()
  await expect.poll(() => server.shell.load().connections).toBe(4)
  const next = await talk(`${head()}\r\n`)
  await expect.poll(next.text).toMatch(/200/)
  await server.shell.close()

  server = await startShell(routes, { connectionLimits: limits, trustedProxies: ['127.0.0.1'] })
  const many = await Promise.all(Array.from({ length: 20 }, () => talk(`${head()}\r\n`)))
  await Promise.all(many.map(({ text }) => expect.poll(text).toMatch(/200/)))
})

test('when every place is taken, those who say nothing make room for the next', async () => {
  server = await startShell(routes, { connectionLimits: { most: 10, mostPerSource: 100, mostYoung: 100 } })
  const idle = await Promise.all(Array.from({ length: 10 }, () => talk(`${head()}\r\n`)))
  await Promise.all(idle.map(({ text }) => expect.poll(text).toMatch(/200/)))
  await (
    await talk(`${head()}\r\n`)
  ).closed
  const next = await talk(`${head()}\r\n`)
  await expect.poll(next.text).toMatch(/200/)
})

test('a body that comes whole after its 408, behind an answer that takes longer, does nothing any more', async () => {
  const done: string[] = []
  const slow: Route = {
    method: 'POST',
    path: '/slow',
    kind: 'form',
    access: 'client',
    endpoint: async ({ body }) => {
      done.push(body)
      await pause(1_500)
      return { status: 200, headers: [], body: `done ${body}` }
    },
  }
  server = await startShell([slow], { timeouts: { ...timeouts, stuck: 5_000, idle: 5_000 } })
  const post = (body: string) =>
    `POST /slow HTTP/1.1\r\nHost: localhost:${server.port}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\n${body}`
  const { socket, text, closed } = await talk(post('a=1') + post('b'))
  await pause(1_100)
  socket.write(`=2${post('c=3')}`)
  await closed
  expect(text()).toMatch(/^HTTP\/1\.1 200 [^]*done a=1HTTP\/1\.1 408 [^]*\r\n\r\n$/)
  expect(done).toEqual(['a=1'])
})
