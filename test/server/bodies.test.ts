import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Route } from '../../src/server/route.ts'
import { open, sendRaw, statusOf } from './support/raw.ts'
import { startShell, type TestShell } from './support/shell.ts'

let server: TestShell
const reached: string[] = []
const formType = 'application/x-www-form-urlencoded'

beforeAll(async () => {
  const echo = (over: Partial<Route> & Pick<Route, 'path' | 'kind'>): Route => ({
    method: 'POST',
    access: 'client',
    endpoint: ({ body }) => {
      reached.push(body)
      return { status: 200, headers: [['content-type', 'text/plain; charset=utf-8']], body }
    },
    ...over,
  })
  server = await startShell([
    echo({ path: '/form', kind: 'form' }),
    echo({ path: '/json', kind: 'json' }),
    echo({ path: '/none', kind: 'none' }),
    echo({ path: '/small', kind: 'form', bodyLimit: 10 }),
    echo({ path: '/api/v1/things', kind: 'json' }),
    echo({ path: '/page', kind: 'form', access: 'browser' }),
  ])
})
afterAll(() => server.shell.close())

function send(
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string>,
): Promise<Response> {
  return fetch(`${server.origin}${path}`, { method: 'POST', body, headers })
}

describe('J06: a body is read only as what its route wants', () => {
  test.each([
    formType,
    `${formType};charset=utf-8`,
    `${formType}; charset="UTF-8"`,
    'Application/X-WWW-Form-Urlencoded',
  ])('a form as %s', async (type) =>
    expect(await (await send('/form', 'a=b', { 'content-type': type })).text()).toBe('a=b'),
  )

  test.each([
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
    `${formType}; charset=utf-7`,
    `${formType}; charset=iso-8859-1`,
    `${formType}; charset=utf-8; charset=utf-7`,
    `${formType}; boundary=x`,
    `${formType}, application/json`,
    'application/x-www-form-urlencoded2',
    '',
  ])('415 for a form as "%s"', async (type) => {
    reached.length = 0
    const raw = `POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: 3\r\n\r\na=b`
    const answer = await sendRaw(server.port, raw.replace('localhost', `localhost:${server.port}`))
    expect(statusOf(answer)).toBe(415)
    expect(reached).toEqual([])
    // The rest of the connection is still understood.
    expect(answer.closed).toBe(false)
  })

  test('415 without a type', async () => {
    const answer = await sendRaw(
      server.port,
      `POST /form HTTP/1.1\r\nHost: localhost:${server.port}\r\nContent-Length: 3\r\n\r\na=b`,
    )
    expect(statusOf(answer)).toBe(415)
  })

  test.each(['gzip', 'identity', 'br', 'x'])('415 for Content-Encoding: %s', async (encoding) => {
    const answer = await send('/form', Uint8Array.from(gzipSync('a=b')), {
      'content-type': formType,
      'content-encoding': encoding,
    })
    expect(answer.status).toBe(415)
  })

  test('JSON where JSON is wanted, and nothing else', async () => {
    expect((await send('/json', '{}', { 'content-type': 'application/json' })).status).toBe(200)
    expect((await send('/json', 'a=b', { 'content-type': formType })).status).toBe(415)
    expect((await send('/json', '{}', { 'content-type': 'application/json; charset=utf-16' })).status).toBe(415)
  })

  test('no body at all needs no type', async () => {
    for (const path of ['/form', '/json', '/none']) {
      expect((await fetch(`${server.origin}${path}`, { method: 'POST' })).status).toBe(200)
    }
  })

  test('400 for a body where none is wanted', async () => {
    expect((await send('/none', 'a=b', { 'content-type': formType })).status).toBe(400)
  })
})

describe('J03: bodies are UTF-8, strictly', () => {
  const bytes = (...list: number[]) => Uint8Array.from(list)
  test.each([
    ['an overlong slash', bytes(0xc0, 0xaf)],
    ['a lone surrogate', bytes(0xed, 0xa0, 0x80)],
    ['past the last code point', bytes(0xf4, 0x90, 0x80, 0x80)],
    ['a cut sequence', bytes(0x61, 0xe2, 0x82)],
    ['latin1', bytes(0x61, 0xe9)],
  ])('400 for %s', async (_, body) => {
    reached.length = 0
    expect((await send('/form', body, { 'content-type': formType })).status).toBe(400)
    expect(reached).toEqual([])
  })

  test('what is right arrives as it was, however it is cut', async () => {
    const text = 'name=Zoë €😀'
    const raw = Buffer.from(text)
    const head = `POST /form HTTP/1.1\r\nHost: localhost:${server.port}\r\nContent-Type: ${formType}\r\nContent-Length: ${raw.length}\r\n\r\n`
    const socket = await open(server.port)
    socket.write(head)
    for (const byte of raw) {
      socket.write(Buffer.of(byte))
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    const answer = await new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(chunk.toString())))
    socket.destroy()
    expect(answer.endsWith(text)).toBe(true)
  })
})

