import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answerHeaders, redirectHere } from '../../src/vault/api-answer.ts'
import { apiUrl, requestHeaders } from '../../src/vault/api-request.ts'
import { createTurns } from '../../src/vault/turns.ts'
import { beginUpload } from '../../src/vault/upload.ts'
import { BodyRefused, withoutSecrets } from '../../src/vault/without-secrets.ts'

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array, void> {
  for (const text of texts) yield Buffer.from(text, 'latin1')
}

async function read(body: AsyncIterable<Uint8Array>): Promise<string> {
  let text = ''
  for await (const piece of body) text += Buffer.from(piece).toString('latin1')
  return text
}

describe('where a call goes', () => {
  test.each([
    ['https://api.example', '/v3/shops', '', 'https://api.example/v3/shops'],
    ['https://api.example', '/v3/shops', 'limit=2', 'https://api.example/v3/shops?limit=2'],
    ['https://api.example/api/v4', '/users', '', 'https://api.example/api/v4/users'],
    ['https://api.example/api/v4', '/', '', 'https://api.example/api/v4/'],
  ])('below %s, %s?%s', (base, path, query, url) => expect(apiUrl(base, path, query)).toBe(url))

  test.each([
    ['https://api.example', '.evil.example/'],
    ['https://api.example', '@evil.example/'],
    ['https://api.example', ':8443/'],
    ['https://api.example/v3', '/../v2'],
    ['https://api.example/v3', '/%2e%2e/v2'],
    ['https://api.example/v3', '\\..\\v2'],
    ['https://api.example/v3', '/a?b'],
    ['https://api.example/v3', '/a#b'],
    ['nonsense', '/a'],
  ])('never elsewhere: %s and %s are nowhere', (base, path) => expect(apiUrl(base, path, '')).toBeUndefined())
})

test('L15: of what a caller says, an API hears a few headers, never who he is, his cookies or another method', () => {
  const headers = {
    accept: 'application/json',
    'content-type': 'application/json',
    'if-match': '"1"',
    authorization: 'Bearer ours',
    cookie: 'a=b',
    host: 'gatehouse.example',
    connection: 'x-drop',
    te: 'trailers',
    upgrade: 'h2c',
    range: 'bytes=0-1',
    origin: 'https://evil.example',
    referer: 'https://app.example/?token=1',
    'x-http-method-override': 'DELETE',
    'x-http-method': 'DELETE',
    'x-method-override': 'DELETE',
    'x-forwarded-for': '127.0.0.1',
    'x-api-key': 'mine',
    'proxy-authorization': 'Basic x',
  }
  expect(requestHeaders({ headers }, { authorization: 'Bearer theirs', 'x-api-key': 'k:s' })).toEqual({
    accept: 'application/json',
    'content-type': 'application/json',
    'if-match': '"1"',
    authorization: 'Bearer theirs',
    'x-api-key': 'k:s',
  })
})

const place = { apiBase: 'https://api.example/v3', here: '/vault/proxy/c1', provider: 'etsy' }

describe('what a caller gets to see of an answer', () => {
  const shown = (headers: Readonly<Record<string, string>>, secrets: readonly string[] = []) =>
    Object.fromEntries(answerHeaders(headers, place, secrets))

  test('its type, its budgets and what a program needs; and a sandbox around it', () => {
    const seen = shown({
      'content-type': 'application/json; charset=utf-8',
      'x-remaining-today': '9999',
      'x-limit-per-second': '10',
      'x-ratelimit-remaining': '1',
      'retry-after': '3',
      etag: '"1"',
      link: '<https://api.example/v3/shops?page=2>; rel="next"',
    })
    expect(seen).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'x-remaining-today': '9999',
      'x-limit-per-second': '10',
      'x-ratelimit-remaining': '1',
      'retry-after': '3',
      etag: '"1"',
      link: '</vault/proxy/c1/shops?page=2>; rel="next"',
      'gatehouse-provider': 'etsy',
      'content-security-policy': "sandbox; default-src 'none'",
      'content-disposition': 'attachment',
      'cache-control': 'no-store',
    })
  })

  test('no cookie, no policy for browsers, nothing from hop to hop, no other Cache-Control', () => {
    const hostile = {
      'set-cookie': 'a=b',
      'set-cookie2': 'a=b',
      'access-control-allow-origin': '*',
      'content-security-policy': 'default-src *',
      'content-disposition': 'inline',
      'cache-control': 'public, max-age=99',
      'clear-site-data': '"*"',
      'strict-transport-security': 'max-age=0',
      'service-worker-allowed': '/',
      'www-authenticate': 'Basic realm="your password"',
      refresh: '0; url=https://evil.example',
      location: 'https://evil.example',
      'transfer-encoding': 'chunked',
      connection: 'keep-alive',
      upgrade: 'h2c',
      'alt-svc': 'h3=":443"',
      'x-accel-redirect': '/etc/passwd',
      'x-sendfile': '/etc/passwd',
      'gatehouse-provider': 'other',
    }
    const seen = shown(hostile)
    expect(Object.keys(seen).toSorted()).toEqual([
      'cache-control',
      'content-disposition',
      'content-security-policy',
      'content-type',
      'cross-origin-resource-policy',
      'gatehouse-provider',
      'referrer-policy',
    ])
    expect(seen).toMatchObject({
      'cache-control': 'no-store',
      'content-disposition': 'attachment',
      'gatehouse-provider': 'etsy',
    })
  })

  test('L16: no header with a secret in it, or with a sign that no header may hold', () => {
    const seen = shown({ etag: '"my-secret-token"', link: '<a>\u0001', 'content-type': 'text/html\u0000' }, [
      'secret-token',
    ])
    expect(seen['etag']).toBeUndefined()
    expect(seen['link']).toBeUndefined()
    expect(seen['content-type']).toBe('application/octet-stream')
  })
})

