import { describe, expect, test } from 'vitest'
import { sql } from '../../src/store/mysql/sql-text.ts'

describe('SQL with its values in place', () => {
  test.each(["'", '\\', "'; DROP TABLE gatehouse_record; --", 'ünïcødé \u0000 \u{1d11e}', "x'", ';', ''])(
    'text that says %j stands there in hexadecimal, and ends nothing',
    (text) => {
      const { text: spelled } = sql`SELECT ${text}`
      const [, digits] = /^SELECT x'([0-9a-f]*)'$/.exec(spelled) ?? []
      expect(Buffer.from(digits ?? 'none', 'hex').toString('utf8')).toBe(text)
    },
  )

  test('numbers are digits, and nothing is NULL', () => {
    expect(sql`VALUES (${0}, ${-7}, ${Number.MAX_SAFE_INTEGER}, ${null})`.text).toBe(
      'VALUES (0, -7, 9007199254740991, NULL)',
    )
  })

  test.each([0.5, Number.NaN, Infinity, 2 ** 53])('%d is no number that is stored', (number) => {
    expect(() => sql`SELECT ${number}`).toThrow(/only whole numbers/)
  })

  test('pieces that were spelled already stand as they are, several with commas between them', () => {
    const rows = ['a', 'b'].map((id) => sql`(${id}, ${1})`)
    expect(sql`INSERT INTO t VALUES ${rows} ${sql`LIMIT ${2}`}`.text).toBe(
      "INSERT INTO t VALUES (x'61', 1), (x'62', 1) LIMIT 2",
    )
  })
})
