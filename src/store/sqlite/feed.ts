import type { DatabaseSync } from 'node:sqlite'
import type { Kind } from '../../domain/record.ts'
import type { Changes } from '../port.ts'
import type { Snapshot } from './snapshot.ts'

export type Feed = { readonly since: (cursor: string | undefined) => Changes }

type Line = readonly [kind: Kind, id: string]

/** What changed, for caches. The file is asked once per snapshot; in between an answer costs a comparison. */
export function createFeed(db: DatabaseSync, snapshot: Snapshot): Feed {
  const dataVersion = db.prepare('PRAGMA data_version')
  // The counter outlives the lines that were swept.
  const newestLine = db.prepare("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'change'), 0)")
  const oldestLine = db.prepare('SELECT min(seq) FROM change')
  const lines = db.prepare('SELECT kind, id FROM change WHERE seq > ? ORDER BY seq')
  let lookedIn = -1
  let seenVersion = -1
  let newest = 0
  let nothingNew: Changes = { cursor: '0', forget: [] }

  return { since }

  function since(cursor: string | undefined): Changes {
    snapshot.take()
    if (lookedIn !== snapshot.number()) look()
    if (cursor === undefined || cursor === nothingNew.cursor) return nothingNew
    const from = Number(cursor)
    const oldest = numberOf(oldestLine.get()) ?? newest + 1
    if (!(from >= oldest - 1 && from <= newest)) return { cursor: nothingNew.cursor, forget: 'lost' }
    const found = lines.all(from) as unknown as readonly Line[]
    return { cursor: nothingNew.cursor, forget: found.map(([kind, id]) => ({ kind, id })) }
  }

  function look(): void {
    const version = numberOf(dataVersion.get())
    if (version !== seenVersion) {
      newest = numberOf(newestLine.get()) ?? 0
      seenVersion = version ?? -1
      if (nothingNew.cursor !== String(newest)) nothingNew = { cursor: String(newest), forget: [] }
    }
    lookedIn = snapshot.number()
  }
}

function numberOf(row: unknown): number | undefined {
  const first: unknown = Array.isArray(row) ? row[0] : undefined
  return typeof first === 'number' ? first : undefined
}
