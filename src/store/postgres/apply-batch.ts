import { ref, type Kind } from '../../domain/record.ts'
import { AttemptFailed } from '../sql/attempt-failed.ts'
import { judge, type Effects, type Judgement, type LockedRow, type NewRow, type Outcome } from '../sql/judge.ts'
import { byKey, keyOf, type Unit } from '../sql/unit.ts'
import { bytes, columnsOf, kindAndId, numberOf, ownersOf, textOf } from './columns.ts'
import type { Answer, Connection } from './connection.ts'
import type { Prepared, Statements } from './statements.ts'
import { failureOf } from './verdict.ts'

type Step = readonly [statement: Prepared, values: readonly unknown[]]

/**
 * Write one batch: durable when it resolves, each unit all or nothing by itself. Two round trips whatever its size: one locks and
 * reads what the batch names, one writes what follows and commits. Events that depend on no record take one.
 * Throws what the driver throws as AttemptFailed.
 */
export async function applyBatch(
  connection: Connection,
  sql: Statements,
  units: readonly Unit[],
): Promise<readonly Outcome[]> {
  const records = recordsOf(units)
  if (records.length === 0) return appendAlone(connection, sql, units)
  return inTransaction(connection, sql, { units, records })
}

async function appendAlone(
  connection: Connection,
  sql: Statements,
  units: readonly Unit[],
): Promise<readonly Outcome[]> {
  const { outcomes, effects } = judge(units, new Map(), new Set())
  if (outcomes.includes('conflict')) return inTransaction(connection, sql, { units, records: [] })
  const [step] = stepsOf(sql, effects)
  if (step === undefined) return outcomes
  try {
    await connection.query(...step)
    return outcomes
  } catch (error) {
    const failure = failureOf(error, 'single')
    if (!(failure instanceof AttemptFailed) || failure.verdict !== 'again') throw failure
    return inTransaction(connection, sql, { units, records: [] })
  }
}

/** What is asked for, and the records that it is about. */
type Batch = {
  readonly units: readonly Unit[]
  readonly records: readonly { readonly kind: Kind; readonly id: string }[]
}

async function inTransaction(connection: Connection, sql: Statements, batch: Batch): Promise<readonly Outcome[]> {
  const judgement = await lockAndJudge(connection, sql, batch)
  const steps = stepsOf(sql, judgement.effects)
  if (steps.length === 0) {
    // Nothing to write: all conflicts, or nothing but checks that hold under the locks.
    await connection.query(sql.rollback).catch(() => connection.close())
    return judgement.outcomes
  }
  const answers = await together(connection, [...steps, [sql.commit, []]])
  const end = answers.at(-1)
  // The end of a transaction that failed on the way is answered with ROLLBACK, as if all were well.
  if (end?.status === 'fulfilled' && end.value.command === 'COMMIT') return judgement.outcomes
  if (end?.status === 'rejected') throw failureOf(end.reason, 'commit')
  const broke = answers.find((answer) => answer.status === 'rejected')
  throw failureOf(broke?.reason ?? new Error('nothing was committed'), 'before')
}

async function lockAndJudge(connection: Connection, sql: Statements, { units, records }: Batch): Promise<Judgement> {
  const events = eventsOf(units)
  const [began, locked, seen] = await together(connection, [
    [sql.begin, []],
    [sql.lock, columnsOf(records, kindAndId)],
    [sql.events, columnsOf(events, [({ bucket }) => bucket, ({ id }) => bytes(id)])],
  ])
  for (const answer of [began, locked, seen]) {
    if (answer?.status !== 'rejected') continue
    await connection.query(sql.rollback).catch(() => connection.close())
    throw failureOf(answer.reason, 'before')
  }
  const found = new Map<string, LockedRow>()
  for (const [kind, id, version, sweepAt, owners] of rowsOf(locked)) {
    const row = { version: textOf(version), sweepAt: numberOf(sweepAt), owners: ownersOf(owners) }
    found.set(keyOf(kind as Kind, textOf(id)), row)
  }
  return judge(units, found, new Set(rowsOf(seen).map(([id]) => textOf(id))))
}

/** Sent at once, each awaited: a rejection of one must not leave the others unheard. */
function together(connection: Connection, steps: readonly Step[]): Promise<readonly PromiseSettledResult<Answer>[]> {
  return Promise.allSettled(steps.map(([statement, values]) => connection.query(statement, values)))
}

/** In one order for everybody, so that two batches that create the same records don't wait in a circle. */
function stepsOf(sql: Statements, effects: Effects): readonly Step[] {
  const insert = effects.insert.toSorted(byKey)
  const claim = effects.claim.toSorted(byKey)
  const { update, remove, link, unlink, events, announced } = effects
  const linked = [
    ({ kind }: { kind: Kind }) => kind,
    ({ owner }: { owner: string }) => bytes(owner),
    ({ id }: { id: string }) => bytes(id),
  ] as const
  const steps: (Step | undefined)[] = [
    some(update, [sql.update, [...columnsOf(update, [...row, ({ expect }) => bytes(expect)]), update.length]]),
    some(remove, [sql.remove, [...columnsOf(remove, [...kindAndId, ({ expect }) => bytes(expect)]), remove.length]]),
    some(claim, [sql.claim, columnsOf(claim, kindAndId)]),
    some(insert, [sql.insert, columnsOf(insert, row)]),
    some(claim, [sql.unclaim, [...columnsOf(claim, kindAndId), claim.length]]),
    some(unlink, [sql.unlink, columnsOf(unlink, linked)]),
    some(link, [sql.link, columnsOf(link, linked)]),
    some(events, [
      sql.append,
      columnsOf(events, [({ bucket }) => bucket, ({ id }) => bytes(id), ({ at }) => at, ({ json }) => json]),
    ]),
    // Last, since its lock is the one that everybody wants.
    some(announced, [
      sql.announce,
      [
        announced.map((_, index) => index + 1),
        ...columnsOf(announced, [
          ({ forget }) => forget.kind,
          ({ forget }) => bytes(forget.id),
          ({ expiresAt }) => expiresAt,
        ]),
        announced.length,
      ],
    ]),
  ]
  return steps.filter((step) => step !== undefined)
}

const row: readonly ((row: NewRow) => unknown)[] = [
  ...kindAndId,
  ({ version }) => bytes(version),
  ({ json }) => json,
  ({ expiresAt }) => expiresAt,
  ({ sweepAt }) => sweepAt,
  ({ owners }) => JSON.stringify(owners),
]

function some(rows: readonly unknown[], step: Step): Step | undefined {
  return rows.length === 0 ? undefined : step
}

function recordsOf(units: readonly Unit[]): readonly { readonly kind: Kind; readonly id: string }[] {
  const records = new Map<string, { readonly kind: Kind; readonly id: string }>()
  for (const unit of units) {
    for (const { op, kind, id, key } of unit) if (op !== 'append') records.set(key, ref(kind, id))
  }
  return [...records.values()]
}

function eventsOf(units: readonly Unit[]): readonly { readonly bucket: string; readonly id: string }[] {
  return units.flatMap((unit) => unit.flatMap((operation) => (operation.op === 'append' ? [operation] : [])))
}

function rowsOf(answer: PromiseSettledResult<Answer> | undefined): Answer['rows'] {
  return answer?.status === 'fulfilled' ? answer.value.rows : []
}
