import { Agent } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { open } from './support/raw.ts'
import { ask, endChildren, startChild, stopRound } from './support/stop-rounds.ts'

afterEach(endChildren)

test('FLT-25: those who have just connected are taken before the door shuts', { timeout: 60_000 }, async () => {
  for (let round = 0; round < 3; round += 1) {
    const { failed, exit } = await stopRound(60, 0)
    expect(failed).toEqual([])
    expect(exit).toBe(0)
  }
})

test('not ready at once, serving until the balancer has noticed', async () => {
  const child = await startChild({ drain: 600 })
  const agent = new Agent({ keepAlive: false })
  const ready = { method: 'GET', path: '/readyz' }
  expect(await ask(child.port, agent, ready)).toBe('answered')
  child.process.kill('SIGTERM')
  await expect.poll(() => ask(child.port, agent, ready)).toBe('503 not ready: stopping\n')
  expect(await ask(child.port, agent, { method: 'POST', path: '/token', body: 'a' })).toBe('answered')
  expect(await child.exited).toBe(0)
  expect(await ask(child.port, agent, ready)).toBe('refused')
})

test('work in progress is finished, and its connection then ends', async () => {
  const child = await startChild({ drain: 0 })
  const socket = await open(child.port)
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString()))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(`GET /until-stopping HTTP/1.1\r\nHost: localhost:${child.port}\r\n\r\n`)
  await pause(50)
  child.process.kill('SIGTERM')
  await closed
  expect(text).toMatch(/^HTTP\/1\.1 200 OK/)
  expect(text).toMatch(/^connection: close/im)
  expect(text).toMatch(/slow$/)
  expect(await child.exited).toBe(0)
})

test('a request that was on its way is answered, and one whose head had only begun', async () => {
  const child = await startChild({ drain: 0 })
  const [idle, begun] = [await open(child.port), await open(child.port)]
  const texts = ['', '']
  idle.on('data', (chunk) => (texts[0] += chunk.toString()))
  begun.on('data', (chunk) => (texts[1] += chunk.toString()))
  const request = `GET /slow HTTP/1.1\r\nHost: localhost:${child.port}\r\n\r\n`
  idle.write(request)
  await expect.poll(() => texts[0]).toMatch(/slow$/)
  begun.write(request.slice(0, 20))
  await pause(50)
  child.process.kill('SIGTERM')
  await pause(500)
  // Half a second after the signal: the kept connection speaks again, the other goes on.
  idle.write(request)
  begun.write(request.slice(20))
  expect(await child.exited).toBe(0)
  expect(texts[0]?.match(/HTTP\/1\.1 200/g)).toHaveLength(2)
  expect(texts[1]).toMatch(/slow$/)
})

test('silent connections don’t hold up a stop for longer than they may be silent', async () => {
  const child = await startChild({ drain: 0, idle: 1_000 })
  const never = await open(child.port)
  const once = await open(child.port)
  once.write(`GET /healthz HTTP/1.1\r\nHost: localhost:${child.port}\r\n\r\n`)
  await new Promise((resolve) => once.once('data', resolve))
  const began = performance.now()
  child.process.kill('SIGTERM')
  expect(await child.exited).toBe(0)
  expect(performance.now() - began).toBeLessThan(3000)
  never.destroy()
  once.destroy()
})

test('without connections a stop takes no time', async () => {
  const child = await startChild()
  const began = performance.now()
  child.process.kill('SIGTERM')
  expect(await child.exited).toBe(0)
  expect(performance.now() - began).toBeLessThan(900)
})

test('what hangs is cut when the time is over', async () => {
  const child = await startChild({ idle: 100, finish: 500 })
  const agent = new Agent()
  const hanging = ask(child.port, agent, { method: 'GET', path: '/hangs' })
  await pause(100)
  child.process.kill('SIGTERM')
  expect(await child.exited).toBe(0)
  expect(await hanging).toMatch(/hang up|ECONNRESET/)
})

test('a second signal doesn’t wait', async () => {
  const child = await startChild()
  const agent = new Agent()
  const hanging = ask(child.port, agent, { method: 'GET', path: '/hangs' })
  await pause(100)
  const began = performance.now()
  child.process.kill('SIGTERM')
  await pause(100)
  child.process.kill('SIGINT')
  expect(await child.exited).toBe(0)
  expect(performance.now() - began).toBeLessThan(2000)
  await hanging
})
