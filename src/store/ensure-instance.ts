import { append, put, ref } from '../domain/record.ts'
import type { Instance } from '../domain/instance.ts'
import type { Clock } from '../protocol/time.ts'
import { incomingRef, refuseIncoming } from './incoming.ts'
import { transition, type TransitionContext } from './transition.ts'

/** The record that says whose store this is: made once, whichever process gets there first. */
export async function ensureInstance(
  context: TransitionContext,
  source: { readonly clock: Clock; readonly random: { readonly id: (nowMillis: number) => string } },
): Promise<Instance> {
  const instanceId = source.random.id(source.clock.millis())
  const eventId = source.random.id(source.clock.millis())
  const refs = { instance: ref('instance', 'self'), incoming: incomingRef }
  return transition(context, refs, ({ instance, incoming }, now) => {
    refuseIncoming(incoming)
    if (instance.value !== undefined) return { writes: [], result: instance.value }
    const made: Instance = { v: 1, instanceId, generation: 1, epoch: 1, highWaterAt: now, createdAt: now }
    return {
      writes: [
        put(instance, made, { expiresAt: null, owners: [] }),
        append(eventId, { v: 1, type: 'instance.created', at: now, target: instanceId }),
      ],
      result: made,
    }
  })
}
