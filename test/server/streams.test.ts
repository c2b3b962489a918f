import { setTimeout as pause } from 'node:timers/promises'
import { request as ask } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HttpRequest, HttpResponse, Passage } from '../../src/protocol/http.ts'
import type { Route } from '../../src/server/route.ts'
import { open, sendRaw, statusOf } from './support/raw.ts'
import { startShell, type TestShell } from './support/shell.ts'

let server: TestShell
let next: (request: HttpRequest) => Promise<HttpResponse> | HttpResponse = () => answer('')
const answer = (body: string): HttpResponse => ({ status: 200, headers: [], body })

beforeAll(async () => {
  const stream = (method: Route['method'], more: Partial<Route> = {}): Route => ({
    method,
    path: '/pass/:one/*',
    kind: 'stream',
    access: 'token',
    endpoint: (request) => next(request),
    ...more,
  })
  server = await startShell([stream('GET', { head: true }), stream('POST')], { issuer: 'http://localhost' })
})
afterAll(() => server.shell.close())

const head = (target: string, more = '') =>
  `${target} HTTP/1.1\r\nHost: localhost:${server.port}\r\nConnection: close\r\n${more}\r\n`
const get = (path: string) => sendRaw(server.port, head(`GET ${path}`))

describe('everything below a path', () => {
  test.each(['/pass/x/', '/pass/x/a', '/pass/x/a/b/', '/pass/x/%C3%A9'])(
    '%s is there, spelled as it came',
    async (path) => {
      next = (request) => answer(`at ${request.path} of ${request.params['one']}`)
      expect((await get(path)).text).toContain(`at ${path} of x`)
    },
  )

  test.each(['/pass/x', '/pass', '/passx/a/b'])('%s is not', async (path) => {
    expect(statusOf(await get(path))).toBe(404)
  })

  test.each(['/pass/x//a', '/pass/x/../a', '/pass/x/%2e%2E/a', '/pass/x/a%2Fb', '/pass/x/a;b', '/pass/../pass/x/a'])(
    'L3: %s could be read in two ways, and is no request',
    async (path) => {
      let reached = false
      next = () => ((reached = true), answer(''))
      expect(statusOf(await get(path))).toBe(400)
      expect(reached).toBe(false)
    },
  )

  test('RFC 9110 §15.5.6: another method is 405 with Allow', async () => {
    const { text } = await sendRaw(server.port, head('PUT /pass/x/a'))
    expect(text).toMatch(/^HTTP\/1\.1 405 /)
    expect(text.toLowerCase()).toContain('allow: get, head, post')
  })

  test('HEAD stays HEAD, since it is somebody else who answers', async () => {
    next = ({ method }) => ({ status: 200, headers: [['x-method', method]], body: null })
    expect((await sendRaw(server.port, head('HEAD /pass/x/a'))).text).toContain('x-method: HEAD')
  })
})

describe('a body that is passed on', () => {
  test('comes as it is sent, whatever its type', async () => {
    next = async ({ passage, body }) => {
      let seen = ''
      for await (const chunk of passage?.upload ?? []) seen += Buffer.from(chunk).toString('hex')
      return answer(`${body}<${seen}>`)
    }
    const sent = head('POST /pass/x/a', 'Content-Type: image/png\r\nContent-Length: 4\r\n')
    expect((await sendRaw(server.port, Buffer.from(`${sent}\xff\x00ab`, 'latin1'))).text).toContain('<ff006162>')
  })

  test('J04, J06: is refused by its head: too long, packed, or with GET', async () => {
    next = () => answer('')
    const status = async (target: string, more: string) => statusOf(await sendRaw(server.port, head(target, more)))
    expect(await status('POST /pass/x/a', 'Content-Length: 16777217\r\n')).toBe(413)
    expect(await status('POST /pass/x/a', 'Content-Encoding: gzip\r\nContent-Length: 1\r\n')).toBe(415)
    expect(await status('GET /pass/x/a', 'Content-Length: 1\r\n')).toBe(400)
  })

  test('J09: an answer before its end leaves nothing behind that reads as a request', async () => {
    next = async ({ passage }) => {
      for await (const _ of passage?.upload ?? []) break
      return answer('enough')
    }
    const sent = `POST /pass/x/a HTTP/1.1\r\nHost: localhost:${server.port}\r\nContent-Length: 100\r\n\r\n`
    const { text } = await sendRaw(server.port, `${sent}${'GET /pass/x/b HTTP/1.1\r\n\r\n'.padEnd(60, 'x')}`)
    expect(text.split('HTTP/1.1 ')).toHaveLength(2)
    expect(text).toContain('enough')
  })
})

