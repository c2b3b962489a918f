import type { AuditEvent } from '../domain/event.ts'
import type { Store } from '../store/port.ts'
import { collectEvents, type StoredEvent } from './collect-events.ts'

/** `next`: where to go on, or null at the end. Plain text; whoever hands it out seals it. */
export type EventPage = { readonly events: readonly StoredEvent[]; readonly next: string | null }

/** Which events are wanted: of one type, about one account, about one client; about an account or done by it. */
export type EventFilter = {
  readonly type?: string
  readonly user?: string
  readonly client?: string
  readonly concerning?: string
}

export const wantedEvent = ({ type, user, client, concerning }: EventFilter, event: AuditEvent): boolean =>
  (type === undefined || event.type === type) &&
  (user === undefined || event.userId === user) &&
  (concerning === undefined || event.userId === concerning || event.actor === concerning) &&
  (client === undefined || event.clientId === client)

/** Behind every id: they are lower-case hexadecimal first. */
const endOfTime = 'g'

/**
 * A page of the events that are wanted, in the order of their ids, which is that of time. It may hold fewer than `limit`, even
 * none, before the end: one call reads a bounded number of events, wanted or not.
 */
export async function listEvents(
  store: Pick<Store, 'list'>,
  { after = '', limit }: { readonly after?: string; readonly limit: number },
  filter: EventFilter,
): Promise<EventPage> {
  const { events, through, whole } = await collectEvents(store, after, endOfTime)
  const found = events.filter(({ event }) => wantedEvent(filter, event))
  const last = found[limit - 1]
  return last !== undefined && last !== events.at(-1)
    ? { events: found.slice(0, limit), next: last.id }
    : { events: found, next: whole ? null : through }
}
