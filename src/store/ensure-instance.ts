import { append, put, ref, remove } from '../domain/record.ts'
import type { Instance } from '../domain/instance.ts'
import type { Clock } from '../protocol/time.ts'
import { copiedRef, incomingRef, refuseIncoming } from './incoming.ts'
import { transition, type TransitionContext } from './transition.ts'

/** The record that says whose store this is: made once, whichever process gets there first. A server writes down its issuer. */
export async function ensureInstance(
  context: TransitionContext,
  source: { readonly clock: Clock; readonly random: { readonly id: (nowMillis: number) => string } },
  servedAs?: string,
): Promise<Instance> {
  const instanceId = source.random.id(source.clock.millis())
  const eventId = source.random.id(source.clock.millis())
  const refs = { instance: ref('instance', 'self'), incoming: incomingRef, copied: copiedRef }
  return transition(context, refs, ({ instance, incoming, copied }, now) => {
    refuseIncoming(incoming)
    // From here on it holds what no other store does: no copy writes over it any more.
    const begun = servedAs === undefined ? [] : remove(copied)
    const known = servedAs !== undefined && { servedAs }
    if (instance.value !== undefined) {
      const served: Instance = { ...instance.value, ...known }
      // No cache holds it, so no change is announced.
      const writes = served.servedAs === instance.value.servedAs ? [] : [put(instance, served, { expiresAt: null })]
      return { writes: [...writes, ...begun], result: served }
    }
    const made: Instance = { v: 1, instanceId, generation: 1, epoch: 1, highWaterAt: now, createdAt: now, ...known }
    return {
      writes: [
        put(instance, made, { expiresAt: null, owners: [] }),
        append(eventId, { v: 1, type: 'instance.created', at: now, target: instanceId }),
      ],
      result: made,
    }
  })
}
