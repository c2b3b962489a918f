import { EventEmitter } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PasswordPoolBusy } from '../../src/crypto/password-pool.ts'
import type { HttpResponse } from '../../src/protocol/http.ts'
import { createFailureLog } from '../../src/server/failure-log.ts'
import { createLog } from '../../src/server/log.ts'
import { describeError, type LogLine } from '../../src/server/log-line.ts'
import { createMetrics } from '../../src/server/metrics.ts'
import { watchFaults } from '../../src/server/process-faults.ts'
import type { Route } from '../../src/server/route.ts'
import { StoreContended } from '../../src/store/contended.ts'
import { StoreUnavailable } from '../../src/store/unavailable.ts'
import { open, sendRaw, statusOf } from './support/raw.ts'
import { startShell, type TestShell } from './support/shell.ts'

const canary = 'canary-Zk3vQ9'
let server: TestShell

const failing: Record<string, () => unknown> = {
  thrown: () => {
    throw new Error(canary)
  },
  rejected: () => Promise.reject(new TypeError(canary, { cause: new Error(canary) })),
  json: () => JSON.parse(`{${canary}`),
  text: () => Promise.reject(canary),
  nothing: () => undefined,
  unheard: () => {
    throw Object.assign(new Error(canary), { status: 200, statusCode: 200, headers: {}, body: canary })
  },
  split: () => ({ status: 303, headers: [['location', `https://a.example/\r\nset-cookie: ${canary}`]], body: null }),
  down: () => Promise.reject(new StoreUnavailable('the disk is full', 'none', { cause: new Error(canary) })),
  contended: () => Promise.reject(new StoreContended('others changed the same records 50 times in a row')),
  busy: () => Promise.reject(new PasswordPoolBusy(100)),
}

beforeAll(async () => {
  const route = (name: string, path: string, access: Route['access']): Route => ({
    method: 'POST',
    path,
    kind: 'form',
    access,
    endpoint: () => failing[name]?.() as HttpResponse,
  })
  server = await startShell(
    Object.keys(failing).flatMap((name) => [
      route(name, `/oauth/${name}`, 'client'),
      route(name, `/page/${name}`, 'browser'),
      route(name, `/api/v1/${name}`, 'token'),
    ]),
  )
})
afterAll(() => server.shell.close())

function post(path: string): Promise<Response> {
  return fetch(`${server.origin}${path}?q=${canary}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Bearer ${canary}`,
      cookie: `a=${canary}`,
      'user-agent': canary,
    },
    body: `password=${canary}`,
  })
}

describe('G20: what is thrown is never an answer', () => {
  test.each(['thrown', 'rejected', 'json', 'text', 'nothing', 'unheard', 'split'])(
    '%s is a 500 in fixed words',
    async (name) => {
      for (const path of [`/oauth/${name}`, `/page/${name}`, `/api/v1/${name}`]) {
        const answer = await post(path)
        expect(answer.status).toBe(500)
        expect(answer.headers.get('location')).toBeNull()
        expect(answer.headers.get('set-cookie')).toBeNull()
        expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
        expect(await answer.text()).not.toContain(canary)
      }
    },
  )

  test.each(['down', 'contended', 'busy'])('%s is a 503 that says when to come back', async (name) => {
    const waits = new Set<number>()
    for (let round = 0; round < 10; round += 1) {
      for (const path of [`/oauth/${name}`, `/page/${name}`, `/api/v1/${name}`]) {
        const answer = await post(path)
        expect(answer.status).toBe(503)
        waits.add(Number(answer.headers.get('retry-after')))
        expect(await answer.text()).toContain('temporarily_unavailable')
      }
    }
    // FLT-21: not everybody at the same time.
    expect(waits.size).toBeGreaterThan(1)
    for (const wait of waits) expect(wait >= 1 && wait <= 5).toBe(true)
  })

  test('a page carries the reference under which the log knows the failure', async () => {
    const page = await (await post('/page/rejected')).text()
    const reference = /went wrong on our side (\S+)</.exec(page)?.[1] ?? 'none'
    expect(reference).toHaveLength(12)
    await new Promise((resolve) => setTimeout(resolve, 1100))
    const again = /went wrong on our side (\S+)</.exec(await (await post('/page/rejected')).text())?.[1] ?? 'none'
    expect(again).not.toBe(reference)
    expect(server.lines().some((line) => line.includes(again))).toBe(true)
  })

  test('J15: no log line holds a body, a query, a header, or what an error quoted', () => {
    const all = server.lines().join('')
    expect(all).toContain('request.failed')
    expect(all).toContain('request.unavailable')
    expect(all).not.toContain(canary)
  })

  test('what names the failure stays: kind, place, and the words that are ours', () => {
    const lines = server.lines().map((line) => JSON.parse(line) as LogLine)
    const failed = lines.find((line) => line.event === 'request.failed' && line.route.endsWith('/rejected'))
    expect(failed).toMatchObject({ error: { name: 'TypeError', cause: { name: 'Error' } } })
    expect(JSON.stringify(failed)).toMatch(/failures\.test\.ts:\d+/)
    const down = lines.find((line) => line.event === 'request.unavailable' && line.route.endsWith('/down'))
    expect(down).toMatchObject({ error: { name: 'StoreUnavailable', message: 'the disk is full' } })
  })

  test('nobody is left counted as at work', () => expect(server.shell.load().running).toBe(0))
})

