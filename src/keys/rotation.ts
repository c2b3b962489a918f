import type { Ring } from '../domain/key.ts'
import {
  advanceRing,
  dueInRing,
  createRing,
  keyTimes,
  rings,
  rotateKey,
  type FreshKeyIds,
} from '../domain/key-lifecycle.ts'
import { ref, type Ref, type Slot } from '../domain/record.ts'
import type { Seconds } from '../protocol/time.ts'
import { transition } from '../store/transition.ts'
import type { KeysContext } from './context.ts'
import { makeKey, type OpenedKey } from './key-material.ts'
import { nextKeyRef } from './key-records.ts'

export type RotationContext = KeysContext & {
  /** The keys in memory. */
  readonly known: () => readonly OpenedKey[]
  readonly reload: () => Promise<void>
}

/** Create the first key of every ring that has none. Whoever commits first made them; the others find them there. */
export async function createMissingKeys(context: RotationContext): Promise<boolean> {
  const missing = rings.filter((ring) => keysOf(context, ring).length === 0)
  // All at once: the RSA key is being looked for while the others are made.
  const created = await Promise.all(
    missing.map(async (ring) => {
      const target = nextKeyRef(ring, [])
      const made = await makeKey(ring, target, context)
      const ids = freshIds(context)
      const outcome = await transition(context, { target }, (slots, now) =>
        createRing(slots.target, { made, now, ids }),
      )
      if (outcome === 'created') context.onEvent({ type: 'created', ring, keyId: made.keyId })
    }),
  )
  return created.length > 0
}

const mostLooks = 5

/** Announce the next key of a ring, or bring forward the one that waits. */
export async function announceNext(
  context: RotationContext,
  ring: Ring,
  { announce, actor }: { readonly announce: Seconds; readonly actor?: string | undefined },
): Promise<void> {
  for (let look = 1; look <= mostLooks; look++) {
    const known = keysOf(context, ring)
    const next = nextKeyRef(ring, known)
    const waits = known.some(({ record }) => record.state === 'announced')
    const made = waits ? undefined : await makeKey(ring, next, context)
    const ids = freshIds(context)
    const outcome = await transition(context, { ...refsOf(known), next }, ({ next: free, ...others }, now) =>
      rotateKey({
        known: slotsIn(others),
        next: free,
        made,
        announce,
        now,
        ids,
        ...(actor !== undefined && { actor }),
      }),
    )
    await context.reload()
    if (outcome === 'announced' && made !== undefined) context.onEvent({ type: 'created', ring, keyId: made.keyId })
    if (outcome !== 'behind') return
  }
  throw new Error(`other processes kept making keys of the ring ${ring}`)
}

/** Whatever is due in one ring: takeovers, removals, the announcement of the next key. Each its own commit. */
export async function takeDueSteps(context: RotationContext, ring: Ring): Promise<void> {
  const times = keyTimes(ring, context.lifetimes)
  for (let look = 1; look <= mostLooks; look++) {
    const known = keysOf(context, ring)
    const records = known.map(({ record }) => record)
    const due = dueInRing(records, times, context.clock.seconds())
    if (due === undefined) return
    if (due === 'announce') {
      await announceNext(context, ring, { announce: times.announceAhead })
      continue
    }
    const ids = freshIds(context)
    const outcome = await transition(context, refsOf(known), (slots, now) =>
      advanceRing(slotsIn(slots), { now, times, ids }),
    )
    await context.reload()
    if (outcome !== 'nothing') context.onEvent({ type: outcome, ring })
  }
}

function keysOf(context: RotationContext, ring: Ring): readonly OpenedKey[] {
  return context.known().filter(({ record }) => record.ring === ring)
}

function refsOf(keys: readonly OpenedKey[]): Readonly<Record<string, Ref<'key'>>> {
  return Object.fromEntries(keys.map(({ recordId }) => [recordId, ref('key', recordId)]))
}

function slotsIn(slots: Readonly<Record<string, Slot<'key'>>>): readonly Slot<'key'>[] {
  return Object.values(slots)
}

function freshIds({ random, clock }: RotationContext): FreshKeyIds {
  const id = () => random.id(clock.millis())
  return { events: [id(), id()], changes: [id(), id()] }
}
