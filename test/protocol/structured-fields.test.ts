import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDictionary, printInnerList } from '../../src/protocol/structured-fields.ts'

const item = (text: string) => {
  const member = parseDictionary(`a=${text}`)?.get('a')
  return member !== undefined && 'item' in member ? member.item : undefined
}

describe('structured fields (RFC 8941)', () => {
  test.each([
    ['42', { type: 'integer', value: 42 }],
    ['-7', { type: 'integer', value: -7 }],
    ['999999999999999', { type: 'integer', value: 999_999_999_999_999 }],
    ['4.5', { type: 'decimal', value: 4.5 }],
    ['"a \\"b\\" \\\\"', { type: 'string', value: 'a "b" \\' }],
    ['tok/en:*', { type: 'token', value: 'tok/en:*' }],
    [':aGVsbG8=:', { type: 'bytes', value: 'aGVsbG8=' }],
    ['?1', { type: 'boolean', value: true }],
    ['?0', { type: 'boolean', value: false }],
  ])('§3.3: %s', (text, expected) => {
    expect(item(text)).toEqual(expected)
  })

  test.each([
    '1000000000000000',
    '1.2345',
    '1.',
    '.5',
    '--1',
    '"open',
    '"bell \u0007"',
    '"é"',
    '"a\\b"',
    ':a===:',
    ':aGVsbG8:',
    ':aGVs bG8=:',
    '?2',
    '?',
    '@1659578233',
    '%"x"',
    '',
    ' 1',
    '(1 2',
    '("a""b")',
    '("a",  "b")',
    '1;',
    '1;A',
    '1;a=',
  ])('§4.2: %j is no item', (text) => {
    expect(parseDictionary(`a=${text}`)).toBeUndefined()
  })

  test.each(['a=1,', ',a=1', 'a=1 b=2', 'A=1', 'a=1,, b=2', '=1', 'a=1;x=1;x=2', 'a=1, a=2'])(
    '§4.2.2: %j is no dictionary',
    (text) => {
      expect(parseDictionary(text)).toBeUndefined()
    },
  )

  test('§3.2: members in their order, a key alone is true, spaces and tabs between them', () => {
    const members = parseDictionary('a=1 ,\tb;x, c=("p";q "r");s=t ')
    expect([...(members?.keys() ?? [])]).toEqual(['a', 'b', 'c'])
    expect(members?.get('b')).toMatchObject({ item: { type: 'boolean', value: true } })
    expect(parseDictionary('')?.size).toBe(0)
  })

  test('§4.1: an inner list has one spelling, whatever spaces it came with', () => {
    const list = parseDictionary('s=( "a"   "b";x );created=1;nonce="n\\"";alg=token;f=?0;b=:YQ==:')?.get('s')
    if (list === undefined || !('items' in list)) throw new Error('no list')
    const printed = printInnerList(list)
    expect(printed).toBe('("a" "b";x);created=1;nonce="n\\"";alg=token;f=?0;b=:YQ==:')
    expect(parseDictionary(`s=${printed}`)?.get('s')).toEqual(list)
  })

  test('whatever comes, the parser answers and never throws; what it takes, it prints and takes again', () => {
    const letters = fc.array(fc.constantFrom(...'ab=();:"\\?01.-, \t@*/é'.split('')), { maxLength: 40 })
    fc.assert(
      fc.property(letters, (parts) => {
        for (const member of parseDictionary(parts.join(''))?.values() ?? []) {
          if (!('items' in member)) continue
          expect(parseDictionary(`x=${printInnerList(member)}`)?.get('x')).toEqual(member)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
