import { execFile } from 'node:child_process'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOutbound } from '../../src/outbound/create-outbound.ts'
import { OutboundFailed } from '../../src/outbound/outbound-failed.ts'
import { certificate, certificateKey } from './certificate.ts'

const seen: string[] = []
const answers: Record<string, RequestListener> = {
  '/fine': (request, response) => {
    response.setHeader('content-type', 'text/plain')
    response.end(`${request.method} ${request.headers['user-agent']} ${request.headers['accept-encoding']}`)
  },
  '/echo': (request, response) => void request.pipe(response),
  '/elsewhere': (_request, response) => void response.writeHead(307, { location: '/fine' }).end(),
  '/large': (_request, response) => void response.end(Buffer.alloc(70_000, 'x')),
  '/endless': (_request, response) => {
    const drip = setInterval(() => response.write('x'), 20)
    response.on('close', () => clearInterval(drip))
  },
  '/silent': () => undefined,
  '/packed': (_request, response) =>
    void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(10_000_000))),
  '/headers': (_request, response) => {
    for (let at = 0; at < 1000; at += 1) response.setHeader(`x-${at}`, 'a'.repeat(40))
    response.end()
  },
  '/short': (_request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('only this')
    setImmediate(() => response.destroy())
  },
}
const listener: RequestListener = (request, response) => {
  seen.push(request.url ?? '')
  answers[request.url ?? '']?.(request, response)
}

let plain: Server
let secure: ReturnType<typeof createTlsServer>
const listening = async (server: Server | typeof secure): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
let base: string
let tls: string
beforeAll(async () => {
  plain = createServer(listener)
  secure = createTlsServer({ cert: certificate, key: certificateKey }, listener)
  base = `http://127.0.0.1:${await listening(plain)}`
  tls = `https://upstream.test:${await listening(secure)}`
})
afterAll(() => {
  for (const server of [plain, secure]) {
    server.closeAllConnections()
    server.close()
  }
})

const here = async (): Promise<readonly string[]> => ['127.0.0.1']
const outbound = createOutbound({ resolve: here, ca: certificate, deadlineMillis: 400 })
const why = async (request: Promise<unknown>): Promise<string> => {
  const error: unknown = await request.catch((caught: unknown) => caught)
  return error instanceof OutboundFailed ? error.why : `no failure: ${String(error)}`
}
const fetchHere = (path: string) => outbound.fetch({ url: `${base}${path}`, allowInsecure: true })

