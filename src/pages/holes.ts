/**
 * Where a value stands: between tags; inside a quoted attribute; inside one that holds a URL; between attributes (whole attributes
 * only); inside `<style>` or `<script>` (finished markup only).
 */
export type Hole = 'text' | 'attribute' | 'url' | 'tag' | 'raw'

const urlAttributes = new Set(['href', 'src', 'action', 'formaction'])

type Place = { state: 'text' | 'tag' | 'quoted' | 'raw'; element: string; attribute: string }

/** The kind of every hole of a template. Understands the HTML that we write, and refuses what it doesn't understand. */
export function holes(strings: readonly string[]): readonly Hole[] {
  const place: Place = { state: 'text', element: '', attribute: '' }
  const found: Hole[] = []
  for (const [at, text] of strings.entries()) {
    read(place, text)
    if (at < strings.length - 1) found.push(holeAt(place, text))
  }
  return found
}

function holeAt(place: Place, before: string): Hole {
  if (place.state === 'text') return 'text'
  if (place.state === 'raw') return 'raw'
  if (place.state === 'quoted') return urlAttributes.has(place.attribute) ? 'url' : 'attribute'
  // Right behind a name or a quote, whole attributes bring the space between with them. Behind `=` there are no quotes, behind `<` no name.
  if (/[\w"]$/.test(before) || before === '') return 'tag'
  throw new TypeError(`html: a value stands in a tag outside of quotes: …${before.slice(-30)}`)
}

function read(place: Place, text: string): void {
  let rest = text
  while (rest !== '') {
    rest = step(place, rest)
  }
}

function step(place: Place, rest: string): string {
  switch (place.state) {
    case 'text': {
      const open = rest.indexOf('<')
      if (open === -1) return ''
      const tag = /^<(?:!doctype |\/?([a-z][a-z\d-]*))/i.exec(rest.slice(open))
      if (tag === null) throw new TypeError(`html: no tag that we know begins here: ${rest.slice(open, open + 30)}`)
      place.state = 'tag'
      place.element = rest[open + 1] === '/' ? '' : (tag[1] ?? '').toLowerCase()
      return rest.slice(open + tag[0].length)
    }
    case 'tag': {
      const next = /[>"']/.exec(rest)
      if (next === null) return ''
      if (next[0] === '>') {
        place.state = place.element === 'style' || place.element === 'script' ? 'raw' : 'text'
      } else {
        const name = /\s([a-z-]+)=$/i.exec(rest.slice(0, next.index))
        if (name === null || next[0] === "'")
          throw new TypeError(`html: attributes look like name="value": ${rest.slice(0, 30)}`)
        place.state = 'quoted'
        place.attribute = (name[1] ?? '').toLowerCase()
      }
      return rest.slice(next.index + 1)
    }
    case 'quoted': {
      const close = rest.indexOf('"')
      if (close === -1) return ''
      place.state = 'tag'
      return rest.slice(close + 1)
    }
    case 'raw': {
      const close = rest.indexOf(`</${place.element}>`)
      if (close === -1) return ''
      place.state = 'text'
      return rest.slice(close + place.element.length + 3)
    }
  }
}
