import type { Ref, StoredRecord } from '../../domain/record.ts'
import { AttemptFailed, damaged } from './attempt-failed.ts'
import { keyOf } from './unit.ts'

/** A record as it was fetched; `json` is parsed anew for everybody who asked. */
export type FetchedRow = { readonly version: string; readonly json: string; readonly expiresAt: number | null }

export type ReadLanes = { readonly read: (refs: readonly Ref[]) => Promise<readonly (StoredRecord | undefined)[]> }

type Asked = {
  readonly refs: readonly Ref[]
  readonly resolve: (records: readonly (StoredRecord | undefined)[]) => void
  readonly reject: (error: unknown) => void
}

const refsPerFetch = 512

/** Reads that arrive while the lanes are busy share the next round trip, which begins after all of them were asked. */
export function createReadLanes(options: {
  /** The records that exist, by key. */
  readonly fetch: (refs: readonly Ref[]) => Promise<ReadonlyMap<string, FetchedRow>>
  readonly lanes: number
}): ReadLanes {
  let queue: Asked[] = []
  let busy = 0
  let scheduled = false

  function read(refs: readonly Ref[]): Promise<readonly (StoredRecord | undefined)[]> {
    if (refs.length === 0) return Promise.resolve([])
    return new Promise((resolve, reject) => {
      queue.push({ refs, resolve, reject })
      if (scheduled || busy === options.lanes) return
      scheduled = true
      setImmediate(() => {
        scheduled = false
        fill()
      })
    })
  }

  function fill(): void {
    while (busy < options.lanes && queue.length > 0) {
      let refs = 0
      let count = 0
      for (const asked of queue) {
        if (count > 0 && refs + asked.refs.length > refsPerFetch) break
        refs += asked.refs.length
        count += 1
      }
      const batch = queue.slice(0, count)
      queue = queue.slice(count)
      void carry(batch)
    }
  }

  async function carry(batch: readonly Asked[]): Promise<void> {
    busy += 1
    try {
      const rows = await fetchPatiently(distinct(batch))
      for (const { refs, resolve, reject } of batch) {
        try {
          resolve(refs.map((target) => recordOf(target, rows.get(keyOf(target.kind, target.id)))))
        } catch (error) {
          reject(damaged(error))
        }
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
    busy -= 1
    fill()
  }

  /** A read changes nothing, so one that lost its connection may begin anew, once. */
  async function fetchPatiently(refs: readonly Ref[]): Promise<ReadonlyMap<string, FetchedRow>> {
    try {
      return await options.fetch(refs)
    } catch (error) {
      if (!(error instanceof AttemptFailed) || error.verdict === 'none') throw error
      return options.fetch(refs)
    }
  }

  return { read }
}

function distinct(batch: readonly Asked[]): readonly Ref[] {
  const [only] = batch
  if (batch.length === 1 && only?.refs.length === 1) return only.refs
  const refs = new Map<string, Ref>()
  for (const asked of batch) for (const target of asked.refs) refs.set(keyOf(target.kind, target.id), target)
  return [...refs.values()]
}

function recordOf({ kind, id }: Ref, row: FetchedRow | undefined): StoredRecord | undefined {
  if (row === undefined) return undefined
  const { version, expiresAt } = row
  const value = JSON.parse(row.json) as StoredRecord['value']
  return expiresAt === null ? { kind, id, version, value } : { kind, id, version, value, expiresAt }
}
