import { describe, expect, test } from 'vitest'
import { ref, type Ref } from '../../src/domain/record.ts'
import { changesSince } from '../../src/store/sql/changes-since.ts'
import type { Dialect } from '../../src/store/sql/dialect.ts'
import type { Pooled } from '../../src/store/sql/pool.ts'

const connection: Pooled = { broken: () => false, close: () => undefined }

/** A feed whose lines go from `oldest` to `newest`, but for those that a sweep takes while they are read. */
function feed(newest: number, oldest: number | null, swept = 0) {
  const changes = async (_: Pooled, after: number, upTo: number): Promise<readonly Ref[]> =>
    Array.from({ length: upTo - after }, (_none, index) => ref('user', `u${after + index + 1}`)).slice(swept)
  const dialect = { newestChange: async () => ({ newest, oldest }), changes } as Pick<
    Dialect<Pooled>,
    'newestChange' | 'changes'
  > as Dialect<Pooled>
  return (cursor: string | undefined) => changesSince(connection, dialect, cursor)
}

describe('what changed since a cursor', () => {
  test('is nothing for a newcomer, and for who has seen all', async () => {
    for (const cursor of [undefined, '9']) expect(await feed(9, 7)(cursor)).toEqual({ cursor: '9', forget: [] })
    expect(await feed(9, null)('9')).toEqual({ cursor: '9', forget: [] })
  })

  test('is every line behind it, as long as none is missing', async () => {
    expect(await feed(9, 7)('7')).toEqual({ cursor: '9', forget: [ref('user', 'u8'), ref('user', 'u9')] })
    expect((await feed(9, 7)('6')).forget).toHaveLength(3)
  })

  test.each([
    ['older than the oldest line', feed(9, 7), '5'],
    ['older than a feed that is swept empty', feed(9, null), '8'],
    ['of another history, in which more had happened', feed(9, 7), '10'],
    ['of which a sweep took lines just now', feed(9, 7, 1), '6'],
    ['that is no number', feed(9, 7), 'x'],
  ])('is unknown for a cursor %s', async (_, changes, cursor) => {
    expect(await changes(cursor)).toEqual({ cursor: '9', forget: 'lost' })
  })
})
