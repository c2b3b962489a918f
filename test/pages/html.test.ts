import { isStringOneByteRepresentation } from 'node:v8'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { html, print, verbatim } from '../../src/pages/html.ts'
import type { HtmlValue } from '../../src/pages/html.ts'
import { hostileText } from './hostile.ts'
import { scanHtml } from './scan-html.ts'

describe('html', () => {
  test('typographic marks leave a page one byte a character wide, and whatever stands beside them as it is', () => {
    const words = 'Use the permission “read” when you’re away'
    const page = print(html`<p>‘${words}’ — ${'x'.repeat(40)}</p>`)
    expect(isStringOneByteRepresentation(page)).toBe(true)
    expect(page).toContain('&#8220;read&#8221; when you&#8217;re away')
    expect(print(html`<p>${'“😀 日本”'}</p>`)).toBe('<p>&#8220;😀 日本&#8221;</p>')
  })

  test('text is escaped between tags and in attributes', () => {
    expect(print(html`<p title="${'"a" & \'b\''}">${'<b>&amp;</b>'}</p>`)).toBe(
      '<p title="&quot;a&quot; &amp; &#39;b&#39;">&lt;b&gt;&amp;amp;&lt;/b&gt;</p>',
    )
  })

  test('numbers, lists and markup print; false and undefined print nothing', () => {
    expect(print(html`<ul>${[1, 'a<', html`<li>${2}</li>`]}${false}${undefined}</ul>`)).toBe(
      '<ul>1a&lt;<li>2</li></ul>',
    )
  })

  test('any text comes back unchanged from text and from an attribute, NUL aside', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const { tags, text: shown } = scanHtml(print(html`<p title="${text}">${text}</p>`))
        const kept = text.replaceAll('\0', '\u{FFFD}')
        expect(tags).toHaveLength(2)
        expect(tags[0]?.attributes.get('title')).toBe(kept)
        expect(shown).toBe(kept)
      }),
    )
  })

  test('parsed JSON that looks like markup is no markup', () => {
    const forged: HtmlValue = JSON.parse('{"html": "<script>", "Symbol(html)": "<script>"}')
    expect(() => print(html`<p title="${forged}"></p>`)).toThrow(TypeError)
    expect(print(html`<p>${forged}</p>`)).not.toContain('<script>')
  })

  test.each([
    ['attribute without quotes', (x: string) => html`<p title=${x}></p>`],
    ['attribute in single quotes', (x: string) => html`<p title='${x}'></p>`],
    ['attribute name', (x: string) => html`<p ${x}></p>`],
    ['behind an attribute', (x: string) => html`<p title="a"${x}></p>`],
    ['tag name', (x: string) => html`<${x}></p>`],
    ['comment', (x: string) => html`<!-- ${x} -->`],
    ['script', (x: string) => html`<script>${x}</script>`],
    ['style', (x: string) => html`<style>${x}</style>`],
  ])('text is refused in a place where escaping can’t protect: %s', (_place, template) => {
    expect(() => template('a')).toThrow(TypeError)
  })

  test('markup is refused inside an attribute, and between attributes unless it is whole attributes', () => {
    expect(() => html`<p title="${html`<b>`}"></p>`).toThrow(TypeError)
    expect(() => html`<p${verbatim(' id=a onclick=alert(1)')}></p>`).toThrow(TypeError)
    expect(() => html`<p${verbatim('><script>')}></p>`).toThrow(TypeError)
    expect(print(html`<input${html` checked`}${html` aria-describedby="${'x'}"`}>`)).toBe(
      '<input checked aria-describedby="x">',
    )
  })

  test.each(['/a', '/', '#main', 'https://a.example/?b=1&c', 'HTTP://127.0.0.1:1/'])('a link may lead to %s', (url) => {
    expect(scanHtml(print(html`<a href="${url}">a</a>`)).tags[0]?.attributes.get('href')).toBe(url)
  })

  test.each([
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'JAVASCRIPT:a',
    'data:text/html,a',
    'vbscript:a',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil',
    'com.example.app:/cb',
    '',
    'a',
  ])('a link or form may not lead to %j', (url) => {
    expect(() => html`<a href="${url}">a</a>`).toThrow(TypeError)
    expect(() => html`<form action="${url}"></form>`).toThrow(TypeError)
  })

  test('the indentation of our source doesn’t reach the page, that of a value does', () => {
    expect(
      print(html`<p>
      ${'a\n   b'}
    </p>`),
    ).toBe('<p>\na\n   b\n</p>')
  })
})
