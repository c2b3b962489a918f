import type { DatabaseSync } from 'node:sqlite'
import { opcode, widths, type Batch, type BatchValue } from './batch.ts'
import type { Reply, UnitOutcome } from './messages.ts'
import { TransactionFailed, type Transaction } from './transaction.ts'

/** `sweep_at` may run this far behind `expires_at` before the index is worth an update. */
const lagSeconds = 86_400

/** Write one batch: durable when it returns. Throws TransactionFailed when the whole batch failed. */
export type ApplyBatch = (batch: Batch) => Extract<Reply, { readonly is: 'committed' | 'judged' }>

type Found = readonly [rowId: number, version: string, sweepAt: number | null, owners: string | null]

/** The writer's end of a batch. All units share one transaction, each is all or nothing by itself. */
export function createApplyBatch(db: DatabaseSync, inTransaction: Transaction): ApplyBatch {
  const find = db.prepare('SELECT row_id, version, sweep_at, owners FROM record WHERE kind = ? AND id = ?')
  const insert = db.prepare(
    'INSERT INTO record (kind, id, version, value, expires_at, sweep_at, owners, sum) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const update = db.prepare('UPDATE record SET version = ?, value = ?, expires_at = ?, sum = ? WHERE row_id = ?')
  const refile = db.prepare('UPDATE record SET sweep_at = ?, owners = ? WHERE row_id = ?')
  const remove = db.prepare('DELETE FROM record WHERE row_id = ?')
  const link = db.prepare('INSERT INTO link (kind, owner, id) VALUES (?, ?, ?)')
  const unlink = db.prepare('DELETE FROM link WHERE kind = ? AND owner = ? AND id = ?')
  const event = db.prepare('INSERT INTO event (id, bucket, at, value) VALUES (?, ?, ?, ?)')
  const forget = db.prepare('INSERT INTO change (kind, id, expires_at) VALUES (?, ?, ?)')

  /** What the checks of a unit found, for its writes, in the same order. */
  let found: (Found | undefined)[] = []

  return applyBatch

  function applyBatch(batch: Batch): ReturnType<ApplyBatch> {
    try {
      return inTransaction(() => {
        const outcomes: UnitOutcome[] = []
        let conflicts = 0
        for (let at = 0; at < batch.length; at = endOf(batch, at) + 1) {
          const outcome = applyUnit(batch, at)
          if (outcome === 'conflict') conflicts += 1
          outcomes.push(outcome)
        }
        return conflicts === 0 ? { is: 'committed' } : { is: 'judged', outcomes }
      })
    } catch (error) {
      if (!(error instanceof TransactionFailed) || !breaksOneUnit(error)) throw error
      // One unit broke halfway and took the batch with it: nothing is committed, so each can have a transaction of its own.
      return { is: 'judged', outcomes: applyOneByOne(batch) }
    }
  }

  function applyOneByOne(batch: Batch): UnitOutcome[] {
    const outcomes: UnitOutcome[] = []
    for (let at = 0; at < batch.length; at = endOf(batch, at) + 1) outcomes.push(applyAlone(batch, at))
    return outcomes
  }

  function applyAlone(batch: Batch, at: number): UnitOutcome {
    try {
      return inTransaction(() => applyUnit(batch, at))
    } catch (error) {
      if (!(error instanceof TransactionFailed) || ['fatal', 'corrupt'].includes(error.verdict)) throw error
      return error.verdict === 'duplicate' ? 'conflict' : { refused: error.message }
    }
  }

  /** First everything that it expects, then everything that it writes: a conflict leaves no trace. */
  function applyUnit(batch: Batch, start: number): 'committed' | 'conflict' {
    found = []
    for (let at = start; batch[at] !== opcode.end; at = next(batch, at)) {
      const op = batch[at]
      if (op === opcode.append || op === opcode.forget) continue
      const row = find.get(batch[at + 1] ?? null, batch[at + 2] ?? null) as Found | undefined
      if ((row === undefined ? null : row[1]) !== batch[at + 3]) return 'conflict'
      found.push(row)
    }
    let index = 0
    for (let at = start; batch[at] !== opcode.end; at = next(batch, at)) {
      switch (batch[at]) {
        case opcode.append:
          event.run(value(batch, at + 1), value(batch, at + 2), value(batch, at + 3), value(batch, at + 4))
          break
        case opcode.forget:
          forget.run(value(batch, at + 1), value(batch, at + 2), value(batch, at + 3))
          break
        case opcode.put:
          put(batch, at, found[index++])
          break
        case opcode.delete:
          erase(batch, at, found[index++])
          break
        default:
          index += 1
      }
    }
    return 'committed'
  }

  function put(batch: Batch, at: number, row: Found | undefined): void {
    const [kind, id, , version, json, expiresAt, sum, owners] = batch.slice(at + 1, at + 9) as [
      string,
      string,
      unknown,
      string,
      string,
      number | null,
      number,
      string | null,
    ]
    if (row === undefined) {
      insert.run(kind, id, version, json, expiresAt, expiresAt, owners, sum)
      relink(kind, id, { before: null, after: owners })
      return
    }
    const [rowId, , sweepAt, before] = row
    update.run(version, json, expiresAt, sum, rowId)
    const later = sweepLater(sweepAt, expiresAt)
    const after = owners ?? before
    if (later !== sweepAt || after !== before) refile.run(later, after, rowId)
    if (after !== before) relink(kind, id, { before, after })
  }

  function erase(batch: Batch, at: number, row: Found | undefined): void {
    if (row === undefined) return
    remove.run(row[0])
    relink(String(batch[at + 1]), String(batch[at + 2]), { before: row[3], after: null })
  }

  function relink(
    kind: string,
    id: string,
    owners: { readonly before: string | null; readonly after: string | null },
  ): void {
    for (const owner of ownersOf(owners.before)) unlink.run(kind, owner, id)
    for (const owner of ownersOf(owners.after)) link.run(kind, owner, id)
  }
}

function breaksOneUnit({ verdict }: TransactionFailed): boolean {
  return verdict === 'duplicate' || verdict === 'nothing'
}

/** When a sweep has to look at the record: early enough, and moved only when that saves a look. */
function sweepLater(sweepAt: number | null, expiresAt: number | null): number | null {
  if (expiresAt === null || sweepAt === null) return expiresAt
  return expiresAt < sweepAt || expiresAt - sweepAt > lagSeconds ? expiresAt : sweepAt
}

/** Owners as they stand in a record's row. */
export function ownersOf(text: string | null): readonly string[] {
  return text === null || text === '[]' ? [] : (JSON.parse(text) as string[])
}

function endOf(batch: Batch, start: number): number {
  let at = start
  while (batch[at] !== opcode.end) at = next(batch, at)
  return at
}

function next(batch: Batch, at: number): number {
  return at + 1 + (widths[Number(batch[at])] ?? 0)
}

function value(batch: Batch, at: number): BatchValue {
  return batch[at] ?? null
}
