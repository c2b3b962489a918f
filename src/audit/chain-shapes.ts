import type { AuditEvent } from '../domain/event.ts'
import type { Retention, RetentionHistory } from '../domain/retention.ts'
import type { Seal, SealEntry } from '../domain/seal.ts'

export function isHistory(value: unknown): value is RetentionHistory {
  return (
    Array.isArray(value) &&
    value.every((entry: unknown) => {
      if (typeof entry !== 'object' || entry === null) return false
      const { from, at, keep } = entry as Partial<Retention>
      return [from, at, keep].every(isNumber)
    })
  )
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isNumber = (value: unknown): value is number => typeof value === 'number'

export function isSeal(value: unknown): value is Seal {
  if (typeof value !== 'object' || value === null) return false
  const { v, number, previous, at, after, through, late, count, root, until, previousUntil, retention } =
    value as Partial<Seal>
  return (
    v === 1 &&
    typeof late === 'boolean' &&
    (retention === undefined || isHistory(retention)) &&
    [previous, after, through, root].every(isText) &&
    [number, at, count, until, previousUntil].every(isNumber)
  )
}

export function isEntries(value: unknown): value is readonly SealEntry[] {
  return (
    Array.isArray(value) &&
    value.every((entry: unknown) => {
      const [id, at, hash, ...more] = Array.isArray(entry) ? (entry as unknown[]) : []
      return isText(id) && isNumber(at) && isText(hash) && more.length === 0
    })
  )
}

/** Only what is reckoned with is looked at: the hash binds all the rest. */
export const isEvent = (value: unknown): value is AuditEvent =>
  typeof value === 'object' && value !== null && isNumber((value as Partial<AuditEvent>).at)