test('FLT-25: sign-ins that wait for their turn are at work, so that a stop waits for them too', async () => {
  const seen: number[] = []
  const busy = await startShell([
    {
      method: 'POST',
      path: '/signin',
      kind: 'form',
      access: 'browser',
      priority: 'sign-in',
      endpoint: () => {
        seen.push(busy.shell.load().running)
        return { status: 200, headers: [], body: 'in' }
      },
    },
  ])
  try {
    const head = `POST /signin HTTP/1.1\r\nHost: localhost:${busy.port}\r\n`
    const one = `${head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b`
    await sendRaw(busy.port, one.repeat(4))
    // Whose answer leaves at the end of the turn may still be one of them when the next begins.
    expect(seen.map((running, before) => running >= 4 - before)).toEqual([true, true, true, true])
    expect(busy.shell.load().running).toBe(0)
  } finally {
    await busy.shell.close()
  }
})

test('a client that hears no answer any more is no failure', async () => {
  const gate = Promise.withResolvers<undefined>()
  const slow = await startShell([
    {
      method: 'GET',
      path: '/slow',
      kind: 'none',
      access: 'public',
      endpoint: () => gate.promise.then(() => ({ status: 200, headers: [], body: 'late' })),
    },
  ])
  try {
    const socket = await open(slow.port)
    socket.write(`GET /slow HTTP/1.1\r\nHost: localhost:${slow.port}\r\n\r\n`)
    await expect.poll(() => slow.shell.load().running).toBe(1)
    socket.destroy()
    await expect.poll(() => slow.shell.load().connections).toBe(0)
    gate.resolve(undefined)
    await expect.poll(() => slow.shell.load().running).toBe(0)
    expect(slow.metrics.snapshot().counters.get('aborted_requests')).toBe(1)
    expect(slow.lines().join('')).not.toContain('failed')
  } finally {
    await slow.shell.close()
  }
})

test('a store that is down for long writes ten lines a second, and how many they stand for', () => {
  const lines: LogLine[] = []
  let now = 0
  const failures = createFailureLog(
    { write: (line) => void lines.push(line), verbose: false, flush: () => {} },
    { monotonic: () => now },
  )
  const fail = () =>
    failures.record('request.unavailable', { reference: 'r', route: 'x', error: new StoreUnavailable('down', 'none') })
  for (let n = 0; n < 1000; n += 1) fail()
  expect(lines).toHaveLength(10)
  now = 1000
  fail()
  expect(lines.at(-1)).toMatchObject({ suppressed: 990 })
})

