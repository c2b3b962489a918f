import { setImmediate as turn } from 'node:timers/promises'
import { z } from 'zod'
import { idAt, type StoredEvent } from '../../audit/collect-events.ts'
import { listEvents } from '../../audit/list-events.ts'
import { printEvent } from '../../audit/print-event.ts'
import type { User } from '../../domain/user.ts'
import type { ApiContext } from '../context.ts'
import { operation, type Operation } from '../operation.ts'
import { pageOf, pageQuery, printPage, readPage } from '../page.ts'
import { oneselfJustNow } from '../policy.ts'
import { event, since } from './events.ts'

type Shown = z.input<typeof event>

/** So many reads of some 400 events each, whosever they are: a tenth of a second. */
const mostReads = 25
/** Clocks of several nodes may differ by that much. */
const skewMillis = 60_000

export const exampleOwnEvent: Shown = {
  id: '01a1f0d4c3b2K7pQmZ8Tn3YbQw5RsE1uVh',
  type: 'signin.succeeded',
  at: 1_795_000_000,
  address: '192.0.2.7',
  user_id: 'usr_5cQ0dJzYwVbW9o0mUj6B4Q',
  session_id: '019a…',
}

/**
 * What happened to an account and what its person did, the oldest first: as far as a bounded number of reads reaches, and where to
 * go on, since events stand in the order of time and not by whom they are about.
 */
export async function eventsOf(
  { transition: { store }, keys }: ApiContext,
  user: User,
  reads = mostReads,
): Promise<{ items: Shown[]; next: string | null }> {
  const items: Shown[] = []
  let next: string | null = beginning(user)
  for (let read = 0; read < reads && next !== null; read += 1) {
    // Others have their turn: where the store is a file, reading waits for nothing.
    if (read > 0) await turn()
    const page = await listEvents(store, { after: next, limit: Number.MAX_SAFE_INTEGER }, { concerning: user.userId })
    items.push(...page.events.map((one) => shown(user, one)))
    next = page.next
  }
  return printPage(keys, { list: listOf(user), items, next })
}

/** Who else did it, and from where, is theirs to tell (GDPR Art. 15 (4)). */
function shown({ userId }: User, stored: StoredEvent): Shown {
  const { actor, address, ...same } = printEvent(stored)
  const isOther = actor !== undefined && actor !== userId
  return {
    ...same,
    ...(actor !== undefined && { actor: isOther ? 'another' : actor }),
    ...(address !== undefined && !isOther && { address }),
  }
}

const beginning = ({ createdAt }: User): string => idAt(createdAt * 1000 - skewMillis)
const listOf = ({ userId }: User): string => `events of ${userId}`

export const ownEventOperations: readonly Operation[] = [
  operation({
    method: 'GET',
    path: '/api/v1/me/events',
    id: 'listMyEvents',
    tag: 'Oneself',
    summary: 'List what happened to my account and what I did, the oldest first',
    description:
      'The audit events about the person and of the person. Where somebody else acted, `actor` is `another`, and from where isn’t said.',
    policy: oneselfJustNow,
    query: z.strictObject({ ...pageQuery, since: since.exactOptional() }),
    answer: { status: 200, schema: pageOf(event) },
    refusals: ['invalid_cursor'],
    example: { answer: { items: [exampleOwnEvent], next: null } },
    async perform({ context, caller: { user }, query }) {
      const asked = readPage(context.keys, listOf(user), query)
      if ('refused' in asked) return asked
      const from = query.since === undefined ? beginning(user) : idAt(query.since * 1000)
      const { store } = context.transition
      const { events, next } = await listEvents(store, { after: from, ...asked }, { concerning: user.userId })
      const items = events.map((one) => shown(user, one))
      return { done: printPage(context.keys, { list: listOf(user), items, next }) }
    },
  }),
]
