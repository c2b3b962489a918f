import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { chooseLanguage } from '../../src/i18n/choose-language.ts'
import { duration } from '../../src/i18n/duration.ts'
import { instant } from '../../src/i18n/instant.ts'
import { lookupLanguage } from '../../src/i18n/lookup-language.ts'
import { fillMessage, message } from '../../src/i18n/message.ts'
import type { Translation } from '../../src/i18n/messages/translation.ts'
import { catalogue, languages, type Language } from '../../src/i18n/messages/catalogue.ts'
import { en } from '../../src/i18n/messages/en.ts'
import { parseAcceptLanguage } from '../../src/i18n/parse-accept-language.ts'
import { scopeWords } from '../../src/pages/scope-words.ts'
import { root } from '../architecture/source.ts'

describe('messages', () => {
  test('placeholders are filled in the sentence’s own order', () => {
    expect(message('en', 'layout.title', { product: 'P', page: '{product}' })).toBe('{product} · P')
    expect(fillMessage('en', 'signIn.lead', { client: 7 })).toEqual(['to continue to ', 7, ''])
  })

  test('a language that leaves out a message or a placeholder doesn’t compile', () => {
    type Is<Candidate> = Candidate extends Translation ? true : false
    type With<Text extends string> = Omit<typeof en, 'layout.title'> & { 'layout.title': Text }
    const english: Is<typeof en> = true
    const turned: Is<With<'{product}: {page}'>> = true
    const lacking: Is<With<'{page}'>> = false
    const missing: Is<Omit<typeof en, 'layout.title'>> = false
    // The compiler is the test; this only says so to the runner.
    expect([english, turned, lacking, missing]).toEqual([true, true, false, false])
  })

  test.each(languages)('%s has every message that English has and no other, with the same placeholders', (language) => {
    const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).toSorted()
    const words = catalogue(language)
    expect(Object.keys(words).toSorted()).toEqual(Object.keys(en).toSorted())
    for (const [key, text] of Object.entries(en)) {
      expect(placeholders(words[key as keyof typeof en]), key).toEqual(placeholders(text))
    }
  })

  test.each(languages)(
    '%s reads as typeset: no straight quotes, no doubled spaces, no braces but placeholders',
    (language) => {
      for (const [key, text] of Object.entries(catalogue(language))) {
        expect(text.replace(/\{\w+\}/g, 'x'), key).not.toMatch(/['"{}]|\s\s|^\s|\s$/)
      }
    },
  )

  test('German is no English left standing', () => {
    const same = Object.entries(catalogue('de')).filter(([key, text]) => text === en[key as keyof typeof en])
    expect(same.map(([key]) => key).toSorted()).toEqual(sameInGerman)
  })
})

describe('a language is one file', () => {
  // What a sign-in page is made of, where a third language may lie beside it.
  const place = mkdtempSync(join(tmpdir(), 'gatehouse-i18n-'))
  afterAll(() => rmSync(place, { recursive: true }))
  for (const folder of ['protocol', 'i18n', 'pages'])
    cpSync(join(root, 'src', folder), join(place, 'src', folder), { recursive: true })
  writeFileSync(join(place, 'package.json'), '{ "type": "module" }')
  const messages = join(place, 'src/i18n/messages')
  const collected = () => {
    execFileSync(process.execPath, [join(root, 'scripts/collect-languages.mjs'), messages])
    return readFileSync(join(messages, 'every-language.ts'), 'utf8')
  }
  const write = (file: string, name: string, words: object) =>
    writeFileSync(join(messages, file), `export const ${name} = ${JSON.stringify({ ...en, ...words })} as const`)

  test('every-language.ts holds what lies beside it (node scripts/collect-languages.mjs)', () => {
    expect(readFileSync(join(root, 'src/i18n/messages/every-language.ts'), 'utf8')).toBe(collected())
  })

  test('a third one is collected, wished for and spoken, and the others lead to it', () => {
    const hebrew = { 'signIn.title': 'כניסה', 'layout.language': 'עברית', 'layout.direction': 'rtl' }
    write('he.ts', 'he', hebrew)
    write('pt-br.ts', 'ptBr', {})
    collected()
    const program = `
      import { chooseLanguage } from './src/i18n/choose-language.ts'
      import { languages } from './src/i18n/messages/catalogue.ts'
      import { createLook } from './src/pages/look.ts'
      import { signInPage } from './src/pages/sign-in-page.ts'
      const look = createLook({}, () => '')
      const pages = ['he-IL', 'fr'].map((wish) => {
        const language = chooseLanguage({ uiLocales: ['xx', wish] })
        return signInPage({ look, language }, { action: '/signin', hidden: [] }).body
      })
      console.log(JSON.stringify({ languages, pages }))`
    const options = { encoding: 'utf8', cwd: place } as const
    const said: unknown = JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', program], options))
    expect(said).toEqual({
      languages: expect.arrayContaining([...languages, 'he', 'pt-BR']),
      pages: [
        expect.stringMatching(/<html lang="he" dir="rtl">[^]*<h1>כניסה<\/h1>/),
        expect.stringMatching(/<html lang="en">[^]*to=he&amp;back=%2F" lang="he" dir="rtl" hreflang="he"\s*>עברית<\/a/),
      ],
    })
  })
})

/** Words and frames that are the same in both. */
const sameInGerman = [
  'account.device',
  'account.fullName',
  'consent.wordsOf',
  'home.issuer',
  'layout.direction',
  'layout.title',
  'tokens.name',
  'tokens.token',
]

describe('language', () => {
  const lookup = (...wishes: string[]) => lookupLanguage(wishes, ['en', 'de', 'pt-BR'])

  test('RFC 4647 §3.4: the first wish that is there, or its beginning', () => {
    expect(lookup('fr', 'de-CH-1996', 'en')).toBe('de')
    expect(lookup('PT-br')).toBe('pt-BR')
    expect(lookup('pt')).toBeUndefined()
    expect(lookup('den', '', '-', '*')).toBeUndefined()
  })

  test('a hostile list is not read to its end', () => {
    expect(lookup(...Array.from({ length: 1000 }, () => 'xx'), 'de')).toBeUndefined()
  })

  test('RFC 9110 §12.5.4: Accept-Language by quality, q=0 and nonsense left out', () => {
    expect(parseAcceptLanguage('da, en-gb;q=0.8, en;q=0.7')).toEqual(['da', 'en-gb', 'en'])
    expect(parseAcceptLanguage('en;q=0.1,de;q=1.0 , fr;q=0, it;q=2, <b>')).toEqual(['de', 'en'])
    expect(parseAcceptLanguage(`${'a,'.repeat(500)}de`)).toEqual([])
  })

  test('whatever is wished for, there is a language', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.string(), fc.string(), (uiLocales, cookie, acceptLanguage) => {
        expect(languages).toContain(chooseLanguage({ uiLocales, cookie, acceptLanguage }))
      }),
    )
    expect(chooseLanguage({})).toBe('en')
    expect(chooseLanguage({ acceptLanguage: 'fr-CH, fr;q=0.9' })).toBe('en')
  })

  test('OIDC Core §3.1.2.1: what the person chose here, else what the application asks for, else the browser', () => {
    expect(chooseLanguage({ acceptLanguage: 'de-AT,en;q=0.5' })).toBe('de')
    expect(chooseLanguage({ uiLocales: ['fr', 'de-CH'], acceptLanguage: 'en' })).toBe('de')
    expect(chooseLanguage({ cookie: 'en', uiLocales: ['de'], acceptLanguage: 'de' })).toBe('en')
    expect(chooseLanguage({ cookie: 'xx', uiLocales: ['de'] })).toBe('de')
  })
})

