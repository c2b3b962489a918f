import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contrast, legible, parseColor, printColor, textOn } from '../../src/pages/accent.ts'
import type { Color } from '../../src/pages/accent.ts'
import { createLook } from '../../src/pages/look.ts'
import { signInPage } from '../../src/pages/sign-in-page.ts'
import { stylesheet } from '../../src/pages/style.ts'
import { sha256 } from './gallery.ts'
import { scanHtml } from './scan-html.ts'

const color: fc.Arbitrary<Color> = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255))

describe('accent', () => {
  test('WCAG 2.2: contrast as its definition says', () => {
    expect(contrast([255, 255, 255], [0, 0, 0])).toBeCloseTo(21)
    expect(contrast([119, 119, 119], [255, 255, 255])).toBeCloseTo(4.48, 2)
  })

  test('whatever colour is configured, links, buttons and what is written on them reach AA by day and by night', () => {
    fc.assert(
      fc.property(color, (accent) => {
        for (const scheme of [':root{color-scheme', '@media (prefers-color-scheme:dark)']) {
          const css = stylesheet(accent)
          const rule = css.slice(css.indexOf(scheme))
          const value = (name: string): Color =>
            parseColor(new RegExp(`--${name}:(#[\\da-f]{6})`).exec(rule)?.[1] ?? '') ?? [0, 0, 0]
          for (const ground of ['ground', 'card']) {
            expect(contrast(value('link'), value(ground))).toBeGreaterThanOrEqual(4.5)
            expect(contrast(value('ink'), value(ground))).toBeGreaterThanOrEqual(7)
            expect(contrast(value('muted'), value(ground))).toBeGreaterThanOrEqual(4.5)
          }
          // WCAG 2.2 §1.4.11: the border of a field tells it from the card.
          expect(contrast(value('field'), value('card'))).toBeGreaterThanOrEqual(3)
          expect(contrast(value('on-accent'), value('accent'))).toBeGreaterThanOrEqual(4.5)
          expect(contrast(value('on-accent'), value('accent-strong'))).toBeGreaterThanOrEqual(4.5)
          for (const kind of ['danger', 'caution'])
            expect(contrast(value(kind), value(`${kind}-ground`))).toBeGreaterThanOrEqual(4.5)
        }
      }),
    )
  })

  test('a colour that is legible already stays as it is', () => {
    expect(legible([23, 89, 74], [[255, 255, 255]], 4.5)).toEqual([23, 89, 74])
  })

  test('a shade keeps its hue', () => {
    const [red, green, blue] = legible([200, 0, 0], [[15, 19, 22]], 6)
    expect(red).toBeGreaterThan(green)
    expect(green).toBe(blue)
  })

  test('print and parse are inverse', () => {
    fc.assert(
      fc.property(color, (value) => {
        expect(parseColor(printColor(value))).toEqual(value)
      }),
    )
    expect(textOn([0, 0, 0])).toEqual([255, 255, 255])
  })
})

describe('the operator’s look', () => {
  test.each(['red', '#fff', '#12345g', '#1234567', '', '#000000;}body{display:none'])(
    'pages.accent: %j is refused',
    (accent) => {
      expect(() => createLook({ accent }, sha256)).toThrow(/pages\.accent .* #rrggbb/)
    },
  )

  test.each(['javascript:alert(1)', 'data:text/html,a', '/privacy', 'https://a@b.example'])(
    'pages.privacy_policy: %j is refused',
    (url) => {
      expect(() => createLook({ privacyPolicy: url }, sha256)).toThrow(/pages\.privacy_policy .* https/)
      expect(() => createLook({ terms: url }, sha256)).toThrow(/pages\.terms .* https/)
    },
  )

  test.each([
    'https://cdn.example/logo.png',
    'data:text/html;base64,AAAA',
    'data:image/png;base64,A"onload="x',
    `data:image/png;base64,${'A'.repeat(65_536)}`,
  ])('pages.logo: %.40s is refused', (logo) => {
    expect(() => createLook({ logo }, sha256)).toThrow(/pages\.logo .* 64 KiB/)
  })

  test('name, logo and links are shown', () => {
    const logo = 'data:image/png;base64,iVBORw0KGgo='
    const look = createLook({ productName: 'Ac<me', logo, privacyPolicy: 'https://acme.example/p' }, sha256)
    const { tags, text } = scanHtml(signInPage({ look, language: 'en' }, { action: '/signin', hidden: [] }).body)
    const image = tags.find((tag) => tag.name === 'img')
    expect([image?.attributes.get('src'), image?.attributes.get('alt')]).toEqual([logo, 'Ac<me'])
    expect(text).toContain('Sign in · Ac<me')
    expect(tags.some((tag) => tag.attributes.get('href') === 'https://acme.example/p')).toBe(true)
    expect(text).not.toContain('Terms')
  })
})
