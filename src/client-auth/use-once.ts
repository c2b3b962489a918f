import { sha256 } from '../crypto/hash.ts'
import { put, ref, type Decision, type Ref } from '../domain/record.ts'
import { throttled, type Refusal } from '../protocol/errors.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { readAlive } from '../store/read-alive.ts'
import { transition } from '../store/transition.ts'
import type { ClientAuthContext } from './context.ts'

/** Nothing has to be remembered longer than an assertion with the longest life, made by a clock that is ahead. */
const longestMemory = 420

/** Something that may happen once, named by parts, and how long it must be remembered. */
export type Once = { readonly what: readonly string[]; readonly until: EpochSeconds }

/**
 * Use up several things of a client that may happen once: all in one commit, or none. The kind of the first that was used before, if
 * one was; or that the client must wait, because too much of it is remembered already (D27). The names are hashed with the length of
 * each part, so that no two meet.
 */
export async function useOnce(
  context: Pick<ClientAuthContext, 'transition' | 'directory' | 'limits'>,
  clientId: string,
  things: readonly Once[],
): Promise<string | Refusal | undefined> {
  const room = context.limits.reserve('once-memory', [clientId])
  if ('retryAfterSeconds' in room) return throttled(room.retryAfterSeconds)
  const refs = Object.fromEntries(things.map((thing, index) => [String(index), refOf(thing)])) satisfies Readonly<
    Record<string, Ref<'once'>>
  >
  const { restoredAt = 0 } = await context.directory.instance()
  const usedBefore = await transition(context.transition, refs, (slots): Decision<string | undefined> => {
    const used = things.find(
      // FLT-33: what may have been used after the backup that was restored counts as used.
      ({ until }, index) => slots[String(index)]?.value !== undefined || until - longestMemory < restoredAt,
    )
    if (used !== undefined) return { writes: [], result: used.what[0] }
    const writes = things.flatMap(({ until }, index) => {
      const slot = slots[String(index)]
      return slot === undefined ? [] : [put(slot, { v: 1 }, { expiresAt: until, owners: [] })]
    })
    return { writes, result: undefined }
  })
  if (usedBefore !== undefined) room.forgive()
  return usedBefore
}

/** Whether it happened already. Uses nothing up. */
export async function wasUsed(
  { transition: { store }, clock }: Pick<ClientAuthContext, 'transition' | 'clock'>,
  thing: Once,
): Promise<boolean> {
  return (await readAlive(store, refOf(thing), clock.seconds())) !== undefined
}

function refOf({ what }: Once): Ref<'once'> {
  return ref('once', sha256(what.map((part) => `${part.length}:${part}`).join('\n')))
}
