import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRefusal } from '../../src/protocol/errors.ts'
import { normaliseUsername, parseUsername } from '../../src/protocol/username.ts'

describe('RFC 8265 §3.3: one normal form', () => {
  test.each([
    ['ada', 'ada', 'ada'],
    ['Ada', 'Ada', 'ada'],
    ['ada.lovelace-1_x', 'ada.lovelace-1_x', 'ada.lovelace-1_x'],
    [' ada ', 'ada', 'ada'],
    ['ａｄｍｉｎ', 'admin', 'admin'],
    ['ADMIN', 'ADMIN', 'admin'],
    ['ｱｶｲ', 'アカイ', 'アカイ'],
    ['ﬁne', 'fine', 'fine'],
    ['Bjo\u0308rn', 'Björn', 'björn'],
    ['straße', 'straße', 'straße'],
    ['ſam', 'sam', 'sam'],
    ['\u212aelvin', 'Kelvin', 'kelvin'],
    ['admın', 'admın', 'admin'],
    ['саша', 'саша', 'саша'],
    ['Νίκος', 'Νίκος', 'νίκοσ'],
    ['محمد', 'محمد', 'محمد'],
    ['דוד', 'דוד', 'דוד'],
    ['田中', '田中', '田中'],
    ['ひらカタ漢', 'ひらカタ漢', 'ひらカタ漢'],
    ['스칼렛', '스칼렛', '스칼렛'],
    ['प्रिया', 'प्रिया', 'प्रिया'],
    ['สมชาย1', 'สมชาย1', 'สมชาย1'],
    ['12345', '12345', '12345'],
    ['i0000000212345678', 'i0000000212345678', 'i0000000212345678'],
  ])('%j', (text, username, normal) => {
    expect(parseUsername(text)).toEqual({ username, normal })
    expect(normaliseUsername(text)).toBe(normal)
  })

  test('it is a fixed point: the name as shown and the normal form have the same normal form', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), (text) => {
        const parsed = parseUsername(text)
        if (isRefusal(parsed)) return
        expect(normaliseUsername(parsed.username)).toBe(parsed.normal)
        expect(normaliseUsername(parsed.normal)).toBe(parsed.normal)
      }),
      { numRuns: 5_000 },
    )
  })
})

test.each([
  ['nothing', ''],
  ['spaces alone', '   '],
  ['a space inside', 'ada lovelace'],
  ['a no-break space inside', 'ada\u00a0lovelace'],
  ['a Cyrillic a in admin', 'аdmin'],
  ['a Greek o in root', 'rοοt'],
  ['an Armenian letter', 'admiո'],
  ['nothing but Cyrillic look-alikes', 'сосо'],
  ['nothing but Greek look-alikes', 'κοκο'],
  ['a zero-width space', 'ad\u200bmin'],
  ['a zero-width joiner', 'ad\u200dmin'],
  ['a zero-width no-break space', '\ufeffadmin'],
  ['a soft hyphen', 'ad\u00admin'],
  ['a word joiner', 'ad\u2060min'],
  ['a combining grapheme joiner', 'ad\u034fmin'],
  ['a variation selector', 'admin\ufe0f'],
  ['a Hangul filler', '스\u3164칼'],
  ['a right-to-left override', 'nimda\u202e'],
  ['an isolate', '\u2067admin\u2069'],
  ['Hebrew and Latin', 'דודadmin'],
  ['right to left, a digit first', '1דוד'],
  ['right to left, a dot last', 'דוד.'],
  ['Arabic and Hebrew', 'محمדוד'],
  ['a tag character', 'admin\u{e0041}'],
  ['a phonetic letter', 'ɑdmin'],
  ['small capitals', 'ᴀᴅᴍɪɴ'],
  ['a stray accent', 'a\u0337dmin'],
  ['an accent first', '\u0301ada'],
  ['a control', 'ad\u0000min'],
  ['a newline', 'ad\nmin'],
  ['a slash', 'ad/min'],
  ['dots alone', '..'],
  ['a dot first', '.ada'],
  ['a hyphen first', '-ada'],
  ['an at sign', 'ada@example.org'],
  ['an emoji', 'ada😀'],
  ['other digits', 'ada٣'],
  ['a digit of the same alphabet', 'प्रिया३'],
  ['half a character', 'ada\ud800'],
  ['an id', 'usr_1'],
  ['an id in capitals', 'USR_1'],
  ['an id in full width', 'ｕｓｒ_1'],
  ['too much', 'a'.repeat(65)],
  ['what grows too long', 'ﬃ'.repeat(30)],
  ['too many spaces around it', `ada${' '.repeat(100)}`],
  ['a vowel sign first', '\u093fप'],
  ['far too much', 'a'.repeat(1_000_000)],
])('H09: %s is refused', (_, text) => {
  expect(parseUsername(text)).toMatchObject({ error: 'invalid_request', reason: 'username_malformed' })
})
