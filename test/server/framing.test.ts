import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answersIn, sendRaw, statusOf } from './support/raw.ts'
import { startShell, type TestShell } from './support/shell.ts'

let server: TestShell
const reached: string[] = []

beforeAll(async () => {
  server = await startShell([
    {
      method: 'POST',
      path: '/form',
      kind: 'form',
      access: 'client',
      endpoint: ({ body }) => {
        reached.push(body)
        return { status: 200, headers: [], body: `read ${body}` }
      },
    },
    {
      method: 'GET',
      path: '/page',
      kind: 'none',
      access: 'public',
      endpoint: () => ({ status: 200, headers: [['x-content-type-options', 'nosniff']], body: 'page' }),
    },
    {
      method: 'GET',
      path: '/slow',
      kind: 'none',
      access: 'public',
      endpoint: () => pause(30, { status: 200, headers: [], body: 'slow' }),
    },
  ])
})
afterAll(() => server.shell.close())

const host = () => `Host: localhost:${server.port}\r\n`
const form = 'Content-Type: application/x-www-form-urlencoded\r\n'
const post = (headers: string, body: string) => `POST /form HTTP/1.1\r\n${host()}${form}${headers}\r\n${body}`
const chunked = 'Transfer-Encoding: chunked\r\n'

// What follows each of these on the wire must never be answered as a request of its own.
const smuggled = () => `GET /page HTTP/1.1\r\n${host()}\r\n`

describe('J09: what two parsers may cut in two ways is refused, and the connection ends', () => {
  const cases: Record<string, () => string> = {
    'length and chunked': () => post(`Content-Length: 6\r\n${chunked}`, '0\r\n\r\nG'),
    'chunked and length': () => post(`${chunked}Content-Length: 6\r\n`, '0\r\n\r\nG'),
    'two equal lengths': () => post('Content-Length: 3\r\nContent-Length: 3\r\n', 'a=b'),
    'two different lengths': () => post('Content-Length: 3\r\nContent-Length: 0\r\n', 'a=b'),
    'a list of lengths': () => post('Content-Length: 3, 3\r\n', 'a=b'),
    'a signed length': () => post('Content-Length: +3\r\n', 'a=b'),
    'a hexadecimal length': () => post('Content-Length: 0x3\r\n', 'a=b'),
    'a negative length': () => post('Content-Length: -1\r\n', 'a=b'),
    'a space before the colon': () => post('Content-Length : 3\r\n', 'a=b'),
    'bare LF as line end': () => post('', '').replaceAll('\r\n', '\n'),
    'one bare LF among headers': () => post('X-A: b\nContent-Length: 3\r\n', 'a=b'),
    'a bare CR in a value': () => post('X-A: b\rContent-Length: 3\r\n', 'a=b'),
    'a folded header': () => post('X-A: b\r\n c\r\n', ''),
    'a folded length': () => post('Content-Length:\r\n 3\r\n', 'a=b'),
    'CR in a chunk extension': () => post(chunked, '3;x\ry\r\na=b\r\n0\r\n\r\n'),
    'LF in a chunk extension': () => post(chunked, '3;x\ny\r\na=b\r\n0\r\n\r\n'),
    'chunks ended by LF': () => post(chunked, '3\na=b\n0\n\n'),
    'a chunk size with 0x': () => post(chunked, '0x3\r\na=b\r\n0\r\n\r\n'),
    'a chunk size with a sign': () => post(chunked, '+3\r\na=b\r\n0\r\n\r\n'),
    'a chunk size past 64 bits': () => post(chunked, 'ffffffffffffffff3\r\na=b\r\n0\r\n\r\n'),
    'two codings': () => post('Transfer-Encoding: gzip, chunked\r\n', '3\r\na=b\r\n0\r\n\r\n'),
    'chunked not last': () => post('Transfer-Encoding: chunked, gzip\r\n', '3\r\na=b\r\n0\r\n\r\n'),
    'chunked twice': () => post(`${chunked}${chunked}`, '3\r\na=b\r\n0\r\n\r\n'),
    'an unknown coding': () => post('Transfer-Encoding: xchunked\r\n', '3\r\na=b\r\n0\r\n\r\n'),
    'the identity coding with a length': () => post('Transfer-Encoding: identity\r\nContent-Length: 3\r\n', 'a=b'),
    'chunked in HTTP/1.0': () => post(chunked, '3\r\na=b\r\n0\r\n\r\n').replace('HTTP/1.1', 'HTTP/1.0'),
    'HTTP/0.9': () => 'GET /page\r\n\r\n',
    'HTTP/1.2': () => smuggled().replace('HTTP/1.1', 'HTTP/1.2'),
    'the preface of HTTP/2 (J10)': () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'a NUL in a value': () => post('X-A: b\0c\r\n', ''),
    'a NUL in a name': () => post('X\0A: b\r\n', ''),
    'an empty name': () => post(': b\r\n', ''),
    'a name after a space': () => post(' X-A: b\r\n', ''),
    'no Host': () => 'GET /page HTTP/1.1\r\n\r\n',
    'no Host in HTTP/1.0': () => 'GET /page HTTP/1.0\r\n\r\n',
    'two Hosts': () => `GET /page HTTP/1.1\r\n${host()}${host()}\r\n`,
    'a lower-case method': () => smuggled().replace('GET', 'get'),
    'an unknown method': () => smuggled().replace('GET', 'FOO'),
    'an absolute target': () => smuggled().replace('/page', `http://localhost:${server.port}/page`),
    'a target for somebody else': () => smuggled().replace('/page', 'http://evil.example/page'),
    'a fragment in the target': () => smuggled().replace('/page', '/page?a#b'),
    'a raw byte in the target': () => smuggled().replace('/page', '/page\xe9'),
    'a tab in the target': () => smuggled().replace('/page', '/pa\tge'),
  }
  test.each(Object.entries(cases))('%s', async (_, build) => {
    reached.length = 0
    const answer = await sendRaw(server.port, build() + smuggled())
    expect(statusOf(answer)).toBe(400)
    expect(answersIn(answer)).toBe(1)
    expect(answer.closed).toBe(true)
    expect(reached).toEqual([])
    expect(answer.text).toMatch(/^x-content-type-options: nosniff/im)
    expect(answer.text).not.toMatch(/^(server|x-powered-by):/im)
  })

  test('what came before it on the connection is answered, and nothing in its place', async () => {
    const answer = await sendRaw(server.port, `${smuggled()}${smuggled().replace('HTTP/1.1', 'HTTP/1.x')}`)
    expect(statusOf(answer)).toBe(200)
    expect(answer.text).toContain('page')
    expect(answer.closed).toBe(true)
  })

  test('and the next honest request is answered', async () => {
    const answer = await sendRaw(server.port, post('Content-Length: 3\r\n', 'a=b'))
    expect(statusOf(answer)).toBe(200)
    expect(answer.text).toMatch(/read a=b$/)
    expect(answer.closed).toBe(false)
  })
})

