import type { z } from 'zod'
import { parseJsonObject } from '../crypto/strict-json.ts'
import { isRefusal } from '../protocol/errors.ts'
import type { HttpRequest } from '../protocol/http.ts'
import { parseParameters } from '../protocol/parameters.ts'
import { problem, type Problem } from '../protocol/problem.ts'

type Read<S extends z.ZodType> = { readonly value: z.output<S> } | { readonly refused: Problem }

const nothing = { value: {} }

/** The ids in the path. One that can't exist is answered as one that doesn't: what shapes ids have is nobody's business. */
export function readParams<S extends z.ZodObject>(schema: S, request: HttpRequest): Read<S> {
  const parsed = schema.safeParse({ ...request.params })
  return parsed.success
    ? { value: parsed.data }
    : { refused: problem('not_found', { detail: 'there is no such thing' }) }
}

/** The query, each parameter once and known. */
export function readQuery<S extends z.ZodObject>(schema: S, request: HttpRequest): Read<S> {
  const parameters = parseParameters(request.query)
  if (isRefusal(parameters) || parameters.duplicates.length > 0) {
    return {
      refused: problem('invalid_request', { detail: 'the query must be form-encoded UTF-8, with each parameter once' }),
    }
  }
  const parsed = schema.safeParse(
    Object.fromEntries(parameters.names().map((name) => [name, parameters.get(name) ?? ''])),
  )
  return parsed.success ? { value: parsed.data } : { refused: problemOf(parsed.error, schema, 'query') }
}

/**
 * The body: one JSON object that no two parsers read differently, with known members of exactly the right types
 * (J01, J02, M02).
 */
export function readBody<S extends z.ZodObject>(schema: S, request: HttpRequest, optional: boolean): Read<S> {
  if (request.body === '' && !optional)
    return { refused: problem('invalid_request', { detail: 'a body is missing: send a JSON object' }) }
  const document = request.body === '' ? {} : parseJsonObject(Buffer.from(request.body, 'utf8'))
  if (document === undefined) {
    return {
      refused: problem('invalid_request', {
        detail:
          'the body must be one JSON object in UTF-8, at most 16 levels deep, without a member that comes twice or is named __proto__',
      }),
    }
  }
  const parsed = schema.safeParse(document)
  return parsed.success ? { value: parsed.data } : { refused: problemOf(parsed.error, schema, 'body') }
}

/**
 * A call that takes no body gets none, or the empty object that many programs always send: whoever says more expects something of
 * it.
 */
export function readNoBody(
  request: HttpRequest,
): { readonly value: Readonly<Record<string, never>> } | { readonly refused: Problem } {
  return request.body === '' || request.body === '{}'
    ? nothing
    : { refused: problem('invalid_request', { detail: 'this call takes no body' }) }
}

/** The first thing wrong, in a sentence that never repeats what was sent. */
function problemOf(error: z.ZodError, schema: z.ZodObject, part: 'query' | 'body'): Problem {
  const [issue] = error.issues
  if (issue === undefined) return problem('invalid_request')
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(schema.shape)
    const where = issue.path.length > 0 ? fieldOf(issue.path) : `the ${part}`
    const mend = issue.path.length > 0 ? '' : known.length === 0 ? '; it takes none' : `; known are ${known.join(', ')}`
    return problem('invalid_request', { detail: `${where} holds a member that does not exist${mend}` })
  }
  const field = fieldOf(issue.path)
  return problem('invalid_field', { field, detail: `${field} ${sentenceOf(issue)}` })
}

function sentenceOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined && issue.message.endsWith('undefined')
        ? 'is missing'
        : `must be of the type ${issue.expected}`
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`
    case 'too_big':
      return `is longer or more than ${issue.maximum}`
    case 'too_small':
      return `is shorter or less than ${issue.minimum}`
    case 'custom':
      return issue.message
    default:
      return 'does not have the right shape'
  }
}

/** `redirect_uris[1]` */
function fieldOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, step) =>
      typeof step === 'number' ? `${text}[${step}]` : text === '' ? String(step) : `${text}.${String(step)}`,
    '',
  )
}
