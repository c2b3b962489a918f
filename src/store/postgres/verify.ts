import { buckets } from '../../domain/bucket.ts'
import { columnsOf, bytes, ownersOf, textOf } from './columns.ts'
import type { Connection } from './connection.ts'
import type { Statements } from './statements.ts'

const mostFindings = 20
const pageSize = 500

/** What is wrong with the records, in words. The server checks its own pages; this reads every record, from one snapshot. The end is the caller's. */
export async function verify(connection: Connection, sql: Statements): Promise<readonly string[]> {
  await connection.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  await connection.query('SET LOCAL idle_in_transaction_session_timeout = 0')
  const findings: string[] = []
  for (const look of [damagedRecords, strayLinks, damagedEvents, feed]) {
    for await (const finding of look(connection, sql)) {
      findings.push(finding)
      if (findings.length === mostFindings) return findings
    }
  }
  return findings
}

async function* damagedRecords(connection: Connection, sql: Statements): AsyncGenerator<string> {
  for await (const page of pages((last) =>
    connection.query(sql.verifyRecords, [last[0] ?? '', last[1] ?? bytes(''), pageSize]),
  )) {
    const expected: { readonly kind: string; readonly owner: string; readonly id: string }[] = []
    for (const [kind, idBytes, value, owners] of page) {
      const id = textOf(idBytes)
      const owned = parsed(owners)
      if (!isObject(parsed(value)) || !Array.isArray(owned)) yield `the ${String(kind)} ${id} isn't what was written`
      else for (const owner of owned) expected.push({ kind: String(kind), owner: String(owner), id })
    }
    const columns = columnsOf(expected, [({ kind }) => kind, ({ owner }) => bytes(owner), ({ id }) => bytes(id)])
    const { rows } = await connection.query(sql.unlinked, columns)
    for (const [kind, owner, id] of rows)
      yield `the ${String(kind)} ${textOf(id)} is missing in the list of ${textOf(owner)}`
  }
}

async function* strayLinks(connection: Connection, sql: Statements): AsyncGenerator<string> {
  const next = (last: readonly unknown[]) =>
    connection.query(sql.verifyLinks, [last[0] ?? '', last[1] ?? bytes(''), last[2] ?? bytes(''), pageSize])
  for await (const page of pages(next)) {
    for (const [kind, ownerBytes, id, owners] of page) {
      const owner = textOf(ownerBytes)
      if (owners === null || !ownersOf(owners).includes(owner))
        yield `the list of ${owner} names the ${String(kind)} ${textOf(id)}, which isn't ${owner}'s`
    }
  }
}

async function* damagedEvents(connection: Connection, sql: Statements): AsyncGenerator<string> {
  for (const bucket of buckets) {
    for await (const page of pages((last) =>
      connection.query(sql.listEvents, [bucket, last[0] ?? bytes(''), pageSize]),
    )) {
      for (const [id, value] of page)
        if (!isObject(parsed(value))) yield `the event ${textOf(id)} isn't what was written`
    }
  }
}

async function* feed(connection: Connection, sql: Statements): AsyncGenerator<string> {
  const { rows } = await connection.query(sql.verifyFeed)
  if (rows.length !== 1 || rows[0]?.[0] !== true) yield 'the feed of changes has lost count'
}

/** Page after page; each begins after the last row of the one before. */
async function* pages(
  next: (last: readonly unknown[]) => Promise<{ readonly rows: readonly (readonly unknown[])[] }>,
): AsyncGenerator<readonly (readonly unknown[])[]> {
  for (let last: readonly unknown[] = []; ;) {
    const { rows } = await next(last)
    yield rows
    const end = rows.at(-1)
    if (end === undefined || rows.length < pageSize) return
    last = end
  }
}

function parsed(json: unknown): unknown {
  try {
    return JSON.parse(String(json))
  } catch {
    return undefined
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
