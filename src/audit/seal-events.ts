import type { RecordValues } from '../domain/record.ts'
import { ref } from '../domain/record.ts'
import {
  chainRef,
  emptyChain,
  extendChain,
  sealId,
  type Chain,
  type ExtendChain,
  type Seal,
  type SealEntry,
} from '../domain/seal.ts'
import { keptNow, type RetentionHistory } from '../domain/retention.ts'
import type { Clock, Seconds } from '../protocol/time.ts'
import { transition, type TransitionContext } from '../store/transition.ts'
import { entryOf, genesisOf, rootOf, sealHash } from './chain-hash.ts'
import { collectEvents, idAt, type StoredEvent } from './collect-events.ts'

export type SealContext = {
  readonly transition: TransitionContext
  readonly clock: Pick<Clock, 'millis' | 'seconds'>
  /** Of this process, and of no other. */
  readonly holder: string
  /** How long events are to be kept from now on; absent: as the chain says. */
  readonly keep?: Seconds
}

/** What one step did. `idle`: nothing is due. `elsewhere`: another node seals. */
export type SealStep =
  | { readonly is: 'sealed'; readonly seal: Seal; readonly hash: string }
  | { readonly is: 'looked' | 'idle' | 'elsewhere' }

const minute = 60
const hour = 60 * minute
const day = 24 * hour
/** Ids are drawn before their commit, by clocks that may differ: so long nothing counts as complete. */
export const settleMillis = 90_000
/** A node of DynamoDB that was killed may leave an event inside a record until the sweep looks there, six hours at most. */
export const lookAgainAfter: Seconds = 8 * hour
const heldFor: Seconds = 45
/** An event goes when its time is over; what proves it goes a little later. */
const keptLonger: Seconds = day

/**
 * One step of the background sealer: looks a second time at what was sealed hours ago, or seals the next batch. All of it is
 * one commit that moves the head of the chain, so a crash leaves a whole step or none, and a node that slept too long is refused.
 */
export async function sealStep(context: SealContext): Promise<SealStep> {
  const { transition: within, clock, holder } = context
  // A store returns what it was asked for.
  const [found, instance] = (await within.store.read([chainRef, ref('instance', 'self')])).map(
    (record) => record?.value,
  ) as [Chain | undefined, RecordValues['instance'] | undefined]
  // Without an instance the store is still being filled.
  if (instance === undefined) return { is: 'idle' }
  const chain = found ?? emptyChain(genesisOf(instance.instanceId))
  const now = clock.seconds()
  if (chain.holder !== holder && chain.heldUntil > now) return { is: 'elsewhere' }
  const step = (await lookAgain(context, chain)) ?? (await sealNext(context, chain))
  if (step === undefined) return { is: 'idle' }
  const moved: ExtendChain = { ...step, from: chain, holder, heldUntil: now + heldFor }
  const outcome = await transition(within, { chain: chainRef }, (slots) => extendChain(slots.chain, moved))
  if (outcome === 'overtaken') return { is: 'elsewhere' }
  const { sealed } = step
  return sealed === undefined ? { is: 'looked' } : { is: 'sealed', seal: sealed.seal, hash: sealed.hash }
}

type Step = Pick<ExtendChain, 'checked' | 'checkedThrough' | 'sealed'>

async function sealNext(context: SealContext, chain: Chain): Promise<Step | undefined> {
  const settled = idAt(context.clock.millis() - settleMillis)
  const { events } = await collectEvents(context.transition.store, chain.through, settled)
  const last = events.at(-1)
  // Another time to keep events is said at once, also where nothing happens: nothing is swept by it before.
  if (last === undefined && retentionOf(context, chain) === chain.retention) return undefined
  const { checked, checkedThrough } = chain
  const through = last?.id ?? chain.through
  return { checked, checkedThrough, sealed: sealOf(context, chain, { events, through, late: false }) }
}

/** What was found between the ids of a seal after it had been made is bound by a late one. */
async function lookAgain(context: SealContext, chain: Chain): Promise<Step | undefined> {
  const { store } = context.transition
  const number = chain.checked + 1
  if (number > chain.number) return undefined
  const id = sealId(number)
  const [seal, bound] = (await store.read([ref('seal', id), ref('bound', id)])).map((record) => record?.value) as [
    RecordValues['seal'] | undefined,
    RecordValues['bound'] | undefined,
  ]
  const done = { checked: number, checkedThrough: '' }
  // What is gone has expired, with the events that it bound.
  if (seal === undefined || bound === undefined) return done
  if (seal.at + lookAgainAfter > context.clock.seconds()) return undefined
  if (seal.late) return done
  const after = chain.checkedThrough === '' ? seal.after : chain.checkedThrough
  const { events, through, whole } = await collectEvents(store, after, seal.through)
  const known = new Set(bound.entries.map(([entry]) => entry))
  const late = events.filter((event) => !known.has(event.id))
  return {
    ...(whole ? done : { checked: chain.checked, checkedThrough: through }),
    ...(late.length > 0 && { sealed: sealOf(context, chain, { events: late, through: chain.through, late: true }) }),
  }
}

function sealOf(
  context: SealContext,
  chain: Chain,
  batch: { readonly events: readonly StoredEvent[]; readonly through: string; readonly late: boolean },
): { readonly seal: Seal; readonly hash: string; readonly entries: readonly SealEntry[] } {
  const entries = batch.events.map(({ id, event }) => entryOf(id, event))
  const retention = retentionOf(context, chain)
  const newest = entries.reduce((latest, [, at]) => Math.max(latest, at), 0)
  const seal: Seal = {
    v: 1,
    number: chain.number + 1,
    previous: chain.hash,
    at: context.clock.seconds(),
    after: chain.through,
    through: batch.through,
    late: batch.late,
    count: entries.length,
    root: rootOf(entries),
    until: Math.max(chain.until, newest + keptNow(retention ?? []) + keptLonger),
    previousUntil: chain.until,
    ...(retention !== undefined && { retention }),
  }
  return { seal, hash: sealHash(seal), entries }
}

/** As the chain says it, and with the next seal what is new. */
function retentionOf({ keep, clock }: SealContext, chain: Chain): RetentionHistory | undefined {
  const history = chain.retention ?? []
  if (keep === undefined || keep === keptNow(history)) return chain.retention
  return [...history, { from: chain.number + 1, at: clock.seconds(), keep }]
}
