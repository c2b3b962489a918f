import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { judgePath } from '../../src/server/target.ts'
import { createRouteTable, methodsOf } from '../../src/server/route-table.ts'
import type { Route } from '../../src/server/route.ts'
import { sendRaw, statusOf } from './support/raw.ts'
import { startShell, type TestShell } from './support/shell.ts'
import { quickest } from '../kit/quickest.ts'

let server: TestShell

function route(method: Route['method'], path: string, more: Partial<Route> = {}): Route {
  return {
    method,
    path,
    kind: method === 'GET' ? 'none' : 'form',
    access: 'public',
    endpoint: ({ params, query, method: asked, path: at }) => ({
      status: 200,
      headers: [['content-type', 'application/json']],
      body: JSON.stringify({ params, query, method: asked, path: at }),
    }),
    ...more,
  }
}

beforeAll(async () => {
  server = await startShell([
    route('GET', '/oauth/authorize', { access: 'browser' }),
    route('POST', '/oauth/authorize', { access: 'browser' }),
    route('POST', '/oauth/token', { access: 'client', cors: 'public' }),
    route('GET', '/jwks.json', { cors: 'public', head: true }),
    route('GET', '/api/v1/users', { access: 'token' }),
    route('GET', '/api/v1/users/:id', { access: 'token' }),
    route('PATCH', '/api/v1/users/:id', { access: 'token', kind: 'json' }),
    route('DELETE', '/api/v1/users/:id', { access: 'token', kind: 'none' }),
    route('GET', '/', { access: 'browser' }),
  ])
})
afterAll(() => server.shell.close())

const get = (target: string, headers = '') =>
  sendRaw(
    server.port,
    `GET ${target} HTTP/1.1\r\nHost: localhost:${server.port}\r\nConnection: close\r\n${headers}\r\n`,
  )

describe('A32: a route has one spelling', () => {
  test.each([
    '/oauth/authorize/',
    '//oauth/authorize',
    '/oauth//authorize',
    '/oauth/authorize;a=b',
    '/oauth;x/authorize',
    '/OAuth/Authorize',
    '/oauth/%61uthorize',
    '/%6Fauth/authorize',
    '/oauth%2Fauthorize',
    '/oauth%2fauthorize',
    '/./oauth/authorize',
    '/x/../oauth/authorize',
    '/x/%2E%2E/oauth/authorize',
    '/oauth/authorize/.',
    '/api/v1/users;role=admin/1',
    '/api/v1/users/1/',
    '/api/v1/users/%2e%2e',
    '/api/v1/users/a%3bb',
  ])('404 for %s', async (target) => expect(statusOf(await get(target))).toBe(404))

  test.each([
    '/oauth/%',
    '/oauth/%zz',
    '/oauth/%00',
    '/api/v1/users/a%0d%0ab',
    '/api/v1/users/%E2%80%A8',
    '/api/v1/users/%ff',
    '/api/v1/users/%C0%AF',
    '/api/v1/users/%ED%A0%80',
    '\\oauth\\authorize',
    '/oauth\\authorize',
    '/api/v1/users/"',
    '/a|b',
    '*',
    'oauth/authorize',
  ])('G22, J03: 400 for %s', async (target) => expect(statusOf(await get(target))).toBe(400))

  test('the canonical one is served, with its query untouched', async () => {
    const answer = await get('/oauth/authorize?scope=a%20b&x=%00&y[]=1&__proto__[isAdmin]=1')
    expect(answer.text).toContain(JSON.stringify('scope=a%20b&x=%00&y[]=1&__proto__[isAdmin]=1'))
    expect('isAdmin' in {}).toBe(false)
  })

  test('a segment may hold what must be escaped, in its one spelling', async () => {
    const answer = await get('/api/v1/users/https%3A%2F%2Fapi.example%2F%C3%A9')
    expect(JSON.parse(Buffer.from(answer.text.split('\r\n\r\n')[1] ?? '', 'latin1').toString())).toMatchObject({
      params: { id: 'https://api.example/é' },
    })
  })

  test('404 for what is too long to be an id', async () => {
    expect(statusOf(await get(`/api/v1/users/${'a'.repeat(2048)}`))).toBe(200)
    expect(statusOf(await get(`/api/v1/users/${'a'.repeat(2049)}`))).toBe(404)
  })

  test('judgement of paths', () => {
    for (const path of ['/', '/a', '/a.b/c-d_e~f', "/a:b@c!d$e&f'g(h)i*j+k,l=m", '/...', '/%E2%82%AC', '/%3B']) {
      expect([path, judgePath(path)]).toEqual([path, 'canonical'])
    }
    for (const path of [
      '/a/',
      '//',
      '/a//b',
      '/.',
      '/..',
      '/a/./b',
      '/a;b',
      '/%61',
      '/%7E',
      '/%7e',
      '/%2D',
      '/%5F',
      '/%e2%82%ac',
      '/%3b',
      '/%30',
    ]) {
      expect([path, judgePath(path)]).toEqual([path, 'alias'])
    }
    for (const path of [
      '',
      'a',
      '/%',
      '/%4',
      '/%GG',
      '/%1F',
      '/%7F',
      '/%C2%85',
      '/%80',
      '/a b',
      '/é',
      '/a?b',
      '/a#b',
      '/[a]',
    ]) {
      expect([path, judgePath(path)]).toEqual([path, 'malformed'])
    }
  })

  test('no path takes long to judge', async () => {
    for (const path of [
      '/'.repeat(15_000),
      '/a'.repeat(7_500),
      '/%2E'.repeat(3_700),
      `/${'.'.repeat(15_000)}/`,
      `/${'%41'.repeat(5_000)}%`,
    ]) {
      expect(await quickest(() => judgePath(path), { enough: 50 })).toBeLessThan(50)
    }
  })
})

