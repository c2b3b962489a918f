import { announce } from '../domain/change.ts'
import { fence, lostKinds, type RestoreTime } from '../domain/fence.ts'
import { append, put, ref, remove } from '../domain/record.ts'
import type { Clock } from '../protocol/time.ts'
import type { OpenStore, OwnedRecord } from './port.ts'
import { transition, type TransitionContext } from './transition.ts'

export type FenceContext = Pick<TransitionContext, 'store'> & {
  readonly clock: Clock
  readonly random: TransitionContext['random'] & { readonly id: (nowMillis: number) => string }
  /** Who says so, for the event. */
  readonly actor?: string
}

const atOnce = 64

/**
 * FLT-11: a store whose latest commits are lost, where it stands. What was used or revoked by them is unknown, so nothing that was
 * issued before counts any more, at once; then what no epoch ends is looked at one by one. Returns how many of those there were.
 * It may run while the store is served, and again.
 */
export async function fenceStore({ admin }: Pick<OpenStore, 'admin'>, context: FenceContext): Promise<number> {
  const { clock, random, actor } = context
  const at: RestoreTime = { now: clock.seconds(), millis: clock.millis() }
  const [eventId, changeId] = [random.id(at.millis), random.id(at.millis)]
  const fenced = await transition(context, { instance: ref('instance', 'self') }, ({ instance }) => {
    if (instance.value === undefined) return { writes: [], result: false }
    const value = fence({ ...ref('instance', 'self'), version: '', value: instance.value }, at)
    if (value === undefined) return { writes: [], result: false }
    const told = { v: 1, type: 'instance.fenced', at: at.now, target: value.instanceId } as const
    return {
      writes: [
        put(instance, value, { expiresAt: null }),
        announce(changeId, instance, at.now),
        append(eventId, actor === undefined ? told : { ...told, actor }),
      ],
      result: true,
    }
  })
  if (!fenced) return 0
  let looked = 0
  let some: OwnedRecord[] = []
  for await (const record of admin.scan(...lostKinds)) {
    looked += 1
    some.push(record)
    if (some.length < atOnce) continue
    await fenceEach(context, some, at)
    some = []
  }
  await fenceEach(context, some, at)
  return looked
}

async function fenceEach(context: FenceContext, some: readonly OwnedRecord[], at: RestoreTime): Promise<void> {
  await Promise.all(some.map((record) => fenceOne(context, record, at)))
}

function fenceOne(context: FenceContext, { kind, id, expiresAt }: OwnedRecord, at: RestoreTime): Promise<void> {
  return transition(context, { record: ref(kind, id) }, ({ record }) => {
    if (record.value === undefined) return { writes: [], result: undefined }
    const value = fence({ kind, id, version: '', value: record.value }, at)
    const writes =
      value === undefined
        ? remove(record)
        : value === record.value
          ? []
          : [put(record, value, { expiresAt: expiresAt ?? null })]
    return { writes, result: undefined }
  })
}
