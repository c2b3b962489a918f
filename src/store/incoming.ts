import { put, ref, type Ref, type Slot } from '../domain/record.ts'
import { StoreContended } from './contended.ts'
import type { StampedWrite, Store } from './port.ts'
import { StoreRefused } from './refused.ts'
import { transition, type TransitionContext } from './transition.ts'

/** Stands in a store for as long as it is being filled from elsewhere: until then nobody may serve it. */
export const incomingRef: Ref<'lease'> = ref('lease', 'incoming')

/** Left by a copy for the next one: nobody has been served from it yet, so what it holds may be written over. */
export const copiedRef: Ref<'lease'> = ref('lease', 'copied')

/** Begin to fill a store, or go on with it. `by`: the command that does. */
export function beginIncoming(context: TransitionContext, by: string): Promise<void> {
  return transition(context, { incoming: incomingRef }, ({ incoming }) => ({
    writes: [put(incoming, { v: 1, holder: by }, { expiresAt: null, owners: [] })],
    result: undefined,
  }))
}

/** The command that fills it, if one does. */
export async function incomingOf(store: Store): Promise<string | undefined> {
  const [found] = await store.read([incomingRef])
  return found !== undefined && 'holder' in found.value ? found.value.holder : undefined
}

/** It is whole, with the last writes. */
export async function endIncoming(store: Store, last: readonly StampedWrite[]): Promise<void> {
  const [found] = await store.read([incomingRef])
  const ended = found === undefined ? [] : [{ op: 'delete', ...incomingRef, expect: found.version } as const]
  if ((await store.commit([...last, ...ended])) !== 'committed') {
    throw new StoreContended('somebody else writes to the store while it is being filled: stop whoever does')
  }
}

/** Throws StoreRefused for a store that isn't whole. */
export function refuseIncoming(slot: Slot<'lease'>): void {
  if (slot.value === undefined) return
  throw new StoreRefused(
    `this store is being filled by gatehouse ${slot.value.holder}, and that isn't finished: wait for it, or run the same command again`,
  )
}
