import { z } from 'zod'
import { nearest } from './nearest.ts'
import type { Path } from './yaml-document.ts'

export type Explained = { readonly path: Path; readonly problem: string }

type Issue = z.core.$ZodIssue

/** One sentence for each thing that the schema found: the key, what is wrong, the mend. Never the value: it may be a secret. */
export function explain(schema: z.ZodType, issues: readonly Issue[]): Explained[] {
  return issues.flatMap((issue) => {
    const path = issue.path.filter((step) => typeof step !== 'symbol')
    if (issue.code !== 'unrecognized_keys') return [{ path, problem: `${keyName(path)} ${reason(issue)}` }]
    const known = keysAt(schema, path)
    return issue.keys.map((key) => ({ path: [...path, key], problem: unknownKey(path, key, known) }))
  })
}

/** `clients[0].redirect_uris`, as people write it. */
export function keyName(path: Path): string {
  const name = path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`
    return text === '' ? step : `${text}.${step}`
  }, '')
  return name === '' ? 'the file' : name
}

function unknownKey(path: Path, key: string, known: readonly string[]): string {
  const name = keyName([...path, printable(key)])
  const meant = nearest(key, known)
  const mend = meant === undefined ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`
  return `${name} is an unknown key; ${mend}`
}

/** A key may be anything; what we print of it is short and has no control characters. */
function printable(key: string): string {
  return JSON.stringify(key.slice(0, 60)).slice(1, -1)
}

function reason(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? 'is missing; add it'
        : `must be ${typeName(issue.expected)}, found ${foundName(issue.input)}`
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array' ? issue.message : `must be at least ${issue.minimum}`
    case 'too_big':
      if (issue.origin === 'array') return `has more than ${issue.maximum} entries`
      if (issue.origin === 'string') return `is longer than ${issue.maximum} characters`
      return `must be at most ${issue.maximum}`
    default:
      return issue.message
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a section with keys',
  record: 'a section with keys',
}

const typeName = (expected: string): string => typeNames[expected] ?? expected

function foundName(input: unknown): string {
  if (input === null) return 'nothing'
  if (Array.isArray(input)) return 'a list'
  if (typeof input === 'string') return 'text'
  if (typeof input === 'number') return 'a number'
  if (typeof input === 'boolean') return String(input)
  return 'a section with keys'
}

/** The keys that the schema knows at a path. */
function keysAt(schema: z.core.$ZodType, path: Path): readonly string[] {
  const node = unwrap(schema)
  if (node instanceof z.ZodObject) {
    const [first, ...rest] = path
    if (first === undefined) return Object.keys(node.shape)
    const shape = node.shape as Readonly<Record<string, z.core.$ZodType>>
    const child = Object.hasOwn(shape, first) ? shape[first] : undefined
    return child === undefined ? [] : keysAt(child, rest)
  }
  return node instanceof z.ZodArray ? keysAt(node.element, path.slice(1)) : []
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.unwrap())
  }
  return schema
}