describe('an answer that is passed on', () => {
  const streamed = (stream: AsyncIterable<Uint8Array>): HttpResponse => ({
    status: 200,
    headers: [],
    body: null,
    stream,
  })

  async function* partUntilGone(passage: Passage | undefined, left: () => void) {
    yield Buffer.from('part')
    await new Promise<void>((resolve) => passage?.gone.addEventListener('abort', () => resolve()))
    left()
  }

  test('goes out as it comes', async () => {
    let go: () => void = () => undefined
    next = () =>
      streamed(
        (async function* () {
          yield Buffer.from('one ')
          await new Promise<void>((resolve) => (go = resolve))
          yield Buffer.from('two')
        })(),
      )
    const seen = await new Promise<string>((resolve, reject) => {
      const request = ask({ port: server.port, path: '/pass/x/a', headers: { host: `localhost:${server.port}` } })
      request.on('response', (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString()
          if (text === 'one ') go()
        })
        response.on('end', () => resolve(text))
      })
      request.on('error', reject)
      request.end()
    })
    expect(seen).toBe('one two')
  })

  test('is cut, not ended, when it fails on the way', async () => {
    next = () =>
      streamed(
        (async function* () {
          yield Buffer.from('part')
          await Promise.resolve()
          throw new Error('broken')
        })(),
      )
    const { text, closed } = await get('/pass/x/a')
    expect(closed).toBe(true)
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    expect(text.endsWith('0\r\n\r\n')).toBe(false)
  })

  test('is cut where something broken comes behind it: nothing is said in its middle', async () => {
    let left: () => void = () => undefined
    const leaving = new Promise<void>((resolve) => (left = resolve))
    next = ({ passage }) => streamed(partUntilGone(passage, left))
    const { text, closed } = await sendRaw(server.port, [head('GET /pass/x/a'), 'NO SUCH THING\r\n\r\n'])
    await leaving
    expect(closed).toBe(true)
    expect(text).toMatch(/^HTTP\/1\.1 200 [^]*part\r\n$/)
  })

  test('ends with the connection that CONNECT ends, also where it waits for its turn', async () => {
    let left: () => void = () => undefined
    const leaving = new Promise<void>((resolve) => (left = resolve))
    next = ({ path, passage }) =>
      path.endsWith('slow') ? pause(100, answer('slow')) : streamed(partUntilGone(passage, left))
    const kept = (line: string) => head(line).replace('Connection: close\r\n', '')
    const { text } = await sendRaw(server.port, [kept('GET /pass/x/slow') + kept('GET /pass/x/a'), kept('CONNECT a:1')])
    expect(text).toBe('')
    await leaving
    await expect.poll(() => server.shell.load().running).toBe(0)
  })

  test('and what is broken after its end is answered', async () => {
    next = () =>
      streamed(
        (async function* () {
          yield Buffer.from('whole')
        })(),
      )
    const kept = head('GET /pass/x/a').replace('Connection: close\r\n', '')
    const { text } = await sendRaw(server.port, [kept, 'NO SUCH THING\r\n\r\n'])
    expect(text).toMatch(/whole\r\n0\r\n\r\nHTTP\/1\.1 400 /)
  })

  test('and whoever makes it hears that nobody reads it any more; it counts as running until then', async () => {
    let left: () => void = () => undefined
    const leaving = new Promise<void>((resolve) => (left = resolve))
    next = ({ passage }) => streamed(partUntilGone(passage, left))
    const socket = await open(server.port)
    const answered = new Promise((resolve) => socket.once('data', resolve))
    socket.write(head('GET /pass/x/a'))
    await answered
    expect(server.shell.load().running).toBe(1)
    socket.destroy()
    await leaving
    await expect.poll(() => server.shell.load().running).toBe(0)
  })
})