describe('what is right but unusual is served', () => {
  test('what is broken doesn’t overtake the answer to what came before it, and the connection ends with that', async () => {
    const slow = `GET /slow HTTP/1.1\r\n${host()}\r\n`
    for (const broken of ['NO SUCH THING\r\n\r\n', post('Content-Length: +3\r\n', 'a=b'), 'NO\r\n\r\nNO\r\n\r\n']) {
      const answer = await sendRaw(server.port, slow + slow + broken, 200)
      expect([broken, statusOf(answer), answersIn(answer), answer.closed]).toEqual([broken, 200, 2, true])
      expect(answer.text).toMatch(/slow[^]*connection: close[^]*slow$/i)
    }
  })

  test('nor one behind it that is ready and has to wait', async () => {
    const slow = `GET /slow HTTP/1.1\r\n${host()}\r\n`
    const page = await sendRaw(server.port, [slow + smuggled(), 'NO SUCH THING\r\n\r\n'], 200)
    expect(page.text).toMatch(/^HTTP\/1\.1 200 [^]*slowHTTP\/1\.1 200 [^]*page$/)
    const nowhere = await sendRaw(server.port, `${slow}${smuggled().replace('/page', '/nowhere')}NO\r\n\r\n`, 200)
    expect(nowhere.text).toMatch(/^HTTP\/1\.1 200 [^]*slowHTTP\/1\.1 404 /)
    expect([answersIn(page), page.closed, answersIn(nowhere), nowhere.closed]).toEqual([2, true, 2, true])
  })

  test('nor CONNECT: it ends the connection, and with it what waited there', async () => {
    const slow = `GET /slow HTTP/1.1\r\n${host()}\r\n`
    const answer = await sendRaw(server.port, `${slow}CONNECT a:1 HTTP/1.1\r\n${host()}\r\n`, 200)
    expect(answer).toEqual({ text: '', closed: true })
    await expect.poll(() => server.shell.load().running).toBe(0)
  })

  test('what follows something broken is one line in the log, and isn’t served', async () => {
    const malformed = () => server.lines().filter((line) => line.includes('request.malformed')).length
    const slow = `GET /slow HTTP/1.1\r\n${host()}\r\n`
    const before = [malformed(), reached.length]
    const more = [...Array.from({ length: 10 }, () => 'x'), post('Content-Length: 3\r\n', 'a=b')]
    const answer = await sendRaw(server.port, [slow.repeat(2), 'NO\r\n\r\n', ...more], 200)
    expect(answersIn(answer)).toBe(2)
    expect([malformed(), reached.length]).toEqual([(before[0] ?? 0) + 1, before[1]])
  })

  test('a body that breaks behind an answer that isn’t there yet is answered after it', async () => {
    const slow = `GET /slow HTTP/1.1\r\n${host()}\r\n`
    const packets = [slow + post(chunked, 'zz\r\n'), 'and more\r\n\r\n']
    const answer = await sendRaw(server.port, packets, 200)
    expect([statusOf(answer), answersIn(answer), answer.closed]).toEqual([200, 2, true])
    expect(answer.text).toMatch(/slowHTTP\/1\.1 400 [^]*connection: close/i)
    expect(reached).not.toContain('zz')
  })

  test('two requests in one packet get two answers in order', async () => {
    const answer = await sendRaw(server.port, post('Content-Length: 3\r\n', 'a=b') + smuggled())
    expect(answer.text.indexOf('read a=b')).toBeGreaterThan(0)
    expect(answer.text.indexOf('read a=b')).toBeLessThan(answer.text.indexOf('page', answer.text.indexOf('read a=b')))
  })

  test('a chunked form, cut anywhere', async () => {
    const answer = await sendRaw(server.port, post(chunked, '1\r\na\r\n2\r\n=b\r\n0\r\n\r\n'))
    expect(answer.text).toMatch(/read a=b$/)
  })

  test('HTTP/1.0 with a Host, and its connection ends', async () => {
    const answer = await sendRaw(server.port, smuggled().replace('HTTP/1.1', 'HTTP/1.0'))
    expect(statusOf(answer)).toBe(200)
    expect(answer.closed).toBe(true)
  })

  test('trailers are read and forgotten: they can’t add a header', async () => {
    const answer = await sendRaw(server.port, post(chunked, '3\r\na=b\r\n0\r\nAuthorization: Basic x\r\n\r\n'))
    expect(answer.text).toMatch(/read a=b$/)
  })

  test('an offer to speak HTTP/2 in clear is not taken up', async () => {
    const upgrade = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'
    const answer = await sendRaw(server.port, `GET /page HTTP/1.1\r\n${host()}${upgrade}\r\n`)
    expect(statusOf(answer)).toBe(200)
  })
})