describe('J14: one event is one line, and no terminal obeys it', () => {
  test('control characters, line separators and direction marks come out as text', () => {
    const lines: string[] = []
    const log = createLog({
      level: 'info',
      clock: { millis: () => 0 },
      destination: { write: (line) => void lines.push(line) },
    })
    const nasty = 'a\r\n{"event":"forged"}\u001b[31m\u009b2J\u007f\u0085\u2028\u2029\u202e\ufeff\ud800'
    log.write({
      event: 'request.refused',
      endpoint: 'token',
      error: 'invalid_client',
      reason: 'secret_wrong',
      clientId: nasty,
    })
    log.write({ event: 'config.refused', problems: [nasty] })
    expect(lines).toHaveLength(2)
    for (const line of lines) {
      expect(line.trimEnd()).toMatch(/^[\x20-\x7e\ufffd]+$/)
      expect(line.split('\n')).toHaveLength(2)
      expect(Object.keys(JSON.parse(line) as object)).toContain('time')
    }
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      time: '1970-01-01T00:00:00.000Z',
      event: 'request.refused',
    })
  })

  test('a level leaves out what is below it', () => {
    const lines: string[] = []
    const log = createLog({
      level: 'warn',
      clock: { millis: () => 0 },
      destination: { write: (line) => void lines.push(line) },
    })
    log.write({ event: 'config.reloaded' })
    log.write({ event: 'config.warning', warning: 'w' })
    expect(lines).toHaveLength(1)
    expect(log.verbose).toBe(false)
  })
})

test('an error is described without its message, unless it is ours', () => {
  const error = Object.assign(new SyntaxError(`Unexpected token in ${canary}\n    at fake (/${canary}:1:2)`), {
    code: 'ERR_X',
  })
  const described = describeError(error)
  expect(described).toMatchObject({ name: 'SyntaxError', code: 'ERR_X' })
  expect(JSON.stringify(described)).not.toContain(canary)
  expect(describeError(canary)).toEqual({ name: 'thrown string', frames: [] })
})

describe('what nobody caught', () => {
  function watched() {
    const process = new EventEmitter()
    const done: string[] = []
    const metrics = createMetrics()
    const lines: LogLine[] = []
    const unwatch = watchFaults({
      process,
      metrics,
      log: { write: (line) => void lines.push(line), verbose: false, flush: () => void done.push('flushed') },
      refuseWork: () => void done.push('refused'),
      exit: (code) => void done.push(`exit ${code}`),
    })
    return { process, done, metrics, lines, unwatch }
  }

  test('J18: a rejection is counted and logged, and the process lives', () => {
    const { process, done, metrics, lines } = watched()
    process.emit('unhandledRejection', new Error(canary))
    expect(done).toEqual([])
    expect(metrics.snapshot().counters.get('unhandled_rejections')).toBe(1)
    expect(lines).toMatchObject([{ event: 'process.unhandled_rejection' }])
    expect(JSON.stringify(lines)).not.toContain(canary)
  })

  test('an exception refuses new work, is logged, and ends the process with 1', () => {
    const { process, done, lines } = watched()
    process.emit('uncaughtException', new Error(canary))
    expect(done).toEqual(['refused', 'flushed', 'exit 1'])
    expect(lines).toMatchObject([{ event: 'process.uncaught_exception' }])
  })

  test('the watch can be taken off', () => {
    const { process, unwatch } = watched()
    unwatch()
    expect(process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection')).toBe(0)
  })
})

test('an address that is taken says so, and the mend', async () => {
  const { createShell } = await import('../../src/server/http.ts')
  expect(createShell).toBeTypeOf('function')
  const { listenOn } = await import('../../src/server/listen-on.ts')
  const { createServer } = await import('node:net')
  const second = createServer()
  await expect(listenOn(second, { host: '127.0.0.1', port: server.port })).rejects.toThrow(
    `127.0.0.1:${server.port} is taken by another program: stop it, or choose another with --port`,
  )
  await expect(listenOn(second, { host: '192.0.2.1', port: 0 })).rejects.toThrow('is no address of this machine')
})

test('the server lives: the next honest request is answered', async () => {
  expect(statusOf(await sendRaw(server.port, `GET /nothing HTTP/1.1\r\nHost: localhost:${server.port}\r\n\r\n`))).toBe(
    404,
  )
})
