import type { Kind } from '../../domain/record.ts'

/** Text as the bytes that stand in a key column. */
export function bytes(text: string): Buffer {
  return Buffer.from(text, 'utf8')
}

/** Rows as columns, the way `unnest` wants them. */
export function columnsOf<T>(
  rows: readonly T[],
  columns: readonly ((row: T) => unknown)[],
): readonly (readonly unknown[])[] {
  return columns.map((column) => rows.map(column))
}

export const kindAndId: readonly ((row: { readonly kind: Kind; readonly id: string }) => unknown)[] = [
  ({ kind }) => kind,
  ({ id }) => bytes(id),
]

/** What the driver returned, as what the column holds. */
export function textOf(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString('utf8') : String(value)
}

/** A `bigint` column: the driver returns its digits. Ours stay far below 2^53. */
export function numberOf(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value)
}

/** Owners as they stand in a record's row. */
export function ownersOf(value: unknown): readonly string[] {
  return value === '[]' ? [] : (JSON.parse(String(value)) as string[])
}
