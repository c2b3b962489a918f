import { buckets } from '../domain/bucket.ts'
import type { AuditEvent } from '../domain/event.ts'
import type { Store } from '../store/port.ts'

export type StoredEvent = { readonly id: string; readonly event: AuditEvent }

export type Collected = {
  /** In the order of their ids, all there are after `after` up to `through`. */
  readonly events: readonly StoredEvent[]
  readonly through: string
  /** Whether that is as far as was asked. */
  readonly whole: boolean
}

/** Before every id that was made at that instant or later. */
export const idAt = (millis: number): string => Math.max(0, millis).toString(16).padStart(12, '0')

/** With sixteen buckets: a seal of some 400 events, whose entries stay far below what an item of DynamoDB may hold. */
const perBucket = 25

/** The next events of all buckets: as far as the bucket whose page ends first reaches, so that none is passed over. */
export async function collectEvents(store: Pick<Store, 'list'>, after: string, upTo: string): Promise<Collected> {
  const pages = await Promise.all(
    buckets.map((bucket) => store.list('event', bucket, { limit: perBucket, ...(after !== '' && { after }) })),
  )
  let through = upTo
  for (const { records, next } of pages) {
    const last = records.at(-1)?.id
    if (next !== null && last !== undefined && last < through) through = last
  }
  const events = pages
    .flatMap(({ records }) => records)
    .filter(({ id }) => id <= through)
    // A record of kind `event` holds an event.
    .map(({ id, value }): StoredEvent => ({ id, event: value as AuditEvent }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return { events, through, whole: through === upTo }
}
