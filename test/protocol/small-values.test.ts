import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isClientId } from '../../src/protocol/client-id.ts'
import { isRefusal } from '../../src/protocol/errors.ts'
import { grantTypes, isGrantType } from '../../src/protocol/grant-type.ts'
import { isLoopbackAddress, isLoopbackHost } from '../../src/protocol/loopback.ts'
import { parseMaxAge } from '../../src/protocol/max-age.ts'
import { parseDecimal } from '../../src/protocol/numbers.ts'
import { parsePrompt } from '../../src/protocol/prompt.ts'
import { parseResource, parseResources, resourceLimits } from '../../src/protocol/resource.ts'
import { parseResponseMode } from '../../src/protocol/response-mode.ts'

describe('J11: numbers are decimal ASCII', () => {
  test.each([
    '-1',
    '+1',
    '1e9',
    '1e99',
    '0x10',
    '٣',
    '１',
    ' 1',
    '1 ',
    '1\n',
    '',
    '1.0',
    '01',
    '00',
    'NaN',
    'Infinity',
    '10000000000',
    '9'.repeat(400),
    '1_0',
  ])('%j is none', (text) => {
    expect(parseDecimal(text)).toBeUndefined()
    expect(parseMaxAge(text)).toMatchObject({ error: 'invalid_request', reason: 'max_age_malformed' })
  })

  test('parse ∘ print is identity up to ten digits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9_999_999_999 }), (value) => {
        expect(parseDecimal(String(value))).toBe(value)
      }),
    )
    expect(parseDecimal('100', 99)).toBeUndefined()
    expect(parseDecimal('99', 99)).toBe(99)
    expect(parseMaxAge('0')).toBe(0)
  })
})

describe('OIDC Core §3.1.2.1: prompt', () => {
  test.each([
    ['none', ['none']],
    ['login consent', ['login', 'consent']],
    ['select_account select_account', ['select_account']],
  ])('%s', (text, values) => expect(parsePrompt(text)).toEqual(values))

  test.each(['none login', 'login none', 'create', 'LOGIN', 'login  consent', ' login', '', 'x'.repeat(100_000)])(
    '%.20s is refused',
    (text) => {
      expect(parsePrompt(text)).toMatchObject({ error: 'invalid_request', reason: 'prompt_malformed' })
    },
  )
})

describe('RFC 8707 §2: resource', () => {
  test.each([
    'https://api.example',
    'https://api.example/v1?x=1',
    'urn:example:api',
    'http://127.0.0.1:9/',
    'https://api.example/%C3%A9',
    'https://[::1]/',
  ])('%s', (text) => expect(parseResource(text)).toBe(text))

  test.each([
    'api',
    '/api',
    '//api.example',
    'https:',
    'https://api.example/#x',
    'https://api.example/#',
    'HTTPS://api.example',
    'https://api.example/ x',
    'https://api.example/é',
    'https://api.example/%zz',
    'https://api.example/%',
    'https://api.example\\x',
    'https://api.example/\n',
    '1https://x',
    `https://api.example/${'a'.repeat(resourceLimits.characters)}`,
  ])('%.40s is invalid_target', (text) => {
    expect(parseResource(text)).toMatchObject({ error: 'invalid_target', reason: 'resource_malformed' })
  })

  test('several, each once, not too many, all or nothing', () => {
    expect(parseResources([])).toEqual([])
    expect(parseResources(['https://a', 'https://b', 'https://a'])).toEqual(['https://a', 'https://b'])
    expect(isRefusal(parseResources(['https://a', 'b']))).toBe(true)
    expect(isRefusal(parseResources(Array.from({ length: 9 }, () => 'https://a')))).toBe(true)
  })
})

describe('Multiple Response Types §2.1: response_mode', () => {
  test.each([
    [undefined, 'code', 'query'],
    ['query', 'code', 'query'],
    ['form_post', 'code', 'form_post'],
    [undefined, 'token', 'fragment'],
    ['fragment', 'token', 'fragment'],
  ] as const)('%s with %s → %s', (text, type, mode) => expect(parseResponseMode(text, type)).toBe(mode))

  test.each([
    ['fragment', 'code'],
    ['web_message', 'code'],
    ['jwt', 'code'],
    ['QUERY', 'code'],
    ['query', 'token'],
    ['form_post', 'token'],
  ] as const)('B17: %s with %s is refused', (text, type) => {
    expect(parseResponseMode(text, type)).toMatchObject({
      error: 'invalid_request',
      reason: 'response_mode_unsupported',
    })
  })
})

describe('client ids', () => {
  test.each(['app', 'a', '0', 'my-app_1.2~3', 'a'.repeat(128)])('%.20s', (text) => expect(isClientId(text)).toBe(true))

  test.each(['', 'usr_x', 'USR_x', 'a'.repeat(129), '-a', '.', '..', '_a', 'a:b', 'a/b', 'a b', 'ä', 'a\n', 'a%41'])(
    'B29, H11: %.20j cannot be one',
    (text) => expect(isClientId(text)).toBe(false),
  )
})

describe('loopback', () => {
  test.each(['127.0.0.1', '127.255.0.3', '::1', '::ffff:127.0.0.1', '::FFFF:127.0.0.1'])(
    'the address %s',
    (address) => {
      expect(isLoopbackAddress(address)).toBe(true)
    },
  )

  test.each([
    '',
    '128.0.0.1',
    '10.127.0.1',
    '127.0.0.256',
    '127.0.0',
    '127.1',
    '0177.0.0.1',
    '127.0.0.1.evil',
    '127.0.0.0.1',
    '127x.0.0.1',
    ' 127.0.0.1',
    '::2',
    '::',
    '0.0.0.0',
    '::ffff:10.0.0.1',
    '::ffff:',
    'localhost',
    '2130706433',
  ])('not the address %j', (address) => expect(isLoopbackAddress(address)).toBe(false))

  test.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.0.0.2', '::1', '[::1]'])('the host %s', (host) => {
    expect(isLoopbackHost(host)).toBe(true)
  })

  test.each([
    '',
    'localhost.',
    'localhost.evil',
    'a.localhost',
    'local',
    '[::2]',
    '127.0.0.1:80',
    '0x7f.1',
    'example.org',
  ])('not the host %j', (host) => {
    expect(isLoopbackHost(host)).toBe(false)
  })
})

test('grant types are a closed list', () => {
  for (const type of grantTypes) expect(isGrantType(type)).toBe(true)
  for (const type of [
    'implicit',
    'Password',
    '',
    undefined,
    ['password'],
    'urn:ietf:params:oauth:grant-type:jwt-bearer',
  ]) {
    expect(isGrantType(type)).toBe(false)
  }
})
