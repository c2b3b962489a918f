import { constants, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { contentDigest, verifyContentDigest } from '../../src/crypto/content-digest.ts'
import { hmacSha256 } from '../../src/crypto/mac.ts'
import { signMessage, verifyMessageSignature, type MessageVerificationKey } from '../../src/crypto/message-signature.ts'
import { parseMessageSignature, requestComponent, signatureBase } from '../../src/protocol/message-signature.ts'
import { parseDictionary, printInnerList } from '../../src/protocol/structured-fields.ts'

type Case = {
  readonly label: string
  readonly input: string
  readonly base?: string
  readonly key: keyof Keys
  readonly algorithm: string
  readonly signature: string
}
type Keys = Readonly<
  Record<string, { readonly base64?: string; readonly publicPem?: string; readonly privatePem?: string }>
>
type Message = { readonly headers: Readonly<Record<string, string>>; readonly body: string }
type Vectors = {
  readonly keys: Keys
  readonly request: Message & { readonly method: string; readonly targetUri: string }
  readonly response: Message & { readonly status: number }
} & Readonly<Record<'B.2.3' | 'B.2.4' | 'B.2.5' | 'B.2.6', Case>>

type Transformed = {
  readonly what: string
  readonly valid: boolean
  readonly method: string
  readonly targetUri: string
  readonly lines: readonly (readonly [name: string, value: string])[]
}
type MoreVectors = {
  readonly keys: Keys
  readonly 'B.3': Case & { readonly request: Vectors['request'] }
  readonly 'B.4': Case & { readonly requests: readonly Transformed[] }
} & Readonly<Record<'B.2.1' | 'B.2.2', Case>>

const read = (file: string): unknown =>
  JSON.parse(readFileSync(new URL(`../vectors/rfc9421/${file}`, import.meta.url), 'utf8'))
const vectors = read('appendix-b.json') as Vectors
const more = read('appendix-b-rest.json') as MoreVectors
const keys: Keys = { ...vectors.keys, ...more.keys }

const ofRequest = (name: string) => requestComponent(vectors.request, name)
const ofResponse = (name: string) =>
  name === '@status' ? String(vectors.response.status) : vectors.response.headers[name]

function baseOf({ label, input }: Case, valueOf: (name: string) => string | undefined): string | undefined {
  const list = parseDictionary(`${label}=${input}`)?.get(label)
  if (list === undefined || !('items' in list)) throw new Error('no inner list')
  expect(printInnerList(list)).toBe(input)
  return signatureBase({ components: list.items.map(({ item }) => String(item.value)), parameters: input }, valueOf)
}

function keyOf(name: string): MessageVerificationKey {
  const { base64, publicPem = '' } = keys[name] ?? {}
  if (base64 !== undefined) return { secret: Buffer.from(base64, 'base64') }
  return { jwk: { ...createPublicKey(publicPem).export({ format: 'jwk' }) } }
}

describe('RFC 9421 appendix B', () => {
  test('B.2.3: the signature base of a full request', () => {
    expect(baseOf(vectors['B.2.3'], ofRequest)).toBe(vectors['B.2.3'].base)
  })

  test.each([
    ['B.2.4', ofResponse],
    ['B.2.5', ofRequest],
    ['B.2.6', ofRequest],
  ] as const)('%s verifies, and nothing that was changed does', (name, valueOf) => {
    const { key, signature, algorithm } = vectors[name]
    const base = baseOf(vectors[name], valueOf) ?? ''
    const keys = [keyOf(key)]
    expect(verifyMessageSignature(keys, { base, signature })).toBe(true)
    expect(verifyMessageSignature(keys, { base, signature, algorithm })).toBe(true)
    expect(verifyMessageSignature(keys, { base, signature, algorithm: 'rsa-pss-sha512' })).toBe(false)
    expect(verifyMessageSignature(keys, { base: `${base} `, signature })).toBe(false)
    expect(
      verifyMessageSignature(keys, {
        base,
        signature: `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
      }),
    ).toBe(false)
    expect(verifyMessageSignature([], { base, signature })).toBe(false)
    for (const other of Object.keys(vectors.keys).filter((one) => one !== key))
      expect(verifyMessageSignature([keyOf(other)], { base, signature }), other).toBe(false)
  })

  describe.each(['B.2.1', 'B.2.2'] as const)('%s is of an algorithm that nothing here understands', (name) => {
    const { key, algorithm, base = '', signature } = more[name]

    test('the vector itself is right', () => {
      const publicKey = { key: keys[key]?.publicPem ?? '', padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 }
      expect(verify('sha512', Buffer.from(base), publicKey, Buffer.from(signature, 'base64'))).toBe(true)
    })

    test('and refused, with the right key and under any name of an algorithm', () => {
      for (const named of [undefined, algorithm, 'ed25519', 'hmac-sha256', 'ecdsa-p256-sha256'])
        expect(verifyMessageSignature([keyOf(key)], { base, signature, algorithm: named }), named).toBe(false)
    })
  })

  test('B.2.1: the base of a signature that covers nothing', () => {
    expect(baseOf(more['B.2.1'], ofRequest)).toBe(more['B.2.1'].base)
  })

  test('B.2.2: a component with a parameter is not understood, so the header is refused', () => {
    const { label, input, signature } = more['B.2.2']
    const refused = { error: 'invalid_client', reason: 'signature_malformed' }
    // With the nonce that it lacks, so that nothing else is wrong with it.
    for (const [list, answer] of [
      [`${input};nonce="n"`, refused],
      [
        `${input};nonce="n"`.replace(';name="Pet"', ''),
        { components: ['@authority', 'content-digest', '@query-param'] },
      ],
    ] as const)
      expect(parseMessageSignature(`${label}=${list}`, `${label}=:${signature}:`)).toMatchObject(answer)
  })

  test('B.3: what a proxy signed of the request that it passes on, the certificate of its client included', () => {
    const { base, signature, key, algorithm, request } = more['B.3']
    const made = baseOf(more['B.3'], (name) => requestComponent(request, name)) ?? ''
    expect(made).toBe(base)
    expect(verifyMessageSignature([keyOf(key)], { base: made, signature, algorithm })).toBe(true)
    const elsewhere = { ...request, targetUri: request.targetUri.replace('service.internal', 'service.external') }
    const other = baseOf(more['B.3'], (name) => requestComponent(elsewhere, name)) ?? ''
    expect(verifyMessageSignature([keyOf(key)], { base: other, signature, algorithm })).toBe(false)
  })

  describe('B.4: a request that was changed on its way', () => {
    const { base, signature, key } = more['B.4']

    test.each(more['B.4'].requests)('$what: valid $valid', ({ valid, method, targetUri, lines }) => {
      const valuesOf = (name: string) => lines.flatMap(([one, value]) => (one === name ? [value] : []))
      const headers = Object.fromEntries(lines.map(([name]) => [name, valuesOf(name).join(', ')]))
      const made = baseOf(more['B.4'], (name) => requestComponent({ method, targetUri, headers }, name)) ?? ''
      expect(made === base).toBe(valid)
      expect(verifyMessageSignature([keyOf(key)], { base: made, signature })).toBe(valid)
      // Stricter than the RFC: a header of two lines is nobody's to sign, joined or not.
      const repeated = new Set(Object.keys(headers).filter((name) => valuesOf(name).length > 1))
      const strict = baseOf(more['B.4'], (name) => requestComponent({ method, targetUri, headers, repeated }, name))
      expect(strict).toBe(repeated.size === 0 ? base : undefined)
    })
  })

  test('B.2.5 and B.2.6: signing makes the very bytes', () => {
    const secret = Buffer.from(vectors.keys['test-shared-secret']?.base64 ?? '', 'base64')
    const maced = hmacSha256(secret, Buffer.from(baseOf(vectors['B.2.5'], ofRequest) ?? ''))
    expect(maced.toString('base64')).toBe(vectors['B.2.5'].signature)
    const privateKey = vectors.keys['test-key-ed25519']?.privatePem ?? ''
    expect(signMessage({ privateKey }, baseOf(vectors['B.2.6'], ofRequest) ?? '')).toBe(vectors['B.2.6'].signature)
  })

  test('RFC 9530 appendix D: the content digests of the messages', () => {
    for (const message of [vectors.request, vectors.response]) {
      const field = message.headers['content-digest'] ?? ''
      expect(verifyContentDigest(field, message.body)).toBe(true)
      expect(verifyContentDigest(field, `${message.body} `)).toBe(false)
    }
  })
})

describe('Content-Digest (RFC 9530)', () => {
  test.each(['', 'sha-256', 'sha-256=1', 'sha-256=::', 'md5=:XrY7u+Ae7tCTyyK7j1rNww==:', 'sha-256=:YQ==:', '((('])(
    '%j proves nothing',
    (field) => {
      expect(verifyContentDigest(field, 'hello world')).toBe(false)
    },
  )

  test('all digests that count must be right; unknown ones are passed over', () => {
    const right = contentDigest('a')
    expect(verifyContentDigest(`${right}, md5=:YQ==:`, 'a')).toBe(true)
    expect(verifyContentDigest(`${right}, sha-512=:YQ==:`, 'a')).toBe(false)
  })
})

describe('components (RFC 9421 §2.2)', () => {
  const at = (targetUri: string, name: string) => requestComponent({ method: 'GET', targetUri, headers: {} }, name)

  test.each([
    ['https://WWW.Example.com:443/a?b', '@authority', 'www.example.com'],
    ['http://example.com:80/', '@authority', 'example.com'],
    ['https://example.com:8443/', '@authority', 'example.com:8443'],
    ['https://example.com/a%2Fb?c=d', '@path', '/a%2Fb'],
    ['https://example.com', '@path', '/'],
    ['https://example.com/a', '@query', '?'],
    ['https://example.com/a?', '@query', '?'],
    ['https://example.com/a?b=c', '@query', '?b=c'],
    ['https://example.com/a?b=c', '@request-target', '/a?b=c'],
    ['https://example.com/a', '@scheme', 'https'],
    ['https://example.com/a', '@status', undefined],
  ])('of %s, %s is %s', (uri, name, value) => {
    expect(at(uri, name)).toBe(value)
  })

  test('a header that came twice, a name in upper case and a line break are nobody’s to sign', () => {
    const headers = { a: '1, 2', b: ' padded ', c: 'x\n"@method": GET', constructor: undefined }
    const request = { method: 'GET', targetUri: 'https://example.com/', headers, repeated: new Set(['a']) }
    expect(requestComponent(request, 'a')).toBeUndefined()
    expect(requestComponent(request, 'b')).toBe('padded')
    expect(requestComponent(request, 'B')).toBeUndefined()
    expect(requestComponent(request, 'toString')).toBeUndefined()
    expect(
      signatureBase({ components: ['c'], parameters: '("c")' }, (name) => requestComponent(request, name)),
    ).toBeUndefined()
  })
})