describe('F16: a redirect', () => {
  const asked = 'https://api.example/v3/shops'
  test('within the base is told as a path of ours', () => {
    expect(redirectHere('/v3/shops/77?a=b', asked, place)).toBe('/vault/proxy/c1/shops/77?a=b')
    expect(redirectHere('https://api.example/v3/x', asked, place)).toBe('/vault/proxy/c1/x')
  })
  test.each([
    'https://evil.example/v3/shops',
    '//evil.example/v3/shops',
    'http://api.example/v3/shops',
    'https://api.example:8443/v3/shops',
    'https://api.example/v2/shops',
    'https://api.example/v3',
    '/v3/../v2/shops',
    '/v3/a%2Fb',
    'https://user@api.example/v3/shops',
    'javascript:alert(1)',
  ])('to %j goes nowhere', (location) => expect(redirectHere(location, asked, place)).toBeUndefined())
})

describe('L16: a body without our secrets', () => {
  const guard = (body: AsyncIterable<Uint8Array>, secrets = ['t0psecret', 'other']) =>
    withoutSecrets(body, { secrets, most: 1000 })

  test('ends before the first byte of one, however it is cut', async () => {
    const text = 'an echo of t0psecret and more'
    for (let at = 0; at <= text.length; at += 1) {
      for (const to of [at, at + 3, at + 9]) {
        let seen = ''
        const reading = (async () => {
          for await (const piece of guard(pieces(text.slice(0, at), text.slice(at, to), text.slice(to))))
            seen += Buffer.from(piece).toString()
        })()
        await expect(reading).rejects.toMatchObject({ why: 'secret' })
        expect('an echo of ', `${at} ${to}`).toContain(seen)
      }
    }
  })

  test('is what came, if there is none', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('t0p', 't0psecre', 'x', '', 'oth', 'othe', 't0psecreT'), { maxLength: 8 }),
        async (texts) => {
          const whole = texts.join('')
          fc.pre(!whole.includes('t0psecret') && !whole.includes('other'))
          expect(await read(guard(pieces(...texts)))).toBe(whole)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('doesn’t wait for more where nothing of one has begun', async () => {
    const body = guard(pieces('data: 1\n\n', 'data: 2\n\n'))
    expect(Buffer.from((await body.next()).value ?? []).toString()).toBe('data: 1\n\n')
  })

  test('and no longer than is allowed', async () => {
    await expect(read(guard(pieces('a'.repeat(600), 'b'.repeat(600))))).rejects.toMatchObject({ why: 'too_large' })
  })
})

describe('what is sent', () => {
  test('is kept if it is short, so that it can be sent again', async () => {
    expect(await beginUpload(undefined, 10)).toEqual({ whole: undefined })
    const kept = await beginUpload(pieces('a', 'b'), 10)
    expect('whole' in kept && Buffer.from(kept.whole ?? []).toString()).toBe('ab')
  })

  test('goes on as it comes if it is long, to its limit', async () => {
    const long = 'x'.repeat(70_000)
    const passed = await beginUpload(pieces(long, 'y'), 70_001)
    expect('once' in passed && (await read(passed.once))).toBe(`${long}y`)
    const more = await beginUpload(pieces(long, 'y', 'z'), 70_001)
    await expect('once' in more ? read(more.once) : undefined).rejects.toMatchObject({ why: 'too_large' })
    await expect(beginUpload(pieces('abc'), 2)).rejects.toBeInstanceOf(BodyRefused)
  })

  test('and whoever goes away while sending is no error of ours', async () => {
    async function* leaving(): AsyncGenerator<Uint8Array, void> {
      yield Buffer.from('a')
      await Promise.resolve()
      throw new Error('aborted')
    }
    await expect(beginUpload(leaving(), 10)).rejects.toMatchObject({ why: 'broken' })
  })
})

test('turns: as many as there are, each given back once', () => {
  const turns = createTurns(2)
  const [one, two] = [turns.take('a'), turns.take('a')]
  expect(turns.take('a')).toBeUndefined()
  expect(turns.take('b')).toBeDefined()
  one?.()
  one?.()
  expect(turns.take('a')).toBeDefined()
  expect(turns.take('a')).toBeUndefined()
  two?.()
})
