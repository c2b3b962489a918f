import { bucketOf } from '../../domain/bucket.ts'
import type { Kind, Ref, Version } from '../../domain/record.ts'
import type { StampedWrite } from '../port.ts'

type Target = {
  readonly kind: Kind
  readonly id: string
  /** Kind and id in one text. */
  readonly key: string
}

/** A write whose value is text already, so that nobody can change it while it waits. */
export type Operation =
  | (Target & {
      readonly op: 'put'
      readonly expect: Version | null
      readonly version: Version
      readonly json: string
      readonly expiresAt: number | null
      readonly owners: readonly string[] | undefined
      readonly forget: Ref | undefined
    })
  | (Target & { readonly op: 'delete' | 'check'; readonly expect: Version | null })
  | (Target & { readonly op: 'append'; readonly bucket: string; readonly at: number; readonly json: string })

/** What one commit asks for: all of it happens, or none. */
export type Unit = readonly Operation[]

export function toUnit(writes: readonly StampedWrite[]): Unit {
  return writes.map((write) => {
    if (write.op === 'append') {
      const { id, event } = write
      const target = { kind: 'event', id, key: keyOf('event', id) } as const
      return { op: 'append', ...target, bucket: bucketOf(id), at: event.at, json: JSON.stringify(event) }
    }
    const { kind, id, expect } = write
    const target = { kind, id, key: keyOf(kind, id), expect }
    if (write.op !== 'put') return { op: write.op, ...target }
    const { version, value, expiresAt, owners } = write
    const forget = 'forget' in value ? value.forget : undefined
    return {
      op: 'put',
      ...target,
      version,
      json: JSON.stringify(value),
      expiresAt,
      owners: owners === undefined ? undefined : [...new Set(owners)],
      forget,
    }
  })
}

/** No kind has a space in it. */
export function keyOf(kind: Kind, id: string): string {
  return `${kind} ${id}`
}

/** One order for everybody, in which no two transactions wait for each other in a circle. */
export function byKey(
  a: { readonly kind: Kind; readonly id: string },
  b: { readonly kind: Kind; readonly id: string },
): number {
  const [one, other] = [keyOf(a.kind, a.id), keyOf(b.kind, b.id)]
  return one < other ? -1 : Number(one > other)
}
