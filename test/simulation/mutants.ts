import type { Decision, Slot } from '../../src/domain/record.ts'
import type { Grant } from '../../src/domain/grant.ts'
import { isRefusal } from '../../src/protocol/errors.ts'
import { core, type Core } from './core.ts'

/** Mistakes that somebody might make, each in one place of the core. The simulation has to find every one of them. */
export type Mutant = { readonly name: string; readonly core?: Partial<Core>; readonly forgetsLease?: boolean }

const { redeemCode, rotateRefresh, revokeGrant } = core

function changedGrant(slot: Slot<'grant'>, change: (grant: Grant) => Grant): Slot<'grant'> {
  return slot.value === undefined ? slot : { ...slot, value: change(slot.value) }
}

const nothing = <R>(result: R): Decision<R> => ({ writes: [], result })

export const mutants: readonly Mutant[] = [
  {
    name: 'a reused refresh token leaves its family alive',
    core: {
      rotateRefresh: (slot, input) => {
        const decision = rotateRefresh(slot, input)
        return isRefusal(decision.result) && decision.result.reason === 'refresh_reuse'
          ? nothing(decision.result)
          : decision
      },
    },
  },
  {
    name: 'there is no grace: whoever lost an answer is taken for a thief',
    core: {
      rotateRefresh: (slot, input) =>
        rotateRefresh(
          changedGrant(slot, (grant) => {
            if (grant.refresh === undefined) return grant
            const { previous: _, ...refresh } = grant.refresh
            return { ...grant, refresh }
          }),
          input,
        ),
    },
  },
  {
    name: 'within the grace there is a second successor in place of the same',
    core: {
      rotateRefresh: (slot, input) => {
        const decision = rotateRefresh(slot, input)
        return isRefusal(decision.result) || !decision.result.repeated
          ? decision
          : { ...decision, result: { ...decision.result, imprint: input.fresh } }
      },
    },
  },
  {
    name: 'the grace never ends',
    core: {
      rotateRefresh: (slot, input) => {
        const decision = rotateRefresh(slot, input)
        const state = slot.value?.refresh
        return isRefusal(decision.result) && decision.result.reason === 'refresh_reuse' && slot.value && state
          ? nothing({ grant: slot.value, generation: input.generation + 1, imprint: state.current, repeated: true })
          : decision
      },
    },
  },
  {
    name: 'a refresh compares no epoch',
    core: { rotateRefresh: (slot, input) => rotateRefresh(slot, { ...input, epoch: slot.value?.epoch ?? '' }) },
  },
  {
    name: 'a code compares no epoch',
    core: { redeemCode: (slot, input) => redeemCode(slot, { ...input, epoch: slot.value?.epoch ?? '' }) },
  },
  {
    name: 'a refresh asks for no end of its grant',
    core: {
      rotateRefresh: (slot, input) =>
        rotateRefresh(
          changedGrant(slot, (grant) => {
            const { revokedAt: _, ...alive } = grant
            return alive
          }),
          input,
        ),
    },
  },
  {
    name: 'a code may be redeemed again',
    core: {
      redeemCode: (slot, input) =>
        redeemCode(
          changedGrant(slot, (grant) => {
            if (grant.code === undefined) return grant
            const { redeemedAt: _, ...code } = grant.code
            return { ...grant, code }
          }),
          input,
        ),
    },
  },
  {
    name: 'a replayed code ends nothing, though it is said so',
    core: {
      redeemCode: (slot, input) => {
        const decision = redeemCode(slot, input)
        return isRefusal(decision.result) && decision.result.reason === 'code_replayed'
          ? nothing(decision.result)
          : decision
      },
    },
  },
  {
    name: 'a revocation is answered and not committed',
    core: {
      revokeGrant: (slot, input) => ({ writes: [], result: revokeGrant(slot, input).result }),
    },
  },
  {
    name: 'a conflict is taken for a commit',
    core: {
      transition: (context, refs, decide) => {
        const { store } = context
        const commit = async (writes: Parameters<typeof store.commit>[0]): Promise<'committed'> => {
          await store.commit(writes)
          return 'committed'
        }
        return core.transition({ ...context, store: { ...store, commit } }, refs, decide)
      },
    },
  },
  {
    name: 'a commit that failed is taken for one that happened',
    core: {
      transition: async (context, refs, decide) => {
        const { store } = context
        const commit = async (writes: Parameters<typeof store.commit>[0]): Promise<'committed' | 'conflict'> =>
          store.commit(writes).catch((): 'committed' => 'committed')
        return core.transition({ ...context, store: { ...store, commit } }, refs, decide)
      },
    },
  },
  { name: 'memory counts without a lease', forgetsLease: true },
]
