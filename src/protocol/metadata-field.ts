import { isClientId } from './client-id.ts'
import { hasControlCharacter } from './control-character.ts'
import { isRefusal } from './errors.ts'
import { parsePublicJwks, type PublicJwk } from './public-jwks.ts'
import type { Reason } from './reasons.ts'
import { redirectUriLimits, redirectUriProblem } from './redirect-uri.ts'
import { parseResource } from './resource.ts'
import { parseScope } from './scope.ts'
import { webUriProblem } from './web-uri.ts'

/** A field that can't be read. Thrown by readers and caught once, where the whole document is read. The message never holds the value. */
export class FieldProblem extends Error {
  readonly field: string
  readonly reason: Reason

  constructor(field: string, message: string, reason: Reason = 'metadata_malformed') {
    super(message)
    this.field = field
    this.reason = reason
  }
}

/** Reads the value of a field, which it is told for its complaint. */
export type Reader<T> = (value: unknown, field: string) => T

type Document = Readonly<Record<string, unknown>>

export const metadataLimits = { nameCharacters: 200, uriCharacters: 2_000, resources: 100 } as const

/** The field's value read; nothing where the document lacks it. */
export function readField<T>(document: Document, field: string, reader: Reader<T>): T | undefined {
  return Object.hasOwn(document, field) ? reader(document[field], field) : undefined
}

export function oneOf<const T extends string>(choices: readonly T[]): Reader<T> {
  return (value, field) => {
    const choice = choices.find((one) => one === value)
    if (choice === undefined) throw new FieldProblem(field, `must be one of ${choices.join(', ')}`)
    return choice
  }
}

/** Several of the choices, each once. */
export function someOf<const T extends string>(choices: readonly T[]): Reader<readonly T[]> {
  const one = oneOf(choices)
  return (value, field) => [
    ...new Set(readList(value, field, choices.length * 2).map((item, index) => one(item, `${field}[${index}]`))),
  ]
}

export function readBoolean(value: unknown, field: string): boolean {
  if (typeof value !== 'boolean') throw new FieldProblem(field, 'must be true or false')
  return value
}

export function readClientId(value: unknown, field: string): string {
  if (typeof value !== 'string' || !isClientId(value)) {
    throw new FieldProblem(
      field,
      'must be 1 to 128 of the characters A-Z a-z 0-9 - . _ ~, begin with a letter or digit, and not begin with usr_, as user ids do',
    )
  }
  return value
}

/** What people read: one line, nothing invisible that could turn or hide what stands beside it. */
export function readDisplayName(value: unknown, field: string): string {
  const text = typeof value === 'string' ? value.normalize('NFC').trim() : ''
  if (text === '') throw new FieldProblem(field, 'must be a text that is not empty')
  if (text.length > metadataLimits.nameCharacters)
    throw new FieldProblem(field, `is longer than ${metadataLimits.nameCharacters} characters`)
  if (!text.isWellFormed() || hasControlCharacter(text) || /\p{Cf}/u.test(text)) {
    throw new FieldProblem(field, 'holds a control character or an invisible one; leave it out')
  }
  return text
}

export function readWebUri(value: unknown, field: string): string {
  if (typeof value !== 'string' || value.length > metadataLimits.uriCharacters) {
    throw new FieldProblem(field, `must be an https URI of at most ${metadataLimits.uriCharacters} characters`)
  }
  const problem = webUriProblem(value)
  if (problem !== undefined) throw new FieldProblem(field, problem)
  return value
}

export function readRedirectUris(value: unknown, field: string): readonly string[] {
  return readTexts(value, field, redirectUriLimits.perClient).map((uri, index) => {
    const problem = redirectUriProblem(uri)
    if (problem !== undefined) throw new FieldProblem(`${field}[${index}]`, problem, 'redirect_uri_malformed')
    return uri
  })
}

export function readScope(value: unknown, field: string): readonly string[] {
  if (value === '') return []
  const scope = typeof value === 'string' ? parseScope(value) : undefined
  if (scope === undefined || isRefusal(scope)) {
    throw new FieldProblem(field, 'must be a text: scopes with one space between them', 'scope_malformed')
  }
  return scope
}

export function readResources(value: unknown, field: string): readonly string[] {
  return readTexts(value, field, metadataLimits.resources).map((text, index) => {
    const resource = parseResource(text)
    if (isRefusal(resource))
      throw new FieldProblem(`${field}[${index}]`, 'must be an absolute URI without fragment', 'resource_malformed')
    return resource
  })
}

export function readKeys(value: unknown, field: string): readonly PublicJwk[] {
  const keys = parsePublicJwks(value)
  if (typeof keys === 'string') throw new FieldProblem(field, keys)
  return keys
}

function readTexts(value: unknown, field: string, most: number): readonly string[] {
  const texts = readList(value, field, most).map((item, index) => {
    if (typeof item !== 'string') throw new FieldProblem(`${field}[${index}]`, 'must be a text')
    return item
  })
  return [...new Set(texts)]
}

function readList(value: unknown, field: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new FieldProblem(field, 'must be a list')
  if (value.length > most) throw new FieldProblem(field, `must hold ${most} items at most`)
  // Holes of a sparse array become undefined, which every reader refuses; `every` and `map` would skip them.
  return Array.from<unknown>(value)
}
