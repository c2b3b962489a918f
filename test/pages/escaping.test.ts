import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { gallery, presentation, words } from './gallery.ts'
import { everywhere, hostileWords, payloads } from './hostile.ts'
import { formOf, scanHtml } from './scan-html.ts'

/** Names of tags and attributes in their order: what an injection would change. */
const shape = (page: string): string =>
  scanHtml(page)
    .tags.map((tag) => `${tag.closing ? '/' : ''}${tag.name}(${[...tag.attributes.keys()].join(' ')})`)
    .join('\n')

// G15: error, login_hint, client_name, display name, state in form_post, … come out as text, whatever they hold.
describe.each(gallery)('$name', ({ name, render }) => {
  // An error code that we have words for has no detail that ours hasn't: the reference is taken with foreign words too.
  const expected = shape(render(presentation, { ...words, error: 'x' }).body)

  test('no text that somebody else chose changes the page’s shape', () => {
    for (const payload of payloads)
      expect(shape(render(presentation, everywhere(payload)).body), payload).toBe(expected)
    fc.assert(
      fc.property(hostileWords, (hostile) => {
        expect(shape(render(presentation, hostile).body)).toBe(expected)
      }),
      { numRuns: 60 },
    )
  })

  test('no text that somebody else chose reaches a header', () => {
    const { headers } = render(presentation, words)
    fc.assert(
      fc.property(hostileWords, (hostile) => {
        expect(render(presentation, hostile).headers).toEqual(headers)
      }),
      { numRuns: 20 },
    )
  })

  test('nothing is loaded from anywhere, and no element has a script or a style of its own', () => {
    for (const { name: tag, closing, attributes } of scanHtml(render(presentation, words).body).tags) {
      expect(['img', 'iframe', 'object', 'embed', 'base', 'video', 'audio', 'source']).not.toContain(tag)
      for (const [attribute, value] of attributes) {
        if (tag === 'script' && attribute === 'src') expect(value).toBe('/passkey.js')
        else expect(attribute).not.toMatch(/^on|^style$|^src/)
        if (tag === 'link') expect(attribute === 'href' ? value : 'data:').toMatch(/^data:/)
      }
      if (tag === 'script' && !closing && !attributes.has('src')) expect(name).toBe('form-post')
    }
  })
})

test('OAuth 2.0 Form Post Response Mode §2: state comes through octet by octet', () => {
  const formPost = gallery.find(({ name }) => name === 'form-post')
  fc.assert(
    fc.property(hostileWords, (hostile) => {
      const page = formPost?.render(presentation, hostile).body ?? ''
      const state = formOf(page, 'form-post').inputs.find((input) => input.attributes.get('name') === 'state')
      expect(state?.attributes.get('value')).toBe(hostile.state.replaceAll('\0', '\u{FFFD}'))
    }),
  )
})