describe('the guarded fetch', () => {
  it('gives the whole answer, says who asks, and asks for nothing packed', async () => {
    const answer = await fetchHere('/fine')
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('text/plain')
    expect(answer.body.toString()).toBe('GET gatehouse identity')
  })

  it('sends method and body', async () => {
    const answer = await outbound.fetch({ url: `${base}/echo`, method: 'POST', body: 'a=1', allowInsecure: true })
    expect(answer.body.toString()).toBe('a=1')
  })

  it('speaks TLS, and believes certificates only of its authorities', async () => {
    const answer = await outbound.fetch({ url: `${tls}/fine`, allowInsecure: true })
    expect(answer.status).toBe(200)
    const doubting = createOutbound({ resolve: here })
    expect(await why(doubting.fetch({ url: `${tls}/fine`, allowInsecure: true }))).toBe('certificate')
    const wrongName = createOutbound({ resolve: here, ca: certificate })
    const elsewhere = tls.replace('upstream.test', 'other.test')
    expect(await why(wrongName.fetch({ url: `${elsewhere}/fine`, allowInsecure: true }))).toBe('certificate')
  })

  it('F06, F12: refuses a public name whose address is private, without a packet', async () => {
    seen.length = 0
    expect(await why(outbound.fetch({ url: `${tls}/fine` }))).toBe('address')
    const mixed = createOutbound({ resolve: async () => ['93.184.216.34', '127.0.0.1'] })
    expect(await why(mixed.fetch({ url: `${tls}/fine` }))).toBe('address')
    expect(seen).toEqual([])
  })

  it('F06: asks the resolver once, so a second answer changes nothing', async () => {
    let asked = 0
    const rebinding = createOutbound({
      deadlineMillis: 300,
      resolve: async () => {
        asked += 1
        return asked === 1 ? ['93.184.216.34'] : ['127.0.0.1']
      },
    })
    seen.length = 0
    expect(['unreachable', 'timeout']).toContain(await why(rebinding.fetch({ url: `${tls}/fine` })))
    expect({ asked, seen }).toEqual({ asked: 1, seen: [] })
  })

  it.each([
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://[::ffff:7f00:1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://2130706433/',
    'https://0177.0.0.1/',
    'https://0x7f.1/',
    'https://100.64.0.1/',
    'https://0.0.0.0/',
  ])('F07: refuses %s', async (url) => expect(await why(outbound.fetch({ url }))).toBe('address'))

  it.each([
    'http://example.org/',
    'file:///etc/passwd',
    'gopher://example.org/',
    'data:text/plain,x',
    'ftp://example.org',
  ])('F14: refuses %s', async (url) => expect(await why(outbound.fetch({ url }))).toBe('scheme'))

  it.each(['file:///etc/passwd', 'data:text/plain,x'])('F14: refuses %s even where http is allowed', async (url) =>
    expect(await why(outbound.fetch({ url, allowInsecure: true }))).toBe('scheme'),
  )

  it('refuses a user name in the address, and what is no address', async () => {
    expect(await why(outbound.fetch({ url: 'https://a:b@example.org/' }))).toBe('url')
    expect(await why(outbound.fetch({ url: 'calc.exe' }))).toBe('url')
  })

  it.each(['a\nb', 'tok\u0000x', '日本'])('L22: sends nothing with a header that none can be: %j', async (token) => {
    const headers = { authorization: `Bearer ${token}` }
    expect(await why(outbound.fetch({ url: `${base}/fine`, headers, allowInsecure: true }))).toBe('headers')
  })

  it('F16: follows no redirect', async () => {
    seen.length = 0
    expect(await why(fetchHere('/elsewhere'))).toBe('redirect')
    expect(seen).toEqual(['/elsewhere'])
  })

  it.each([
    ['/large', 'too_large'],
    ['/endless', 'timeout'],
    ['/silent', 'timeout'],
    ['/packed', 'encoding'],
    ['/headers', 'too_large'],
    ['/short', 'broken'],
  ])('F13: gives up on %s: %s', async (path, reason) => expect(await why(fetchHere(path))).toBe(reason))

  it('gives up on a resolver that never answers', async () => {
    const stuck = createOutbound({ resolve: () => new Promise(() => undefined), deadlineMillis: 50 })
    expect(await why(stuck.fetch({ url: 'https://example.org/' }))).toBe('timeout')
  })

  it('names host and reason in its error, and nothing that was asked', async () => {
    const request = outbound.fetch({ url: 'https://127.0.0.1/path?code=canary' })
    await expect(request).rejects.toThrow(/^no answer from 127\.0\.0\.1: address$/)
  })

  it('opens an answer to be streamed', async () => {
    const opened = await outbound.open({
      url: `${base}/large`,
      allowInsecure: true,
      signal: AbortSignal.timeout(2000),
    })
    let size = 0
    for await (const chunk of opened.body as AsyncIterable<Buffer>) size += chunk.length
    expect({ status: opened.status, size }).toEqual({ status: 200, size: 70_000 })
  })

  it('F15: takes no proxy from the environment, though Node does', async () => {
    const proxied: string[] = []
    const proxy = createServer((request, response) => {
      proxied.push(request.url ?? '')
      response.end()
    })
    // Node's own fetch asks for a tunnel.
    proxy.on('connect', (request, socket) => {
      proxied.push(request.url ?? '')
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    })
    const port = await listening(proxy)
    const script = `
      import { createOutbound } from ${JSON.stringify(new URL('../../src/outbound/create-outbound.ts', import.meta.url).href)}
      const answer = await createOutbound().fetch({ url: ${JSON.stringify(`${base}/fine`)}, allowInsecure: true })
      await fetch(${JSON.stringify(`${base}/fine`)}).catch(() => undefined)
      console.log(answer.body.toString())`
    try {
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
        env: { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: `http://127.0.0.1:${port}`, NODE_NO_WARNINGS: '1' },
      })
      expect(stdout.trim()).toBe('GET gatehouse identity')
      expect(proxied).toHaveLength(1)
    } finally {
      proxy.close()
    }
  })
})
