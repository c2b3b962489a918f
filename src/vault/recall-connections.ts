import { changeWrites } from '../accounts/change-writes.ts'
import { actorName, permit } from '../accounts/permit.ts'
import type { Outcome } from '../accounts/context.ts'
import type { Actor } from '../domain/authority.ts'
import type { Connection } from '../domain/connection.ts'
import { isRecalled, recallOf, recallsOf, withRecall, type Recall } from '../domain/recall.ts'
import { put, ref, type Decision, type StoredRecord } from '../domain/record.ts'
import { problem } from '../protocol/problem.ts'
import { listAll } from '../store/list-all.ts'
import { errandOwner } from '../store/start-errands.ts'
import { transition } from '../store/transition.ts'
import type { VaultContext } from './context.ts'
import { disconnect } from './end-connection.ts'

export type RecallContext = Pick<VaultContext, 'clock' | 'random' | 'protection' | 'transition'>

const self = ref('instance', 'self')
/** Ended side by side: they share commits. */
const batch = 100

/**
 * End every connection of a provider, as after a break-in there: with this one commit none of them is worth anything on any node
 * (L25). `finishRecalls` then ends each of them, and leaves the errands behind that give their tokens back.
 */
export async function recallConnections(
  context: RecallContext,
  { actor, provider, address }: { readonly actor: Actor; readonly provider: string; readonly address?: string },
): Promise<Outcome<Recall>> {
  const refused = permit(actor, { do: 'revoke-everything' })
  if (refused !== undefined) return { refused }
  const about = { target: provider, actor: actorName(actor), ...(address !== undefined && { address }) }
  const trail = changeWrites(context, { type: 'provider.recalled', ...about }, [self])
  return transition(context.transition, { self }, ({ self: slot }, now): Decision<Outcome<Recall>> => {
    if (slot.value === undefined)
      return { writes: [], result: { refused: problem('not_found', { detail: 'this store was never served' }) } }
    const count = recallsOf(slot.value, provider) + 1
    const recall = { count, at: now, actor: actorName(actor) }
    const after = withRecall(slot.value, provider, recall)
    return { writes: [put(slot, after, { expiresAt: null }), ...trail(now)], result: { done: recall } }
  })
}

/** End what was recalled, one by one. Whatever a crash or `stopped` leaves undone is found again. */
export async function finishRecalls(context: RecallContext, stopped: () => boolean = () => false): Promise<void> {
  const { store } = context.transition
  const [found] = (await store.read([self])) as readonly (StoredRecord<'instance'> | undefined)[]
  for (const [provider, recall] of Object.entries(found?.value.recalls ?? {})) {
    if (recall.finishedAt !== undefined) continue
    for await (const some of inBatches(recalled(context, provider, recall))) {
      if (stopped()) return
      const by = { actor: recall.actor, reason: 'recalled' }
      await Promise.all(some.map(({ id, value }) => disconnect(context, id, { connection: value, by })))
    }
    await transition(context.transition, { self }, ({ self: slot }, now) => {
      // Another one has come in between: it isn't finished by this.
      if (slot.value === undefined || recallsOf(slot.value, provider) !== recall.count)
        return { writes: [], result: undefined }
      const after = withRecall(slot.value, provider, { ...recall, finishedAt: now })
      return { writes: [put(slot, after, { expiresAt: null })], result: undefined }
    })
  }
}

export type RecallProgress = {
  readonly recall: Recall | undefined
  /** Connections that are worth nothing, and wait for their end. */
  readonly left: number
  /** Ended ones whose tokens the provider hasn't taken back yet, whatever ended them. */
  readonly waiting: number
}

/** How far it is. Reads all that is left, so it costs what that is. */
export async function recallProgress(context: RecallContext, provider: string): Promise<RecallProgress> {
  const { store } = context.transition
  const [found] = (await store.read([self])) as readonly (StoredRecord<'instance'> | undefined)[]
  const recall = found && recallOf(found.value, provider)
  let [left, waiting] = [0, 0]
  if (recall !== undefined) for await (const _ of recalled(context, provider, recall)) left += 1
  for await (const { value } of listAll(store, 'revocation', errandOwner))
    if (value.provider === provider && value.unlessConfirmed === undefined) waiting += 1
  return { recall, left, waiting }
}

async function* recalled(
  { transition: { store } }: RecallContext,
  provider: string,
  recall: Recall,
): AsyncGenerator<StoredRecord<'connection'>> {
  const recalls = { [provider]: recall }
  for await (const record of listAll(store, 'connection', `provider:${provider}`))
    if (isUnended(record.value) && isRecalled({ recalls }, record.value)) yield record
}

function isUnended({ state }: Connection): boolean {
  return state !== 'revoked' && state !== 'denied'
}

async function* inBatches<T>(items: AsyncIterable<T>): AsyncGenerator<readonly T[]> {
  let some: T[] = []
  for await (const item of items) {
    some.push(item)
    if (some.length < batch) continue
    yield some
    some = []
  }
  if (some.length > 0) yield some
}
