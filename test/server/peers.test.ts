import { afterEach, describe, expect, test } from 'vitest'
import { createHostCheck } from '../../src/server/host.ts'
import { scanHeaders } from '../../src/server/headers.ts'
import { createPeers } from '../../src/server/peer.ts'
import type { Peer } from '../../src/protocol/http.ts'
import type { Route } from '../../src/server/route.ts'
import { sendRaw, statusOf } from './support/raw.ts'
import { startShell, type TestShell } from './support/shell.ts'

const whoAmI: Route = {
  method: 'GET',
  path: '/who',
  kind: 'none',
  access: 'public',
  endpoint: ({ peer }) => ({ status: 200, headers: [], body: JSON.stringify(peer) }),
}
const health: Route = { ...whoAmI, path: '/healthz', access: 'operator', anyHost: true }

let server: TestShell | undefined
afterEach(async () => {
  await server?.shell.close()
  server = undefined
})

async function ask(headers: string, options: Parameters<typeof startShell>[1] = {}, path = '/who') {
  server ??= await startShell([whoAmI, health], options)
  const host = /^host:/im.test(headers) ? '' : `Host: localhost:${server.port}\r\n`
  const answer = await sendRaw(server.port, `GET ${path} HTTP/1.1\r\n${host}Connection: close\r\n${headers}\r\n`)
  const body = answer.text.split('\r\n\r\n')[1] ?? ''
  return { status: statusOf(answer), peer: (body.startsWith('{') ? JSON.parse(body) : {}) as Partial<Peer> }
}

