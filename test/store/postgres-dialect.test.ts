import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { migrate } from '../../src/store/postgres/migrate.ts'
import type { Answer, Connection } from '../../src/store/postgres/connection.ts'
import { statementsFor } from '../../src/store/postgres/statements.ts'

// What CockroachDB or YugabyteDB lack, do otherwise, or only pretend to do.
const foreign: Readonly<Record<string, RegExp>> = {
  'the isolation of the server': /SERIALIZABLE/i,
  'locks beside rows': /advisory_|LOCK TABLE|FOR NO KEY UPDATE|FOR KEY SHARE/i,
  notifications: /\b(LISTEN|NOTIFY|UNLISTEN)\b/,
  'code in the database': /\bCREATE (OR REPLACE )?(FUNCTION|PROCEDURE|TRIGGER|RULE|EXTENSION)\b|\bDO \$\$|plpgsql/i,
  'numbers from a sequence': /\b(SMALL|BIG)?SERIAL\b|nextval|GENERATED .* AS IDENTITY/i,
  'tables of another kind': /PARTITION (BY|OF)|INHERITS|UNLOGGED|\bTEMP(ORARY)? TABLE|EXCLUDE USING|TABLESPACE/i,
  'how rows lie on pages': /\b(ctid|xmin|xmax|cmin|tableoid)\b|fillfactor|autovacuum|\bVACUUM\b|\bCLUSTER\b/i,
  'other statements': /\bMERGE INTO|\bCOPY\b|PREPARE TRANSACTION|DECLARE .* CURSOR|DEFERRABLE|\bTRUNCATE\b/i,
}

/** In what the text says of it. */
const foreignTo = (text: string): readonly string[] =>
  Object.entries(foreign).flatMap(([what, pattern]) => (pattern.test(text) ? [what] : []))

/** A server that speaks the protocol and is another product: what it was told. */
async function madeOn(version: string): Promise<readonly string[]> {
  const told: string[] = []
  const answer = (rows: Answer['rows']): Answer => ({ rows, command: '', count: rows.length })
  const connection: Connection = {
    query: async (statement) => {
      const text = typeof statement === 'string' ? statement : statement.text
      told.push(text)
      return answer(text === 'SELECT version()' ? [[version]] : [])
    },
    broken: () => false,
    close: () => undefined,
  }
  await migrate(connection, { schema: 'house', place: 'here', create: true })
  return told
}

describe('PostgreSQL’s dialect, as CockroachDB and YugabyteDB speak it', () => {
  test('every statement of a request, a scan, a sweep and a check keeps to it', () => {
    for (const [name, { text }] of Object.entries(statementsFor('house')))
      expect([name, foreignTo(text)]).toEqual([name, []])
  })

  test.each(['CockroachDB CCL v25.2.0 (x86_64-pc-linux-gnu)', 'PostgreSQL 15.2-YB-2025.1.0.0-b0 on x86_64'])(
    'tables are made by it on %s',
    async (version) => {
      const told = await madeOn(version)
      expect(told.some((text) => text.includes('CREATE TABLE'))).toBe(true)
      for (const text of told) expect([text, foreignTo(text)]).toEqual([text, []])
    },
  )

  test('what is PostgreSQL’s own is for PostgreSQL: the lock of a migration, and room on its pages', async () => {
    const told = await madeOn('PostgreSQL 18.1 on x86_64-pc-linux-gnu')
    expect(foreignTo(told.join('\n'))).toEqual(['locks beside rows', 'how rows lie on pages'])
    // Whoever waits for another's migration has the patience for it, and begins nothing before.
    const at = (pattern: RegExp): number => told.findIndex((text) => pattern.test(text))
    const [begun, patience, lock] = [at(/^BEGIN/), at(/^SET LOCAL lock_timeout = 60000$/), at(/advisory_xact_lock/)]
    expect([patience, lock > patience, at(/^CREATE/) > lock]).toEqual([begun + 1, true, true])
  })

  test('transactions that write are READ COMMITTED by name: a database whose default is stricter changes nothing', () => {
    expect(statementsFor('house').begin.text).toBe('BEGIN ISOLATION LEVEL READ COMMITTED')
    const folder = new URL('../../src/store/postgres/', import.meta.url)
    const begun = readdirSync(folder)
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => readFileSync(new URL(name, folder), 'utf8').match(/BEGIN[^'`;]*/g) ?? [])
    const known = ['BEGIN ISOLATION LEVEL READ COMMITTED', 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY']
    expect([...new Set(begun)].toSorted()).toEqual(known)
  })
})
