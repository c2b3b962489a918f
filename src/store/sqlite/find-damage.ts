import type { DatabaseSync } from 'node:sqlite'
import { ownersOf } from './apply-batch.ts'
import { rowSum } from './row-sum.ts'
import { verdictOf } from './verdict.ts'

const mostFindings = 20

/** What is wrong with the file, in words; nothing if it is sound. Throws when busy. `quick` is for every start, `full` also reads each record. */
export function findDamage(db: DatabaseSync, depth: 'quick' | 'full'): readonly string[] {
  const check = db.prepare(depth === 'quick' ? 'PRAGMA quick_check(5)' : `PRAGMA integrity_check(${mostFindings})`)
  try {
    const findings = (check.all() as unknown as readonly (readonly [string])[]).map(([finding]) => finding)
    if (findings.length !== 1 || findings[0] !== 'ok') return findings.map((finding) => finding.replaceAll('\n', ' '))
    return depth === 'quick' ? [] : [...damagedRecords(db), ...strayLinks(db)].slice(0, mostFindings)
  } catch (error) {
    if (verdictOf(error, 'unit') === 'busy') throw error
    return [error instanceof Error ? error.message : String(error)]
  }
}

function* damagedRecords(db: DatabaseSync): Generator<string> {
  const rows = db.prepare('SELECT kind, id, value, expires_at, sum, owners FROM record').iterate()
  const linked = db.prepare('SELECT 1 FROM link WHERE kind = ? AND owner = ? AND id = ?')
  for (const row of rows as unknown as Iterable<
    readonly [string, string, string, number | null, number, string | null]
  >) {
    const [kind, id, json, expiresAt, sum, owners] = row
    if (rowSum(id, expiresAt, json) !== sum) yield `the ${kind} ${id} isn't what was written`
    for (const owner of ownersOf(owners)) {
      if (linked.get(kind, owner, id) === undefined) yield `the ${kind} ${id} is missing in the list of ${owner}`
    }
  }
}

function* strayLinks(db: DatabaseSync): Generator<string> {
  const strays = db.prepare(
    `SELECT link.kind, link.owner, link.id FROM link LEFT JOIN record USING (kind, id)
      WHERE record.id IS NULL OR NOT EXISTS (SELECT 1 FROM json_each(record.owners) WHERE value = link.owner)`,
  )
  for (const [kind, owner, id] of strays.iterate() as unknown as Iterable<readonly string[]>) {
    yield `the list of ${owner} names the ${kind} ${id}, which isn't ${owner}'s`
  }
}