describe('J04: bodies have limits', () => {
  test('64 KiB of form and not a byte more', async () => {
    expect((await send('/form', 'a'.repeat(65_536), { 'content-type': formType })).status).toBe(200)
    expect((await send('/form', 'a'.repeat(65_537), { 'content-type': formType })).status).toBe(413)
  })

  test('1 MiB of JSON, and what a route says itself', async () => {
    expect((await send('/json', 'a'.repeat(1_048_576), { 'content-type': 'application/json' })).status).toBe(200)
    expect((await send('/json', 'a'.repeat(1_048_577), { 'content-type': 'application/json' })).status).toBe(413)
    expect((await send('/small', 'a'.repeat(11), { 'content-type': formType })).status).toBe(413)
  })

  test('413 for ten megabytes reaches a client that is still sending', async () => {
    for (let round = 0; round < 5; round += 1) {
      expect((await send('/form', 'a'.repeat(10_000_000), { 'content-type': formType })).status).toBe(413)
    }
  })

  test('413 for a declared gigabyte at once, before any of it came', async () => {
    const head = `POST /form HTTP/1.1\r\nHost: localhost:${server.port}\r\nContent-Type: ${formType}\r\nContent-Length: 1000000000\r\n\r\n`
    expect(statusOf(await sendRaw(server.port, head))).toBe(413)
  })

  test('413 for chunks without end: nothing of them is kept, and in the end the connection is cut', async () => {
    const socket = await open(server.port)
    let text = ''
    socket.on('data', (chunk) => (text += chunk.toString()))
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => {})
    const chunk = `10000\r\n${'a'.repeat(65_536)}\r\n`
    const before = buffersAfterCollection()
    socket.write(
      `POST /form HTTP/1.1\r\nHost: localhost:${server.port}\r\nContent-Type: ${formType}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    )
    let sent = 0
    const sendUpTo = async (bytes: number) => {
      while (!socket.destroyed && sent < bytes) {
        sent += chunk.length
        if (!socket.write(chunk)) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed])
      }
    }
    await sendUpTo(7_500_000)
    // What is on its way through is a few blocks of 64 KiB, not yet collected.
    expect(buffersAfterCollection() - before).toBeLessThan(5_000_000)
    await sendUpTo(64_000_000)
    await closed
    expect(text).toMatch(/^HTTP\/1\.1 413 /)
    expect(sent).toBeLessThan(20_000_000)
    // Refused once, not once a chunk.
    expect(server.metrics.snapshot().counters.get('aborted_requests')).toBe(0)
  })
})

function buffersAfterCollection(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().arrayBuffers
}

test('errors are in the form of their route', async () => {
  const type = { 'content-type': 'text/plain' }
  const api = await send('/api/v1/things', 'x', type)
  expect(api.headers.get('content-type')).toBe('application/problem+json')
  expect(await api.json()).toMatchObject({ status: 415, code: 'unsupported_media_type' })
  const page = await send('/page', 'x', type)
  expect(page.headers.get('content-type')).toContain('text/html')
  expect(await page.text()).toContain('data-error="invalid_request"')
  const oauth = await send('/form', 'x', type)
  expect(await oauth.json()).toMatchObject({ error: 'invalid_request' })
  for (const answer of [api, page, oauth]) expect(answer.headers.get('cache-control')).toBe('no-store')
})

test('a client that goes away in the middle of a body calls no endpoint and holds nothing', async () => {
  reached.length = 0
  const socket = await open(server.port)
  socket.write(
    `POST /form HTTP/1.1\r\nHost: localhost:${server.port}\r\nContent-Type: ${formType}\r\nContent-Length: 100\r\n\r\na=`,
  )
  await new Promise((resolve) => setTimeout(resolve, 30))
  socket.destroy()
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(reached).toEqual([])
  expect(server.shell.load().running).toBe(0)
  expect((await send('/form', 'a=b', { 'content-type': formType })).status).toBe(200)
})
