import { holes } from './holes.ts'
import type { Hole } from './holes.ts'

// A symbol nobody else can name: no parsed JSON, no record and no parameter can pass for markup.
const markup = Symbol('html')

/** Text that is safe to put into a page as it stands. Only `html` and `verbatim` make it. */
export type Html = { readonly [markup]: string }

/** What a template may hold. `false` and `undefined` print nothing, so that `condition && html…` reads well. */
export type HtmlValue = string | number | false | undefined | Html | readonly HtmlValue[]

type Template = { readonly texts: readonly string[]; readonly holes: readonly Hole[] }

const templates = new WeakMap<TemplateStringsArray, Template>()

/**
 * A template whose values are escaped for the place where they stand. The template itself is read once: a value in a place where
 * escaping can't protect (an attribute without quotes, a tag name, a comment, a script) is a mistake of ours and throws.
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let template = templates.get(strings)
  if (template === undefined) {
    // The indentation of our source is nothing to a browser.
    template = {
      texts: strings.map((text) => narrowed(text.replace(/\n\s*/g, '\n').replace(marks, spell))),
      holes: holes(strings),
    }
    templates.set(strings, template)
  }
  let text = template.texts[0] ?? ''
  for (let at = 0; at < values.length; at++) {
    text += fill(values[at], template.holes[at] ?? 'text') + (template.texts[at + 1] ?? '')
  }
  return { [markup]: text }
}

/** Text of our own that is markup already: a stylesheet, a drawing, a script. Never anything that came from outside. */
export function verbatim(text: string): Html {
  return { [markup]: text }
}

/** The finished text. */
export function print(page: Html): string {
  return page[markup]
}

function fill(value: HtmlValue, hole: Hole): string {
  if (value === undefined || value === false) return ''
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') {
    if (hole === 'text' || hole === 'attribute') return escapeHtml(value)
    if (hole === 'url') return escapeHtml(checkUrl(value))
    throw new TypeError(`html: text stands where only markup may (${hole})`)
  }
  if (isList(value)) {
    let text = ''
    for (const item of value) text += fill(item, hole)
    return text
  }
  const text = value[markup]
  if (hole === 'text' || hole === 'raw') return text
  if (hole === 'tag' && /^(?: [a-z-]+(?:="[^"<>]*")?)*$/.test(text)) return text
  throw new TypeError(`html: markup stands where it can't (${hole})`)
}

const isList = (value: HtmlValue): value is readonly HtmlValue[] => Array.isArray(value)

/** A path of ours or an http(s) URL: what a link or a form may lead to. `javascript:` and `//elsewhere` throw. */
function checkUrl(url: string): string {
  if (/^(?:https?:\/\/|#|\/(?![/\\]))/i.test(url)) return url
  throw new TypeError('html: a link or form leads to something that is neither a path here nor http(s)')
}

// A carriage return would reach the server as a newline, and a NUL as nothing: the parser changes both before anybody sees them.
// Typographic marks, which our own words are full of, are spelt by their numbers: one curly quote makes the whole page a string
// of two bytes a character, which costs twice as much to put together and to send (30 µs against 15). It is enough that a part of
// it was cut out of such a string: V8 keeps the width of the whole, so what came out of one is put together anew.
const special = /[&<>"'\r\0\u00b7\u2010-\u2027]/
const marks = /[\u00b7\u2010-\u2027]/g
const wide = /[\u2010-\u2027]/

/** Safe both between tags and inside quoted attributes. Slicing between the few special characters beats five `replace`s. */
function escapeHtml(text: string): string {
  let at = text.search(special)
  if (at === -1) return text
  let escaped = ''
  let from = 0
  for (; at < text.length; at++) {
    const entity = entityOf(text.charCodeAt(at))
    if (entity === '') continue
    escaped += text.slice(from, at) + entity
    from = at + 1
  }
  escaped += text.slice(from)
  return wide.test(text) ? narrowed(escaped) : escaped
}

function narrowed(text: string): string {
  return /[^\0-\xff]/.test(text) ? text : Buffer.from(text, 'latin1').toString('latin1')
}

function entityOf(code: number): string {
  switch (code) {
    case 0x26:
      return '&amp;'
    case 0x3c:
      return '&lt;'
    case 0x3e:
      return '&gt;'
    case 0x22:
      return '&quot;'
    case 0x27:
      return '&#39;'
    case 0x0d:
      return '&#13;'
    case 0x00:
      return '\u{FFFD}'
    default:
      return code === 0xb7 || (code >= 0x2010 && code <= 0x2027) ? spell(String.fromCharCode(code)) : ''
  }
}

function spell(character: string): string {
  return `&#${character.charCodeAt(0)};`
}
