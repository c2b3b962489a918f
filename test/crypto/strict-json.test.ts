import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJsonObject } from '../../src/crypto/strict-json.ts'

const parse = (text: string) => parseJsonObject(Buffer.from(text, 'utf8'))

test('what JSON prints is read back', () => {
  const safe = fc.string({ unit: 'grapheme' }).filter((name) => name !== '__proto__')
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: 'grapheme' }),
      fc.integer(),
      fc.boolean(),
      tie('list'),
      tie('map'),
    ),
    list: fc.array(tie('tree'), { maxLength: 4 }),
    map: fc.dictionary(safe, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
  }))
  fc.assert(
    fc.property(fc.dictionary(safe, tree, { noNullPrototype: true }), (value) => {
      expect(parse(JSON.stringify(value))).toEqual(value)
    }),
  )
})

describe('E08: a text that two parsers may read differently is refused (RFC 7515 §4, RFC 8259 §4)', () => {
  test.each([
    ['a member twice', '{"a":1,"a":2}'],
    ['a member twice with the same value', '{"a":1,"a":1}'],
    ['a member twice, once escaped', '{"a":1,"\\u0061":2}'],
    ['a member twice, deeper', '{"a":{"b":1,"b":2}}'],
    ['a member twice in an array', '{"a":[{"b":1,"b":2}]}'],
    ['a member twice, whose first value holds members', '{"a":{"b":{"c":1}},"a":{"b":{"c":1}}}'],
    ['a member twice among texts with colons', '{"a":":","a":"\\":"}'],
    ['__proto__', '{"__proto__":{"a":1}}'],
    ['__proto__ deeper', '{"a":{"__proto__":1}}'],
    ['a lone surrogate', '{"a":"\\ud800"}'],
    ['a lone surrogate as a name', '{"\\udc00":1}'],
    ['an array', '[1]'],
    ['null', 'null'],
    ['a text', '"a"'],
    ['nothing', ''],
    ['a byte order mark', '\u{feff}{}'],
    ['something behind it', '{}x'],
    ['two objects', '{}{}'],
    ['a trailing comma', '{"a":1,}'],
    ['a comment', '{/*x*/}'],
    ['NaN', '{"a":NaN}'],
    ['17 levels', `${'{"a":'.repeat(17)}1${'}'.repeat(17)}`],
    ['a bomb of levels', `{"a":${'['.repeat(100_000)}`],
  ])('%s', (_, text) => expect(parse(text)).toBeUndefined())

  test('invalid UTF-8', () => {
    expect(parseJsonObject(Buffer.concat([Buffer.from('{"a":"'), Buffer.of(0xff), Buffer.from('"}')]))).toBeUndefined()
  })

  test.each(['{"a":":\\":{[","b":{"a":1}}', '{"a":[{"b":1},{"b":2}]}', '{"constructor":1}', '{"a":"\\ud83d\\ude00"}'])(
    'but not %s',
    (text) => expect(parse(text)).toEqual(JSON.parse(text)),
  )
})
