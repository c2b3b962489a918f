import { hasControlCharacter } from './control-character.ts'
import { refuse, type Refusal } from './errors.ts'

/** What one form or query may hold at most. The shell has already refused bodies over its own limit. */
export const parameterLimits = { characters: 65_536, count: 64 } as const

/** The parameters of a form body or query, flat: a name is only a name, whatever brackets or dots it holds. */
export class Parameters {
  readonly #first: ReadonlyMap<string, string>
  readonly #repeated: ReadonlyMap<string, readonly string[]>

  /** The first value of each name, and every value of those that came more than once. */
  constructor(first: ReadonlyMap<string, string>, repeated: ReadonlyMap<string, readonly string[]> = new Map()) {
    this.#first = first
    this.#repeated = repeated
  }

  /** The value, or nothing where it is absent or empty (RFC 6749 §3.1: sent without a value means omitted). */
  get(name: string): string | undefined {
    return this.#first.get(name) || undefined
  }

  /** Every non-empty value, for the parameters that may come more than once (RFC 8707 §2). */
  all(name: string): readonly string[] {
    const several = this.#repeated.get(name)
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
    return [...this.#repeated.keys()]
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
  const first = new Map<string, string>()
  const repeated = new Map<string, readonly string[]>()
  let pairs = 0
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    end = indexFrom(text, '&', start)
    if (end === start) continue
    if (++pairs > parameterLimits.count) return refuse('invalid_request', 'parameters_too_many')
    const equals = Math.min(indexFrom(text, '=', start), end)
    const name = decodeSound(text.slice(start, equals))
    const value = decodeSound(text.slice(equals + 1, end))
    if (typeof name !== 'string') return name
    if (typeof value !== 'string') return value
    const earlier = first.get(name)
    if (earlier === undefined) first.set(name, value)
    else repeated.set(name, [...(repeated.get(name) ?? [earlier]), value])
  }
  return new Parameters(first, repeated)
}

/** Where the sign stands, or the end. */
function indexFrom(text: string, sign: string, start: number): number {
  const found = text.indexOf(sign, start)
  return found === -1 ? text.length : found
}

function decodeSound(encoded: string): string | Refusal {
  const text = decodeFormText(encoded)
  if (text === undefined) return refuse('invalid_request', 'parameter_encoding')
  // Only an escape can bring one in: the whole has been looked at as it came.
  if (encoded.includes('%') && hasControlCharacter(text))
    return refuse('invalid_request', 'parameter_control_character')
  return text
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
