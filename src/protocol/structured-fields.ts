/** A bare item (RFC 8941 §3.3). Bytes stay base64: this folder computes nothing. */
export type BareItem =
  | { readonly type: 'integer' | 'decimal'; readonly value: number }
  | { readonly type: 'string' | 'token' | 'bytes'; readonly value: string }
  | { readonly type: 'boolean'; readonly value: boolean }

export type FieldParameters = ReadonlyMap<string, BareItem>
export type FieldItem = { readonly item: BareItem; readonly parameters: FieldParameters }
export type InnerList = { readonly items: readonly FieldItem[]; readonly parameters: FieldParameters }

const longest = 16_384

/**
 * Reads a Dictionary (RFC 8941 §4.2.2) strictly: undefined for whatever doesn't follow the grammar, and for a key that stands
 * twice, where the RFC would take the last and another reader might take the first.
 */
export function parseDictionary(text: string): ReadonlyMap<string, FieldItem | InnerList> | undefined {
  if (text.length > longest) return undefined
  const reader = { text, at: 0 }
  try {
    skip(reader, ' ')
    const members = readDictionary(reader)
    skip(reader, ' ')
    return reader.at === text.length ? members : undefined
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

/** The one spelling of an inner list (RFC 8941 §4.1.1.1). */
export function printInnerList({ items, parameters }: InnerList): string {
  const printed = items.map(({ item, parameters: own }) => printBareItem(item) + printParameters(own))
  return `(${printed.join(' ')})${printParameters(parameters)}`
}

function printParameters(parameters: FieldParameters): string {
  return [...parameters]
    .map(([key, item]) => (item.value === true ? `;${key}` : `;${key}=${printBareItem(item)}`))
    .join('')
}

function printBareItem({ type, value }: BareItem): string {
  switch (type) {
    case 'string':
      return `"${value.replaceAll(/["\\]/g, (sign) => `\\${sign}`)}"`
    case 'bytes':
      return `:${value}:`
    case 'boolean':
      return value ? '?1' : '?0'
    case 'decimal':
      return Number.isInteger(value) ? value.toFixed(1) : String(value)
    case 'integer':
    case 'token':
      return String(value)
  }
}

/** Where the text isn't what it must be. Caught where the field is read. */
class Malformed extends Error {}

type Reader = { readonly text: string; at: number }

/** What stands here, or nothing; `shape` is sticky. */
function take(reader: Reader, shape: RegExp): string | undefined {
  shape.lastIndex = reader.at
  const found = shape.exec(reader.text)?.[0]
  reader.at += found?.length ?? 0
  return found
}

function need(reader: Reader, shape: RegExp): string {
  const found = take(reader, shape)
  if (found === undefined) throw new Malformed()
  return found
}

function skip(reader: Reader, characters: string): boolean {
  const start = reader.at
  while (reader.at < reader.text.length && characters.includes(reader.text.charAt(reader.at))) reader.at += 1
  return reader.at > start
}

function readDictionary(reader: Reader): ReadonlyMap<string, FieldItem | InnerList> {
  const members = new Map<string, FieldItem | InnerList>()
  while (reader.at < reader.text.length) {
    const key = need(reader, /[a-z*][a-z0-9_\-.*]*/y)
    if (members.has(key)) throw new Malformed()
    members.set(key, take(reader, /=/y) === undefined ? trueWith(readParameters(reader)) : readMember(reader))
    skip(reader, ' \t')
    if (reader.at === reader.text.length) break
    need(reader, /,/y)
    skip(reader, ' \t')
    // RFC 8941 §4.2.2: no comma at the end.
    if (reader.at === reader.text.length) throw new Malformed()
  }
  return members
}

const trueWith = (parameters: FieldParameters): FieldItem => ({ item: { type: 'boolean', value: true }, parameters })

function readMember(reader: Reader): FieldItem | InnerList {
  return take(reader, /\(/y) === undefined ? readItem(reader) : readInnerList(reader)
}

function readInnerList(reader: Reader): InnerList {
  const items: FieldItem[] = []
  for (;;) {
    const spaced = skip(reader, ' ')
    if (take(reader, /\)/y) !== undefined) return { items, parameters: readParameters(reader) }
    if (items.length > 0 && !spaced) throw new Malformed()
    items.push(readItem(reader))
  }
}

function readItem(reader: Reader): FieldItem {
  const item = readBareItem(reader)
  return { item, parameters: readParameters(reader) }
}

function readParameters(reader: Reader): FieldParameters {
  const parameters = new Map<string, BareItem>()
  while (take(reader, /;/y) !== undefined) {
    skip(reader, ' ')
    const key = need(reader, /[a-z*][a-z0-9_\-.*]*/y)
    if (parameters.has(key)) throw new Malformed()
    parameters.set(key, take(reader, /=/y) === undefined ? { type: 'boolean', value: true } : readBareItem(reader))
  }
  return parameters
}

function readBareItem(reader: Reader): BareItem {
  const first = reader.text.charAt(reader.at)
  if (first === '"') {
    reader.at += 1
    let value = ''
    for (;;) {
      value += take(reader, /[\x20\x21\x23-\x5b\x5d-\x7e]+/y) ?? ''
      if (take(reader, /"/y) !== undefined) return { type: 'string', value }
      value += need(reader, /\\["\\]/y).slice(1)
    }
  }
  if (first === ':') {
    // One text for one byte string: complete padding, nothing but base64 (RFC 4648 §3.5).
    const bytes = need(reader, /:(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?:/y)
    return { type: 'bytes', value: bytes.slice(1, -1) }
  }
  if (first === '?') return { type: 'boolean', value: need(reader, /\?[01]/y) === '?1' }
  const decimal = take(reader, /-?[0-9]{1,12}\.[0-9]{1,3}(?![0-9.])/y)
  if (decimal !== undefined) return { type: 'decimal', value: Number(decimal) }
  const integer = take(reader, /-?[0-9]{1,15}(?![0-9.])/y)
  if (integer !== undefined) return { type: 'integer', value: Number(integer) }
  return { type: 'token', value: need(reader, /[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*/y) }
}