describe('spans and instants', () => {
  test.each([
    [1, '1 second'],
    [0, '1 second'],
    [59.2, '1 minute'],
    [90, '90 seconds'],
    [121, '3 minutes'],
    [900, '15 minutes'],
    [3600, '1 hour'],
    [86_400, '1 day'],
    [90_000, '25 hours'],
    [2_592_000, '30 days'],
    [2_592_001, '31 days'],
  ])('%d s is %s', (seconds, text) => {
    expect(duration('en', seconds)).toBe(text)
  })

  test('a span is never said shorter than it is', () => {
    const seconds = { second: 1, minute: 60, hour: 3600, day: 86_400 }
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e8 }), (span) => {
        const [count = '', unit = ''] = duration('en', span).split(' ')
        const said = Number(count.replaceAll(',', '')) * seconds[unit.replace(/s$/, '') as keyof typeof seconds]
        expect(said).toBeGreaterThanOrEqual(span)
        expect(said).toBeLessThanOrEqual(span * 1.5)
      }),
    )
  })

  test('an instant says that it is UTC', () => {
    expect(instant('en', 1_795_000_000)).toBe('November 18, 2026 at 11:06 UTC')
    expect(instant('de', 1_795_000_000)).toBe('18. November 2026 um 11:06 UTC')
  })
})

test('the consent page says of `me` what it lets an application do', () => {
  // L9, B22: whoever agrees must have read it: a call with this scope takes second factors off and shows new recovery codes.
  const words: readonly (readonly [Language, readonly string[]])[] = [
    ['en', ['name', 'password', 'second factors', 'recovery codes', 'tokens', 'sessions', 'delete']],
    ['de', ['Namen', 'Passwort', 'zweiten Faktoren', 'Wiederherstellungscodes', 'Tokens', 'Sitzungen', 'löschen']],
  ]
  for (const [language, powers] of words)
    for (const power of powers) expect(scopeWords(language, { scope: 'me' }).detail).toContain(power)
})