describe('G10: whose address counts', () => {
  test('the socket’s, whatever a stranger writes', async () => {
    for (const value of ['203.0.113.9', 'a', '', '127.0.0.1', '203.0.113.9, 10.0.0.1']) {
      const { peer } = await ask(`X-Forwarded-For: ${value}\r\n`)
      expect(peer).toEqual({
        address: '127.0.0.1',
        socketAddress: '127.0.0.1',
        localAddress: '127.0.0.1',
        forwarded: true,
      })
    }
    expect((await ask('')).peer.forwarded).toBe(false)
  })

  const behind = { trustedProxies: ['127.0.0.1', '10.0.0.0/8', '2001:db8::/32'] }
  test.each([
    ['203.0.113.9', '203.0.113.9'],
    // What the client wrote stands left of what the proxy saw.
    ['198.51.100.1, 203.0.113.9', '203.0.113.9'],
    ['203.0.113.9, 10.1.2.3', '203.0.113.9'],
    ['198.51.100.1, 203.0.113.9, 10.1.2.3, 10.9.9.9', '203.0.113.9'],
    ['203.0.113.9:4711', '203.0.113.9'],
    ['[2a00::9]:4711', '2a00::9'],
    ['2a00::9, 2001:db8::1', '2a00::9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    // Everybody is trusted: the farthest of them.
    ['10.1.2.3, 10.9.9.9', '10.1.2.3'],
  ])('behind a trusted proxy, %s is %s', async (list, address) => {
    expect((await ask(`X-Forwarded-For: ${list}\r\n`, behind)).peer.address).toBe(address)
  })

  test.each([
    'a',
    '203.0.113.9, a',
    '',
    ',',
    '203.0.113.9,',
    'unknown',
    '203.0.113.999',
    '0x7f.1',
    '2130706433',
    '203.0.113.9 10.0.0.1',
    'fe80::1%eth0',
    Array.from({ length: 40 }, () => '10.0.0.1').join(','),
  ])('what can’t be read (%s) leaves the proxy’s own address', async (list) =>
    expect((await ask(`X-Forwarded-For: ${list}\r\n`, behind)).peer.address).toBe('127.0.0.1'),
  )

  test('several lines are one list', async () => {
    const { peer } = await ask('X-Forwarded-For: 198.51.100.1\r\nx-forwarded-for: 203.0.113.9\r\n', behind)
    expect(peer.address).toBe('203.0.113.9')
  })

  test('no other header names an address', async () => {
    const { peer } = await ask(
      'X-Real-IP: 203.0.113.9\r\nForwarded: for=203.0.113.9\r\nTrue-Client-IP: 203.0.113.9\r\nX_Forwarded_For: 203.0.113.9\r\n',
      behind,
    )
    expect(peer).toMatchObject({ address: '127.0.0.1', forwarded: true })
  })

  test('an IPv4 peer of an IPv6 socket is named as IPv4, and trusted as such', () => {
    const peers = createPeers(['10.0.0.0/8'])
    const ends = peers.ends('::ffff:10.1.2.3', '::ffff:10.0.0.1')
    expect(ends.trusted).toBe(true)
    expect(peers.of(ends, { 'x-forwarded-for': '203.0.113.9' }, true)).toEqual({
      address: '203.0.113.9',
      socketAddress: '10.1.2.3',
      localAddress: '10.0.0.1',
      forwarded: true,
    })
  })
})

test.each([
  'X-Forwarded-For',
  'x-forwarded-host',
  'X-Forwarded-Proto',
  'X-Forwarded',
  'X-Forwarded-Anything',
  'X_Forwarded_User',
  'x-FORWARDED_for',
  'Forwarded',
  'Via',
  'X-Real-IP',
  'X_Real_IP',
  'True-Client-IP',
  'CF-Connecting-IP',
  'Client-IP',
  'X-Client-IP',
  'X-Cluster-Client-IP',
  'Fastly-Client-IP',
  'X-Original-URL',
  'X-Original-URI',
  'X-Original-Forwarded-For',
  'X-Rewrite-URL',
  'X-Host',
  'X-Envoy-External-Address',
  'CDN-Loop',
])('G13: %s is a proxy’s mark', (name) => {
  expect(scanHeaders(['Host', 'a', name, 'b'], { host: 'a', [name]: 'b' }).forwarded).toBe(true)
})

test.each([
  'X-Requested-With',
  'Content-Type',
  'Cookie',
  'Connection',
  'From',
  'TE',
  'Traceparent',
  'X-Request-Id',
  'Vary',
  'Cache-Control',
])('%s is none', (name) =>
  expect(scanHeaders(['Host', 'a', name, 'b'], { host: 'a', [name]: 'b' }).forwarded).toBe(false),
)

describe('G08: a foreign Host is misdirected', () => {
  test.each([
    'evil.example',
    'localhost',
    'localhost:1',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.2',
    '[::1',
    'localhost:8080@evil.example',
    'localhost:8080.',
    'evil.example:8080',
    '',
  ])('421 for "%s" on a loopback issuer', async (host) => expect((await ask(`Host: ${host}\r\n`)).status).toBe(421))

  test('a loopback issuer answers to every name of this machine', async () => {
    server = await startShell([whoAmI])
    for (const host of ['localhost', '127.0.0.1', '[::1]', 'LOCALHOST']) {
      for (const port of [8080, server.port]) {
        expect((await ask(`Host: ${host}:${port}\r\n`)).status).toBe(200)
      }
    }
  })

  const remote = { issuer: 'https://login.example.org', extraHosts: ['Login.Internal:8443'] }
  test.each(['login.example.org', 'LOGIN.example.org', 'login.example.org:443', 'login.internal:8443'])(
    '200 for %s',
    async (host) => {
      expect((await ask(`Host: ${host}\r\n`, remote)).status).toBe(200)
    },
  )
  test.each([
    'localhost',
    '127.0.0.1',
    'login.example.org:80',
    'login.example.org.',
    'xlogin.example.org',
    'login.internal',
  ])('421 for %s', async (host) => {
    expect((await ask(`Host: ${host}\r\n`, remote)).status).toBe(421)
    expect((await ask(`Host: localhost:${server?.port}\r\n`, remote)).status).toBe(421)
    expect((await ask(`Host: ${host}\r\nX-Forwarded-Host: login.example.org\r\n`, remote)).status).toBe(421)
  })

  test('health is answered for every Host, and for a probe that names none', async () => {
    expect((await ask('Host: 10.0.0.7:8080\r\n', remote, '/healthz')).status).toBe(200)
    const probe = await sendRaw(server?.port ?? 0, 'GET /healthz HTTP/1.0\r\n\r\n')
    expect(statusOf(probe)).toBe(200)
    // RFC 9112 §3.2: HTTP/1.1 always names one.
    expect(statusOf(await sendRaw(server?.port ?? 0, 'GET /healthz HTTP/1.1\r\n\r\n'))).toBe(400)
  })

  test('ports are compared as the issuer’s scheme means them', () => {
    const check = createHostCheck('http://localhost')
    expect(check('localhost', 3000)).toBe(true)
    expect(check('localhost:80', 3000)).toBe(true)
    expect(check('127.0.0.1', 3000)).toBe(true)
    expect(check('localhost:3000', 3000)).toBe(true)
    expect(check('localhost:443', 3000)).toBe(false)
  })
})

test('G14: with an https issuer every answer asks for https, whatever X-Forwarded-Proto says', async () => {
  server = await startShell([whoAmI], { issuer: 'https://login.example.org' })
  const answer = await sendRaw(
    server.port,
    'GET /who HTTP/1.1\r\nHost: login.example.org\r\nX-Forwarded-Proto: http\r\n\r\n',
  )
  expect(answer.text).toContain('strict-transport-security: max-age=31536000')
  await server.shell.close()
  server = await startShell([whoAmI])
  const local = await sendRaw(server.port, `GET /who HTTP/1.1\r\nHost: localhost:${server.port}\r\n\r\n`)
  expect(local.text).not.toContain('strict-transport-security')
})
