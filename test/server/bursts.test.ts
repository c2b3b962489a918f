import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { Route } from '../../src/server/route.ts'
import { startShell, type TestShell } from './support/shell.ts'

const routes: Route[] = [
  {
    method: 'GET',
    path: '/page',
    kind: 'none',
    access: 'public',
    endpoint: () => ({ status: 200, headers: [], body: 'page' }),
  },
]

let server: TestShell
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await server.shell.close()
})

/** Resolves with what came back, when the server has closed. */
function ask(bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(server.port, '127.0.0.1')
    sockets.push(socket)
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(text))
    socket.write(bytes)
  })
}

const page = () => `GET /page HTTP/1.1\r\nHost: localhost:${server.port}\r\nConnection: close\r\n\r\n`
const limits = { most: 1000, mostPerSource: 500, mostYoung: 20, mostNew: 200, momentMillis: 1_000 }
/** Longer than any test lasts, however busy its machine. */
const endless = 120_000

/** Connected, and silent so far. */
const opened = () =>
  new Promise<Socket>((resolve) => {
    const socket = connect(server.port, '127.0.0.1', () => resolve(socket))
    socket.on('error', () => undefined)
    sockets.push(socket)
  })

test('a program that opens a hundred connections and then speaks on each of them is heard on all', async () => {
  server = await startShell(routes, { connectionLimits: { ...limits, momentMillis: endless } })
  const open = await Promise.all(Array.from({ length: 100 }, opened))
  await expect.poll(() => server.shell.load().connections, { interval: 5 }).toBe(100)
  const answered = open.map(
    (socket) =>
      new Promise<boolean>((resolve) => {
        socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1').startsWith('HTTP/1.1 200 ')))
        socket.once('close', () => resolve(false))
      }),
  )
  for (const socket of open) socket.write(page())
  expect((await Promise.all(answered)).filter(Boolean)).toHaveLength(100)
  expect(dropped()).toBe(0)
})

const dropped = () => server.metrics.snapshot().counters.get('dropped_connections') ?? 0

test('J08: but never more than so many, however short they have been there', async () => {
  server = await startShell(routes, { connectionLimits: { ...limits, mostNew: 50, momentMillis: endless } })
  await Promise.all(Array.from({ length: 100 }, opened))
  await expect.poll(dropped).toBe(50)
  expect(server.shell.load().connections).toBe(50)
})

test('J08: and for a moment only: of a hundred who say nothing, as many stay as may be silent', async () => {
  server = await startShell(routes, { connectionLimits: limits })
  const silent = Array.from({ length: 100 }, () => ask('G'))
  await expect.poll(dropped).toBe(80)
  expect(server.shell.load().connections).toBe(20)
  expect(await ask(page())).toContain('200')
  for (const socket of sockets) socket.destroy()
  await Promise.all(silent)
})
