import { bucketOf } from '../../domain/bucket.ts'
import type { Kind } from '../../domain/record.ts'
import { AttemptFailed } from '../sql/attempt-failed.ts'
import { judge, type Effects, type LockedRow, type NewRow, type Outcome } from '../sql/judge.ts'
import { byKey, type Unit } from '../sql/unit.ts'
import type { Answer, Connection } from './connection.ts'
import { sql, type Sql } from './sql-text.ts'
import { failureOf } from './verdict.ts'

/** A statement, and how many rows it must have touched. */
type Step = readonly [statement: Sql, count: number]

type Target = { readonly kind: Kind; readonly id: string; readonly key: string }

/**
 * Write one batch: durable when it resolves, each unit all or nothing by itself. Three round trips whatever its size: lock and
 * read, write, commit. Events that depend on no record take one. Throws AttemptFailed.
 */
export async function applyBatch(connection: Connection, units: readonly Unit[]): Promise<readonly Outcome[]> {
  const records = recordsOf(units)
  if (records.length === 0) {
    const { outcomes, effects } = judge(units, new Map(), new Set())
    const [append] = stepsOf(effects)
    if (append !== undefined && !outcomes.includes('conflict')) {
      try {
        await connection.one(append[0])
        return outcomes
      } catch (error) {
        const failure = failureOf(error, 'single')
        if (!(failure instanceof AttemptFailed) || failure.verdict !== 'again') throw failure
      }
    }
  }
  return inTransaction(connection, units, records)
}

async function inTransaction(
  connection: Connection,
  units: readonly Unit[],
  records: readonly Target[],
): Promise<readonly Outcome[]> {
  const outcomes = await undone(connection, async () => {
    const { outcomes: judged, effects } = await lockAndJudge(connection, units, records)
    const steps = stepsOf(effects)
    if (steps.length === 0) return judged
    const answers = await connection.all(steps.map(([statement]) => statement))
    for (const [index, [, count]] of steps.entries()) {
      if (answers[index]?.count !== count) throw new AttemptFailed('a row was not as it was found', 'again')
    }
    return judged
  })
  try {
    await connection.one(sql`COMMIT`)
    return outcomes
  } catch (error) {
    await connection.close()
    throw failureOf(error, 'commit')
  }
}

/** The work of a transaction whose end is still to come; whatever fails takes it back. */
async function undone<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await connection.one(sql`ROLLBACK`).catch(() => connection.close())
    throw failureOf(error, 'before')
  }
}

async function lockAndJudge(connection: Connection, units: readonly Unit[], records: readonly Target[]) {
  const events = units.flatMap((unit) => unit.filter(({ op }) => op === 'append'))
  const places = events.map(({ id }) => sql`(${bucketOf(id)}, ${id})`)
  const seen = events.length === 0 ? [] : [sql`SELECT id FROM gatehouse_event WHERE (bucket, id) IN (${places})`]
  // One by one and in one order for everybody, so that nobody waits in a circle.
  const locks = records.map(
    ({ kind, id }) =>
      sql`SELECT version, sweep_at, owners FROM gatehouse_record WHERE kind = ${kind} AND id = ${id} FOR UPDATE`,
  )
  const [, ...answers] = await connection.all([sql`START TRANSACTION`, ...locks, ...seen])
  const found = new Map<string, LockedRow>()
  for (const [index, { key }] of records.entries()) {
    const [row] = answers[index]?.rows ?? []
    if (row === undefined) continue
    const owners = JSON.parse(String(row[2])) as string[]
    found.set(key, { version: String(row[0]), sweepAt: row[1] === null ? null : Number(row[1]), owners })
  }
  const existing: Answer | undefined = seen.length === 0 ? undefined : answers[records.length]
  return judge(units, found, new Set(existing?.rows.map(([id]) => String(id))))
}

/** New rows in one order for everybody, so that two batches that create the same ones don't wait in a circle. */
function stepsOf(effects: Effects): readonly Step[] {
  const { update, remove, link, unlink, events, announced } = effects
  const insert = effects.insert.toSorted(byKey)
  const claim = effects.claim.toSorted(byKey)
  const touching = (rows: readonly unknown[], statement: () => Sql): readonly Step[] =>
    rows.length === 0 ? [] : [[statement(), rows.length]]
  const row = ({ kind, id, version, json, expiresAt, sweepAt, owners }: NewRow): Sql =>
    sql`(${kind}, ${id}, ${version}, ${json}, ${expiresAt}, ${sweepAt}, ${JSON.stringify(owners)})`
  return [
    ...update.map(({ kind, id, version, json, expiresAt, sweepAt, owners, expect }): Step => [
      sql`UPDATE gatehouse_record
          SET version = ${version}, value = ${json}, expires_at = ${expiresAt}, sweep_at = ${sweepAt}, owners = ${JSON.stringify(owners)}
          WHERE kind = ${kind} AND id = ${id} AND version = ${expect}`,
      1,
    ]),
    ...remove.map(({ kind, id, expect }): Step => [
      sql`DELETE FROM gatehouse_record WHERE kind = ${kind} AND id = ${id} AND version = ${expect}`,
      1,
    ]),
    ...touching(claim, () => {
      const rows = claim.map(({ kind, id }) => sql`(${kind}, ${id}, '', '', '[]')`)
      return sql`INSERT INTO gatehouse_record (kind, id, version, value, owners) VALUES ${rows}`
    }),
    ...touching(
      insert,
      () =>
        sql`INSERT INTO gatehouse_record (kind, id, version, value, expires_at, sweep_at, owners) VALUES ${insert.map(row)}`,
    ),
    ...claim.map(({ kind, id }): Step => [sql`DELETE FROM gatehouse_record WHERE kind = ${kind} AND id = ${id}`, 1]),
    ...unlink.map(({ kind, owner, id }): Step => [
      sql`DELETE FROM gatehouse_link WHERE kind = ${kind} AND owner = ${owner} AND id = ${id}`,
      1,
    ]),
    ...touching(link, () => {
      const rows = link.map(({ kind, owner, id }) => sql`(${kind}, ${owner}, ${id})`)
      return sql`INSERT INTO gatehouse_link (kind, owner, id) VALUES ${rows}`
    }),
    ...touching(events, () => {
      const rows = events.map(({ bucket, id, at, json }) => sql`(${bucket}, ${id}, ${at}, ${json})`)
      return sql`INSERT INTO gatehouse_event (bucket, id, at, value) VALUES ${rows}`
    }),
    ...announcing(announced),
  ]
}

/** Last, since its lock is the one that everybody wants. */
function announcing(announced: Effects['announced']): readonly Step[] {
  const count = announced.length
  if (count === 0) return []
  return [
    [sql`UPDATE gatehouse_feed SET newest = newest + ${count} WHERE one = 1`, 1],
    ...announced.map(({ forget, expiresAt }, index): Step => [
      sql`INSERT INTO gatehouse_change (seq, kind, id, expires_at)
          SELECT newest - ${count - 1 - index}, ${forget.kind}, ${forget.id}, ${expiresAt} FROM gatehouse_feed WHERE one = 1`,
      1,
    ]),
  ]
}

function recordsOf(units: readonly Unit[]): readonly Target[] {
  const records = new Map<string, Target>()
  for (const unit of units) {
    for (const { op, kind, id, key } of unit) if (op !== 'append') records.set(key, { kind, id, key })
  }
  return [...records.values()].toSorted(byKey)
}
