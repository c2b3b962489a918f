import { hasControlCharacter } from './control-character.ts'
import { refuse, type Refusal } from './errors.ts'

/** What one form or query may hold at most. The shell has already refused bodies over its own limit. */
export const parameterLimits = { characters: 65_536, count: 64 } as const

/** The parameters of a form body or query, flat: a name is only a name, whatever brackets or dots it holds. */
export class Parameters {
  readonly #first: ReadonlyMap<string, string>
  readonly #repeated: ReadonlyMap<string, readonly string[]> | undefined

  constructor(first: ReadonlyMap<string, string>, repeated?: ReadonlyMap<string, readonly string[]>) {
    this.#first = first
    this.#repeated = repeated
  }

  /** The value, or nothing where it is absent or empty (RFC 6749 §3.1: sent without a value means omitted). */
  get(name: string): string | undefined {
    return this.#first.get(name) || undefined
  }

  /** Every non-empty value, for the parameters that may come more than once (RFC 8707 §2). */
  all(name: string): readonly string[] {
    const several = this.#repeated?.get(name)
    if (several !== undefined) return several.filter((value) => value !== '')
    const value = this.get(name)
    return value === undefined ? [] : [value]
  }

  /** Whether it was sent, empty or not. */
  has(name: string): boolean {
    return this.#first.has(name)
  }

  /** Names that were sent, once each, in order. */
  names(): readonly string[] {
    return [...this.#first.keys()]
  }

  /** Names that came more than once. */
  get duplicates(): readonly string[] {
    return this.#repeated === undefined ? [] : [...this.#repeated.keys()]
  }
}

const beyondPrintableAscii = /[^\x20-\x7e]/
const unreserved = /^[\w.~-]*$/

/**
 * Reads `application/x-www-form-urlencoded` (a body, or a query without its `?`) strictly: everything that two parsers
 * could read differently is refused. Percent escapes must be complete and form valid UTF-8.
 */
export function parseParameters(text: string): Parameters | Refusal {
  if (text.length > parameterLimits.characters) return refuse('invalid_request', 'parameters_too_long')
  if (beyondPrintableAscii.test(text)) {
    if (hasControlCharacter(text)) return refuse('invalid_request', 'parameter_control_character')
    // U+FFFD is what invalid UTF-8 became when the body was decoded.
    if (!text.isWellFormed() || text.includes('\ufffd')) return refuse('invalid_request', 'parameter_encoding')
  }
  const encoded = text.includes('%') || text.includes('+')
  const first = new Map<string, string>()
  let repeated: Map<string, string[]> | undefined
  let pairs = 0
  for (let start = 0; start < text.length;) {
    let end = text.indexOf('&', start)
    if (end === -1) end = text.length
    if (end > start) {
      if (++pairs > parameterLimits.count) return refuse('invalid_request', 'parameters_too_many')
      let equals = text.indexOf('=', start)
      if (equals === -1 || equals > end) equals = end
      let name: string | undefined = text.slice(start, equals)
      let value: string | undefined = text.slice(equals + 1, end)
      if (encoded) {
        const escaped = name.includes('%') || value.includes('%')
        name = decodeFormText(name)
        value = decodeFormText(value)
        if (name === undefined || value === undefined) return refuse('invalid_request', 'parameter_encoding')
        // What stands there as it is has been looked at.
        if (escaped && (hasControlCharacter(name) || hasControlCharacter(value)))
          return refuse('invalid_request', 'parameter_control_character')
      }
      const earlier = first.get(name)
      if (earlier === undefined) {
        first.set(name, value)
      } else {
        repeated ??= new Map()
        const values = repeated.get(name)
        if (values === undefined) repeated.set(name, [earlier, value])
        else values.push(value)
      }
    }
    start = end + 1
  }
  return new Parameters(first, repeated)
}

/**
 * Undoes form encoding; nothing for broken escapes or invalid UTF-8 (overlong forms and surrogates included).
 * Control characters are the caller's to refuse.
 */
export function decodeFormText(text: string): string | undefined {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    return undefined
  }
}

export type Pair = readonly [name: string, value: string]

/** Form encoding that reads the same in a query, a fragment and a body: only unreserved characters stay (RFC 3986 §2.3). */
export function printParameters(pairs: readonly Pair[]): string {
  return pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
}

function encode(text: string): string {
  if (unreserved.test(text)) return text
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** RFC 6749 §3.1, §3.2: no parameter more than once, except one that is a list (`resource`: RFC 8707 §2). */
export function refuseRepeated({ duplicates }: Parameters, list = 'resource'): Refusal | undefined {
  if (duplicates.every((name) => name === list)) return undefined
  return refuse('invalid_request', 'parameter_repeated', 'a parameter came more than once')
}
