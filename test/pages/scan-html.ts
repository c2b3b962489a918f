export type Tag = { readonly name: string; readonly closing: boolean; readonly attributes: ReadonlyMap<string, string> }

export type Scan = { readonly tags: readonly Tag[]; readonly text: string }

const tagShape = /^<(\/?)([a-z][a-z\d]*)((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*\/?>/i

/**
 * Reads a page as a careful stranger would: tags whose attributes are all quoted, text, and nothing in between. Throws at a `<` that
 * begins no such tag. Knows nothing of the code that wrote the page.
 */
export function scanHtml(page: string): Scan {
  const tags: Tag[] = []
  let text = ''
  let rest = page.replace(/^<!doctype html>/, '')
  while (rest !== '') {
    const open = rest.indexOf('<')
    text += decode(open === -1 ? rest : rest.slice(0, open))
    if (open === -1) break
    const match = tagShape.exec(rest.slice(open))
    if (match === null) throw new Error(`no tag begins at ${JSON.stringify(rest.slice(open, open + 60))}`)
    const [whole, slash, name = '', attributes = ''] = match
    tags.push({ name: name.toLowerCase(), closing: slash === '/', attributes: attributesOf(attributes) })
    rest = rest.slice(open + whole.length)
    if (slash === '' && /^(?:style|script)$/i.test(name)) {
      const close = rest.indexOf(`</${name}>`)
      if (close === -1) throw new Error(`${name} never ends`)
      rest = rest.slice(close)
    }
  }
  return { tags, text }
}

/** What a program would fill in and send: `name=value` of every input and button of the form with this id. */
export function formOf(
  page: string,
  id: string,
): { readonly attributes: ReadonlyMap<string, string>; readonly inputs: readonly Tag[] } {
  const { tags } = scanHtml(page)
  const start = tags.findIndex((tag) => tag.name === 'form' && tag.attributes.get('id') === id)
  const form = tags[start]
  if (form === undefined) throw new Error(`no form #${id}`)
  const end = tags.findIndex((tag, at) => at > start && tag.name === 'form' && tag.closing)
  const inputs = tags.slice(start, end).filter((tag) => !tag.closing && (tag.name === 'input' || tag.name === 'button'))
  return { attributes: form.attributes, inputs }
}

function attributesOf(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const [, name = '', value = ''] of text.matchAll(/\s+([a-z-]+)(?:="([^"]*)")?/gi)) {
    if (found.has(name)) throw new Error(`attribute ${name} twice`)
    found.set(name, decode(value))
  }
  return found
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' }

function decode(text: string): string {
  return text.replace(/&(?:#(\d+)|([a-z]+));/g, (whole, code: string | undefined, name: string | undefined) =>
    code === undefined ? (entities[name ?? ''] ?? whole) : String.fromCodePoint(Number(code)),
  )
}
