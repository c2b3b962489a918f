import type { Kind, StoredRecord } from '../domain/record.ts'
import type { Store } from './port.ts'

const pageSize = 100

/** Every record of one owner and kind, page after page. Like `list`: may hold expired ones, and is never the basis of a decision. */
export async function* listAll<K extends Kind>(
  store: Pick<Store, 'list'>,
  kind: K,
  owner: string,
): AsyncGenerator<StoredRecord<K>> {
  for (let after: string | undefined; ;) {
    const page = await store.list(kind, owner, { limit: pageSize, ...(after !== undefined && { after }) })
    // A store lists only records of the kind that was asked for.
    yield* page.records as readonly StoredRecord<K>[]
    if (page.next === null) return
    after = page.next
  }
}