describe('J07: methods', () => {
  const ask = (method: string, target: string, headers = '') =>
    sendRaw(
      server.port,
      `${method} ${target} HTTP/1.1\r\nHost: localhost:${server.port}\r\nConnection: close\r\n${headers}\r\n`,
    )

  test.each([
    ['PUT', '/oauth/token', 'POST, OPTIONS'],
    ['DELETE', '/oauth/token', 'POST, OPTIONS'],
    ['PATCH', '/oauth/token', 'POST, OPTIONS'],
    ['GET', '/oauth/token', 'POST, OPTIONS'],
    ['TRACE', '/oauth/token', 'POST, OPTIONS'],
    ['PROPFIND', '/oauth/token', 'POST, OPTIONS'],
    ['PURGE', '/jwks.json', 'GET, HEAD, OPTIONS'],
    ['HEAD', '/oauth/authorize', 'GET, POST'],
    ['OPTIONS', '/oauth/authorize', 'GET, POST'],
    ['POST', '/api/v1/users/1', 'GET, PATCH, DELETE'],
  ])('%s %s is 405 and Allow: %s', async (method, target, allow) => {
    const answer = await ask(method, target)
    expect(statusOf(answer)).toBe(405)
    expect(answer.text).toContain(`allow: ${allow}\r\n`)
  })

  test('CONNECT opens no tunnel', async () => {
    const answer = await sendRaw(server.port, `CONNECT localhost:22 HTTP/1.1\r\nHost: localhost:${server.port}\r\n\r\n`)
    expect(statusOf(answer)).toBe(405)
    expect(answer.closed).toBe(true)
  })

  test('CONNECT and a reset at once end no process, and whoever keeps his side open holds no place', async () => {
    const unheard: unknown[] = []
    const hear = (error: unknown): void => void unheard.push(error)
    process.on('uncaughtExceptionMonitor', hear)
    const asked = `CONNECT localhost:22 HTTP/1.1\r\nHost: localhost:${server.port}\r\n\r\n`
    for (let times = 0; times < 8; times += 1) {
      const socket = connect(server.port, '127.0.0.1').on('error', () => {})
      await once(socket, 'connect')
      await new Promise((written) => socket.write(asked, written))
      socket.resetAndDestroy()
      await pause(5)
    }
    const held = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {})
    held.resume().write(asked)
    await once(held, 'end')
    await expect.poll(() => server.shell.load().connections).toBe(0)
    held.destroy()
    process.off('uncaughtExceptionMonitor', hear)
    expect(unheard).toEqual([])
  })

  test('TRACE sends nothing back of what it was sent', async () => {
    expect((await ask('TRACE', '/jwks.json', 'Cookie: secret-cookie\r\n')).text).not.toContain('secret-cookie')
  })

  test.each(['X-HTTP-Method-Override: DELETE', 'X-HTTP-Method: DELETE', 'X-Method-Override: DELETE'])(
    '%s changes nothing',
    async (header) => {
      const answer = await ask('GET', '/api/v1/users/1?_method=DELETE', `${header}\r\n`)
      expect(answer.text).toContain('"method":"GET"')
    },
  )

  test('HEAD is GET without the body, only where a route says so', async () => {
    const [head, full] = [await ask('HEAD', '/jwks.json'), await ask('GET', '/jwks.json')]
    expect(statusOf(head)).toBe(200)
    const length = /content-length: (\d+)/.exec(full.text)?.[1]
    expect(head.text).toContain(`content-length: ${length}`)
    expect(head.text.endsWith('\r\n\r\n')).toBe(true)
    expect(statusOf(await ask('HEAD', '/api/v1/users'))).toBe(405)
  })
})

describe('G11: a header never names another path', () => {
  test.each(['X-Original-URI', 'X-Original-URL', 'X-Rewrite-URL', 'X-Forwarded-Uri', 'X-Forwarded-Path'])(
    '%s',
    async (name) => {
      const answer = await get('/api/v1/users', `${name}: /jwks.json\r\n`)
      expect(answer.text).toContain('"path":"/api/v1/users"')
    },
  )
})

