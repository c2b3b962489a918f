import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRefusal } from '../../src/protocol/errors.ts'
import {
  decodeFormText,
  parameterLimits,
  parseParameters,
  printParameters,
  refuseRepeated,
  type Parameters,
} from '../../src/protocol/parameters.ts'

function parsed(text: string): Parameters {
  const parameters = parseParameters(text)
  if (isRefusal(parameters)) throw new Error(`refused: ${parameters.reason}`)
  return parameters
}

describe('forms and queries', () => {
  test('names and values, plus and percent', () => {
    const form = parsed('a=1&b=x+y&c=%C3%A9%20%2B&d&e=&=f&&g=h=i')
    expect(form.names()).toEqual(['a', 'b', 'c', 'd', 'e', '', 'g'])
    expect([form.get('a'), form.get('b'), form.get('c'), form.get('g')]).toEqual(['1', 'x y', 'é +', 'h=i'])
  })

  test('RFC 6749 §3.1: a parameter without a value counts as omitted', () => {
    const form = parsed('scope=&state')
    expect(form.get('scope')).toBeUndefined()
    expect(form.all('scope')).toEqual([])
    expect(form.has('scope')).toBe(true)
    expect(form.has('state')).toBe(true)
    expect(form.has('nonce')).toBe(false)
  })

  test('A15: what came twice is named, whatever it is called and however it is spelt', () => {
    expect(parsed('client_id=a&client_id=b&x=1').duplicates).toEqual(['client_id'])
    expect(parsed('client_id=a&client%5Fid=a').duplicates).toEqual(['client_id'])
    expect(parsed('scope=&scope=a').duplicates).toEqual(['scope'])
    expect(parsed('a=1&b=2').duplicates).toEqual([])
    expect(parsed('a=1&a=2&a=3').all('a')).toEqual(['1', '2', '3'])
  })

  test('RFC 8707 §2: resource alone may repeat', () => {
    expect(refuseRepeated(parsed('resource=a&resource=b'))).toBeUndefined()
    expect(refuseRepeated(parsed('resource=a&resource=b&code=1&code=1'))).toMatchObject({
      error: 'invalid_request',
      reason: 'parameter_repeated',
    })
    expect(refuseRepeated(parsed('code=1&code='))).toMatchObject({ reason: 'parameter_repeated' })
    expect(refuseRepeated(parsed('code=1'))).toBeUndefined()
  })

  test.each([
    ['__proto__', '__proto__=1&a=2'],
    ['__proto__[isAdmin]', '__proto__[isAdmin]=1&a=2'],
    ['constructor.prototype.x', 'constructor.prototype.x=1&a=2'],
    ['scope[]', 'scope[]=1&a=2'],
    ['client_id[0]', 'client_id%5B0%5D=1&a=2'],
  ])('J01, J02: %s is a name like others and changes nothing', (name, text) => {
    const form = parsed(text)
    expect(form.get(name)).toBe('1')
    expect(form.get('scope')).toBeUndefined()
    expect(form.get('client_id')).toBeUndefined()
    expect(form.get('toString')).toBeUndefined()
    expect(form.get('constructor')).toBeUndefined()
    expect(Reflect.get({}, 'isAdmin')).toBeUndefined()
    expect(Reflect.get({}, 'x')).toBeUndefined()
  })

  test.each([
    ['NUL', 'a=%00', 'parameter_control_character'],
    ['CRLF', 'a=b%0d%0aSet-Cookie:x', 'parameter_control_character'],
    ['tab', 'a=%09', 'parameter_control_character'],
    ['DEL', 'a=%7F', 'parameter_control_character'],
    ['a C1 control', 'a=%C2%85', 'parameter_control_character'],
    ['U+2028', 'a=%E2%80%A8', 'parameter_control_character'],
    ['U+2029', 'a=%e2%80%a9', 'parameter_control_character'],
    ['a control in a name', 'a%00b=1', 'parameter_control_character'],
    ['a raw control', 'a=\u0000', 'parameter_control_character'],
    ['a raw newline', 'a=1\n', 'parameter_control_character'],
    ['raw U+2028', 'a=\u2028', 'parameter_control_character'],
    ['a broken escape', 'a=%zz', 'parameter_encoding'],
    ['half an escape', 'a=%', 'parameter_encoding'],
    ['half an escape before &', 'a=%4&b=1', 'parameter_encoding'],
    ['a broken escape in a name', '%g0=1', 'parameter_encoding'],
    ['overlong UTF-8 of /', 'a=%C0%AF', 'parameter_encoding'],
    ['overlong UTF-8 of NUL', 'a=%C0%80', 'parameter_encoding'],
    ['overlong in three octets', 'a=%E0%80%AF', 'parameter_encoding'],
    ['half a character', 'a=%C3', 'parameter_encoding'],
    ['a surrogate in UTF-8', 'a=%ED%A0%80', 'parameter_encoding'],
    ['beyond U+10FFFF', 'a=%F4%90%80%80', 'parameter_encoding'],
    ['an octet that is never UTF-8', 'a=%FF', 'parameter_encoding'],
    ['a raw lone surrogate', 'a=\ud800', 'parameter_encoding'],
    ['what invalid UTF-8 decodes to', 'a=\ufffd', 'parameter_encoding'],
  ])('J03: %s is refused', (_, text, reason) => {
    expect(parseParameters(text)).toEqual({ error: 'invalid_request', reason })
  })

  test('raw UTF-8 and raw spaces are read as they are: curl -d sends them', () => {
    expect(parsed('password=größe 1').get('password')).toBe('größe 1')
    expect(parsed('password=größe+%21').get('password')).toBe('größe !')
  })

  test('caps on length and on count', () => {
    const longest = `a=${'x'.repeat(parameterLimits.characters - 2)}`
    expect(parsed(longest).get('a')).toHaveLength(parameterLimits.characters - 2)
    expect(parseParameters(`${longest}x`)).toMatchObject({ reason: 'parameters_too_long' })
    const most = Array.from({ length: parameterLimits.count }, (_, index) => `p${index}=1`).join('&')
    expect(parsed(`&&${most}&&`).names()).toHaveLength(parameterLimits.count)
    expect(parseParameters(`${most}&one-more=1`)).toMatchObject({ reason: 'parameters_too_many' })
    expect(parseParameters('a&'.repeat(parameterLimits.count + 1))).toMatchObject({ reason: 'parameters_too_many' })
  })
})

