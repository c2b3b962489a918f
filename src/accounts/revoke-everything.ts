import type { Actor } from '../domain/authority.ts'
import { bumpedEpoch } from '../domain/epoch.ts'
import { put, ref, type Decision } from '../domain/record.ts'
import { problem } from '../protocol/problem.ts'
import { transition } from '../store/transition.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { paperwork } from './paperwork.ts'
import { actorName, permit } from './permit.ts'

/** End every session and token of everybody. */
export async function revokeEverything(
  context: AccountsContext,
  actor: Actor,
): Promise<Outcome<{ readonly epoch: number }>> {
  const refused = permit(actor, { do: 'revoke-everything' })
  if (refused !== undefined) return { refused }
  const self = ref('instance', 'self')
  const nowMillis = context.clock.millis()
  const papers = paperwork(context, { type: 'epoch.bumped', target: 'instance', actor: actorName(actor) }, [self])
  return transition(
    context.transition,
    { self },
    ({ self: slot }, now): Decision<Outcome<{ readonly epoch: number }>> => {
      const instance = slot.value
      if (instance === undefined)
        return { writes: [], result: { refused: problem('not_found', { detail: 'this store was never served' }) } }
      const epoch = bumpedEpoch(instance.epoch, nowMillis)
      return {
        writes: [put(slot, { ...instance, epoch }, { expiresAt: null }), ...papers(now)],
        result: { done: { epoch } },
      }
    },
  )
}
