import type { AuditEvent } from '../domain/event.ts'
import { put, ref, remove } from '../domain/record.ts'
import type { Clock, Seconds } from '../protocol/time.ts'
import { listAll } from '../store/list-all.ts'
import type { Store } from '../store/port.ts'
import { transition, type TransitionContext } from '../store/transition.ts'
import { collectEvents, idAt } from './collect-events.ts'
import { createRelay, lineOf } from './relay.ts'
import type { EventSink } from './sink.ts'

export type OpenedPost = {
  readonly guard: (store: Store) => Store
  /** Say in the store that this process delivers, from now on and until it ends. The first event does it too. */
  readonly begin: () => Promise<void>
  /** One round: say how far it is, and deliver what silent processes left behind. */
  readonly round: () => Promise<void>
  readonly down: () => string | undefined
  readonly end: () => Promise<void>
}

const everyMillis = 20_000
const silentAfter: Seconds = 90
/** Ids are drawn before their commit. */
const slackMillis = 60_000
const owner = '*'

/**
 * At least once: each process brings its own events to the sink and says in a record how far it is. One that falls silent is
 * taken over: everything since then is delivered anew, whoever made it, so receivers tell copies apart by their ids.
 */
export function openPost(context: {
  readonly transition: TransitionContext
  readonly clock: Clock
  readonly holder: string
  readonly sink: EventSink
  readonly onDown: (why: string) => void
  readonly onUp: () => void
  readonly onError: (error: unknown) => void
}): OpenedPost {
  const { transition: within, clock, holder } = context
  const relay = createRelay(context)
  const ours = ref('relay', holder)
  let begun = false
  let ended = false
  let working: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined

  async function beat(): Promise<void> {
    const since = relay.deliveredUntil() - slackMillis
    await transition(within, { post: ours }, ({ post }, now) => ({
      writes: [put(post, { v: 1, since, beatAt: now }, { expiresAt: null, owners: [owner] })],
      result: undefined,
    }))
  }

  async function takeOver(): Promise<void> {
    for await (const { id, value } of listAll(within.store, 'relay', owner)) {
      if (id === holder || value.beatAt + silentAfter > clock.seconds()) continue
      await deliverSince(value.since)
      await transition(within, { post: ref('relay', id) }, ({ post }) => ({
        // It may have come back.
        writes: post.value?.beatAt === value.beatAt ? remove(post) : [],
        result: undefined,
      }))
    }
  }

  async function deliverSince(millis: number): Promise<void> {
    const until = idAt(clock.millis())
    for (let after = idAt(millis); ;) {
      const { events, through, whole } = await collectEvents(within.store, after, until)
      if (events.length > 0) await relay.pass(events.map(({ id, event }) => lineOf(id, event satisfies AuditEvent)))
      if (whole) return
      after = through
    }
  }

  async function round(): Promise<void> {
    try {
      await beat()
      await takeOver()
    } catch (error) {
      context.onError(error)
    }
  }

  function later(): void {
    timer = setTimeout(() => {
      working = round().then(() => (ended ? undefined : later()))
    }, everyMillis)
    timer.unref()
  }

  async function begin(): Promise<void> {
    if (begun) return
    begun = true
    await beat()
    later()
  }

  return {
    guard: (store) => {
      const guarded = relay.guard(store)
      return {
        ...guarded,
        commit: async (writes) => {
          if (!begun && writes.some(({ op }) => op === 'append')) await begin()
          return guarded.commit(writes)
        },
      }
    },
    begin,
    round,
    down: relay.down,
    end: async () => {
      ended = true
      clearTimeout(timer)
      await working
      const nothingLeft = await relay.close()
      if (!begun || !nothingLeft) return
      await transition(within, { post: ours }, ({ post }) => ({ writes: remove(post), result: undefined })).catch(
        context.onError,
      )
    },
  }
}

/** What was committed past the sink since then is delivered by the next server. */
export async function leaveToOthers(within: TransitionContext, id: string, sinceMillis: number): Promise<void> {
  await transition(within, { post: ref('relay', id) }, ({ post }) => ({
    writes: [put(post, { v: 1, since: sinceMillis, beatAt: 0 }, { expiresAt: null, owners: [owner] })],
    result: undefined,
  }))
}