// What the parser accepts: well-formed text without control characters.
const text = fc
  .string({ unit: 'binary', maxLength: 12 })
  .filter((value) => !/[\0-\x1f\x7f-\x9f\u2028\u2029]/.test(value) && value.isWellFormed())

test('parse ∘ print is identity, and agrees with URLSearchParams', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(text, text), { maxLength: 12, selector: ([name]) => name }), (pairs) => {
      const printed = printParameters(pairs)
      const form = parsed(printed)
      for (const [name, value] of pairs) {
        if (name === '' && value === '') continue
        expect(form.get(name)).toBe(value === '' ? undefined : value)
        expect(form.has(name)).toBe(true)
      }
      expect([...new URLSearchParams(printed)]).toEqual(pairs.map(([name, value]) => [name, value]))
    }),
    { numRuns: 2_000 },
  )
})

test('whatever the input, it is read as URLSearchParams would or refused', () => {
  const piece = fc.constantFrom(
    'a',
    'b',
    '=',
    '&',
    '+',
    '%',
    '%41',
    '%26',
    '%3D',
    '%2B',
    '%C3%A9',
    'é',
    ' ',
    '[',
    '__proto__',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const raw = pieces.join('')
      const form = parseParameters(raw)
      if (isRefusal(form)) {
        expect(raw).toMatch(/%(?![0-9A-F]{2})/)
        return
      }
      const peer = new URLSearchParams(raw)
      expect(form.names()).toEqual([...new Set(peer.keys())])
      for (const name of peer.keys()) expect(form.all(name)).toEqual(peer.getAll(name).filter((value) => value !== ''))
    }),
    { numRuns: 5_000 },
  )
})

test('printing leaves only unreserved characters, so a query, a fragment and a body read it alike', () => {
  fc.assert(
    fc.property(text, (value) => {
      expect(printParameters([['a', value]])).toMatch(/^a=(?:[A-Za-z0-9\-._~]|%[0-9A-F]{2})*$/)
    }),
  )
})

test.each(['%', '%4', '%zz', '%C3', '%ED%A0%80', '%C0%AF'])('%j is no form text', (encoded) =>
  expect(decodeFormText(encoded)).toBeUndefined(),
)