describe('headers have limits', () => {
  test('431 beyond 16 KiB', async () => {
    const answer = await sendRaw(server.port, `GET /page HTTP/1.1\r\n${host()}X-A: ${'a'.repeat(17_000)}\r\n\r\n`)
    expect(statusOf(answer)).toBe(431)
    expect(answer.closed).toBe(true)
  })

  test('431 beyond 128 lines, so that none is ever left out unseen', async () => {
    const lines = (count: number) => Array.from({ length: count }, (_, n) => `X-${n}: a\r\n`).join('')
    expect(statusOf(await sendRaw(server.port, `GET /page HTTP/1.1\r\n${host()}${lines(127)}\r\n`))).toBe(200)
    const answer = await sendRaw(server.port, `GET /page HTTP/1.1\r\n${host()}${lines(128)}\r\n`)
    expect(statusOf(answer)).toBe(431)
    expect(answer.closed).toBe(true)
  })

  test.each([
    'Authorization: Basic a',
    'Content-Type: application/x-www-form-urlencoded',
    'Origin: https://a.example',
    'DPoP: a',
    'Content-Encoding: identity',
  ])('400 for a second %s', async (line) => {
    const other = line.replace(/a$/, 'b')
    const answer = await sendRaw(server.port, post(`Content-Length: 0\r\n${line}\r\n${other.toLowerCase()}\r\n`, ''))
    expect(statusOf(answer)).toBe(400)
  })

  test('others may come twice; the endpoint sees both and that they were two', async () => {
    const seen = await startShell([
      {
        method: 'GET',
        path: '/',
        kind: 'none',
        access: 'public',
        endpoint: ({ headers, repeated }) => ({
          status: 200,
          headers: [],
          body: JSON.stringify([headers['x-a'], headers['user-agent'], headers['set-cookie'] ?? 'none', [...repeated]]),
        }),
      },
    ])
    try {
      const lines = 'X-A: b\r\nx-a: c\r\nUser-Agent: d\r\nUser-Agent: e\r\n__proto__: x\r\nSet-Cookie: y\r\n'
      const answer = await sendRaw(seen.port, `GET / HTTP/1.1\r\nHost: localhost:${seen.port}\r\n${lines}\r\n`)
      expect(JSON.parse(answer.text.split('\r\n\r\n')[1] ?? '')).toEqual([
        'b, c',
        'd, e',
        'none',
        ['x-a', 'user-agent'],
      ])
    } finally {
      await seen.shell.close()
    }
  })
})

test('every answer says nosniff and when it was made, and not what made it', async () => {
  for (const path of ['/page', '/nothing']) {
    const answer = await sendRaw(server.port, `GET ${path} HTTP/1.1\r\n${host()}\r\n`)
    expect(answer.text.match(/x-content-type-options: nosniff/gi)).toHaveLength(1)
    expect(answer.text).toMatch(/^date: /im)
    expect(answer.text).not.toMatch(/^(server|x-powered-by):/im)
  }
})

test('Expect: 100-continue is answered where the body is wanted, and only there', async () => {
  const expecting = (length: number) => post(`Expect: 100-continue\r\nContent-Length: ${length}\r\n`, '')
  expect((await sendRaw(server.port, expecting(3))).text).toBe('HTTP/1.1 100 Continue\r\n\r\n')
  const refused = await sendRaw(server.port, expecting(70_000))
  expect(statusOf(refused)).toBe(413)
  expect(refused.text).not.toContain('100 Continue')
  expect(statusOf(await sendRaw(server.port, post('Expect: 200-ok\r\nContent-Length: 0\r\n', '')))).toBe(417)
})