describe('G07: CORS', () => {
  const preflight = (target: string, origin: string) =>
    fetch(`${server.origin}${target}`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    })

  test('a preflight of an open route allows every origin, and never credentials', async () => {
    const answer = await preflight('/oauth/token', 'https://spa.example')
    expect(answer.status).toBe(204)
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
    expect(answer.headers.get('access-control-allow-methods')).toBe('POST, OPTIONS')
  })

  test.each(['/oauth/authorize', '/api/v1/users', '/', '/nothing'])('%s has none, for nobody', async (target) => {
    for (const origin of ['https://evil.example', 'null', 'http://localhost:8080']) {
      for (const answer of [
        await preflight(target, origin),
        await fetch(`${server.origin}${target}`, { headers: { origin } }),
      ]) {
        expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
      }
    }
  })

  test('an opaque origin is refused where tokens are', async () => {
    const asked = await preflight('/oauth/token', 'null')
    expect(asked.status).toBe(403)
    expect(asked.headers.get('access-control-allow-origin')).toBeNull()
    const answer = await fetch(`${server.origin}/oauth/token`, { method: 'POST', headers: { origin: 'null' } })
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('G09: a document for everybody is byte for byte the same for everybody', async () => {
    const plain = await get('/jwks.json')
    const odd = await get(
      '/jwks.json',
      'Origin: null\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: http\r\nForwarded: host=evil.example\r\nAccept: text/html\r\nAccept-Language: de\r\nUser-Agent: GoogleHC/1.0\r\n',
    )
    const withoutDate = (text: string) => text.replace(/date: .*\r\n/i, '')
    expect(withoutDate(odd.text)).toBe(withoutDate(plain.text))
  })
})

test('unknown paths: JSON for programs, a page for people, a problem below /api/', async () => {
  expect((await get('/nothing')).text).toContain('{"error":"not_found"')
  expect((await get('/nothing', 'Accept: text/html\r\n')).text).toContain('data-error="not_found"')
  expect((await get('/api/nothing', 'Accept: text/html\r\n')).text).toContain('"code":"not_found"')
})

describe('the table of routes', () => {
  test('refuses two routes for the same requests, whatever their parameters are called', () => {
    expect(() => createRouteTable([route('GET', '/a'), route('GET', '/a')])).toThrow('two routes for GET /a')
    expect(() => createRouteTable([route('GET', '/a/:b'), route('GET', '/a/:c')])).toThrow('two routes')
    createRouteTable([route('GET', '/a/:b'), route('DELETE', '/a/:c'), route('GET', '/a/:b/c')])
  })

  test('refuses a route that another is with a parameter filled in: both would answer there', () => {
    const doubled = [route('DELETE', '/a/:b'), route('POST', '/a/b')]
    expect(() => createRouteTable(doubled)).toThrow('two routes for /a/b: it is also /a/:b')
  })

  test('finds all methods of a path', () => {
    const table = createRouteTable([
      route('GET', '/a/:b'),
      route('DELETE', '/a/:c'),
      route('GET', '/b'),
      route('GET', '/a/:b/c'),
    ])
    expect(methodsOf(table.at('/a/x').routes)).toEqual(['GET', 'DELETE'])
    expect(methodsOf(table.at('/b').routes)).toEqual(['GET'])
    expect(methodsOf(table.at('/a/x/c').routes)).toEqual(['GET'])
    for (const path of ['/a', '/a/', '/a/x/d', '/a/:', '/'])
      expect([path, table.at(path).routes.map(({ path: at }) => at)]).toEqual([
        path,
        path === '/a/:' ? ['/a/:b', '/a/:c'] : [],
      ])
  })

  test.each([
    ['/a/x', 'GET /a/:b', ['x']],
    ['/a/x/c', 'GET /a/:b/c', ['x']],
    // What is written down goes before a parameter, and one that leads nowhere is tried as a value.
    ['/a/named/c/d', 'GET /a/named/c/d', []],
    ['/a/named', 'GET /a/:b', ['named']],
    ['/a/named/c', 'GET /a/:b/c', ['named']],
    ['/a/x/d/y', 'GET /a/:b/d/:e', ['x', 'y']],
    ['/a/%2F%25/c', 'GET /a/:b/c', ['/%']],
    [`/a/${'x'.repeat(2_048)}`, 'GET /a/:b', ['x'.repeat(2_048)]],
    [`/a/${'x'.repeat(2_049)}`, undefined, []],
    ['/p/x/y/z%20', 'GET /p/:connection/*', ['x', 'y/z ']],
    ['/p/x/', 'GET /p/:connection/*', ['x', '']],
    ['/p/x', undefined, []],
    ['/a/x/c/', undefined, []],
    ['/', undefined, []],
    ['/__proto__/constructor', undefined, []],
  ])('%.30s leads to %s', (path, expected, values) => {
    const paths = ['/a/:b', '/a/:b/c', '/a/:b/d/:e', '/a/named/c/d', '/p/:connection/*']
    const table = createRouteTable(paths.map((each) => route('GET', each)))
    const found = table.at(path)
    expect(found.routes.map((one) => `${one.method} ${one.path}`)).toEqual(expected === undefined ? [] : [expected])
    expect(found.values).toEqual(values)
  })
})
