import { decodeUtf8 } from './encoding.ts'

export type JsonObject = Readonly<Record<string, unknown>>

const deepest = 16

/**
 * The JSON object that these bytes are, read so that no second parser can understand them differently, or undefined:
 * well-formed UTF-8, no member twice in one object at any depth, no lone surrogates, no `__proto__`, at most 16 levels
 * (RFC 7515 §4, RFC 8259 §4 and §8; RFC 8725 §3.7).
 */
export function parseJsonObject(bytes: Uint8Array): JsonObject | undefined {
  const text = decodeUtf8(bytes)
  if (text === undefined) return undefined
  const members = countMembers(text)
  if (members === undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  // A member that came twice was written twice but is held once.
  return heldMembers(value) === members ? (value as JsonObject) : undefined
}

/** Colons outside strings: in JSON each is one member. Undefined if it nests too deep. */
function countMembers(text: string): number | undefined {
  let members = 0
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (quoted) {
      if (code === 0x5c) at++
      else if (code === 0x22) quoted = false
    } else if (code === 0x22) quoted = true
    else if (code === 0x3a) members++
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > deepest) return undefined
    } else if (code === 0x7d || code === 0x5d) depth--
  }
  return members
}

/** Members of an object and of all below it; NaN if a name or a text must not be there. */
function heldMembers(value: unknown): number {
  if (typeof value === 'string') return value.isWellFormed() ? 0 : Number.NaN
  if (typeof value !== 'object' || value === null) return 0
  if (Array.isArray(value)) return value.reduce((sum: number, element) => sum + heldMembers(element), 0)
  let sum = 0
  for (const [name, member] of Object.entries(value)) {
    if (name === '__proto__' || !name.isWellFormed()) return Number.NaN
    sum += 1 + heldMembers(member)
  }
  return sum
}
