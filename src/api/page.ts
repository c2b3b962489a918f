import { z } from 'zod'
import { parseDecimal } from '../protocol/numbers.ts'
import { problem, type Problem } from '../protocol/problem.ts'
import { printCursor, readCursor } from '../tokens/cursor.ts'
import type { TokenKeys } from '../tokens/keys-view.ts'

export const mostItems = 100
const usualItems = 50

/** J11: decimal ASCII alone, without sign, fraction, exponent or leading zero. */
const limit = z
  .string()
  .refine((text) => (parseDecimal(text, mostItems) ?? 0) > 0, `must be a whole number from 1 to ${mostItems}`)
  .transform(Number)
  .meta({
    type: 'integer',
    minimum: 1,
    maximum: mostItems,
    description: `How many items at most. Default: ${usualItems}.`,
  })

/** Query of every list. */
export const pageQuery = {
  limit: limit.exactOptional(),
  cursor: z.string().max(4_096).exactOptional().meta({ description: 'The `next` of the page before, as it came.' }),
}

type PageQuery = { readonly limit?: number; readonly cursor?: string }

/** Where a page begins and how long it may be. */
export type Asked = { readonly limit: number; readonly after?: string }

/**
 * Reads which page is asked for. `list` names the list with its owner, so that a cursor fits the list alone that it came
 * from; one that we didn't make is refused, not guessed at (J12).
 */
export function readPage(keys: TokenKeys, list: string, query: PageQuery): Asked | { readonly refused: Problem } {
  const limit = query.limit ?? usualItems
  if (query.cursor === undefined) return { limit }
  const after = readCursor(keys, list, query.cursor)
  if (after !== undefined) return { limit, after }
  return {
    refused: problem('invalid_cursor', {
      field: 'cursor',
      detail: 'begin again without a cursor; cursors end with the list that they came from',
    }),
  }
}

export function printPage<T>(
  keys: TokenKeys,
  { list, items, next }: { readonly list: string; readonly items: readonly T[]; readonly next: string | null },
): { items: T[]; next: string | null } {
  return { items: [...items], next: next === null ? null : printCursor(keys, list, next) }
}

/** The answer of every list. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.strictObject({
    items: z.array(item).meta({ description: 'May be fewer than asked for, even none, before the end.' }),
    next: z.string().nullable().meta({ description: 'Cursor of the next page; null at the end.' }),
  })
}
