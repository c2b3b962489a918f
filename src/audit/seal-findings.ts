import type { RetentionHistory } from '../domain/retention.ts'
import type { Seal, SealEntry } from '../domain/seal.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { canonical } from '../store/canonical.ts'
import { genesisOf, rootOf } from './chain-hash.ts'
import { isEntries } from './chain-shapes.ts'
import type { ChainHead } from './walk-chain.ts'

/** A seal, and the hash that the next one names. */
export type Hashed = { readonly seal: Seal; readonly hash: string }

type Surroundings = {
  /** Undefined: this is the first that is still there. */
  readonly before: Hashed | undefined
  readonly now: EpochSeconds
}

/** What speaks against a seal, beside the one before it, in words. */
export function sealFindings(seal: Seal, around: Surroundings & { readonly instanceId: string }): readonly string[] {
  const { before } = around
  const chained = before === undefined ? firstFinding(seal, around) : orderFinding(seal, before)
  const isWhole = before === undefined || seal.after === before.seal.through
  return [
    ...(chained === undefined ? [] : [chained]),
    ...(isWhole ? [] : [`${nameOf(seal)} doesn't begin where the one before ended`]),
    ...(follows(seal, before?.seal)
      ? []
      : [`${nameOf(seal)} says otherwise than those before how long events were kept`]),
  ]
}

function firstFinding(
  seal: Seal,
  { instanceId, now }: { readonly instanceId: string; readonly now: EpochSeconds },
): string | undefined {
  if (seal.number === 1)
    return seal.previous === genesisOf(instanceId)
      ? undefined
      : `${nameOf(seal)} doesn't begin the chain of this instance`
  return seal.previousUntil >= now
    ? `the seals before ${nameOf(seal)} are missing, though their time isn't over`
    : undefined
}

function orderFinding(seal: Seal, { seal: last, hash }: Hashed): string | undefined {
  const name = nameOf(seal)
  if (seal.number <= last.number) return `${name} stands after ${nameOf(last)}`
  if (seal.number !== last.number + 1) return `${name} follows ${nameOf(last)}: those between are missing`
  if (seal.previous !== hash) return `${name} isn't chained to the one before: one of the two was changed`
  if (seal.previousUntil !== last.until || seal.until < seal.previousUntil)
    return `${name} is kept for another time than it may be`
  return undefined
}

/** The entries that stand beside a seal, as it binds them, or what speaks against them. When its time is over, they may be gone. */
export function provedEntries(seal: Seal, entries: unknown, now: EpochSeconds): readonly SealEntry[] | string {
  if (entries === undefined || entries === null)
    return seal.until >= now ? `${nameOf(seal)} has lost its entries, though their time isn't over` : []
  if (isEntries(entries) && entries.length === seal.count && rootOf(entries) === seal.root) return entries
  return `the entries of ${nameOf(seal)} were changed`
}

/** Whether a seal is the one that was noted, or names it; expired: that one is older than all that are left. Undefined: it says nothing. */
export function meetsNoted(
  noted: ChainHead,
  { seal, hash }: Hashed,
  { before, now }: Surroundings,
): 'met' | 'differs' | 'expired' | undefined {
  if (noted.number === seal.number) return noted.hash === hash ? 'met' : 'differs'
  if (before !== undefined) return undefined
  if (noted.number === seal.number - 1) return noted.hash === seal.previous ? 'met' : 'differs'
  return noted.number < seal.number && seal.previousUntil < now ? 'expired' : undefined
}

const nameOf = ({ number }: Seal): string => `seal ${number}`

/** Each seal repeats what the one before said; what is new begins with itself, so nobody shortens the past afterwards. */
function follows({ number, at, retention = [] }: Seal, before: Seal | undefined): boolean {
  if (before === undefined) return true
  const known = before.retention ?? []
  const [added, ...more] = retention.slice(known.length)
  const own = added === undefined || (added.from === number && added.at === at)
  return beginsWith(retention, known) && own && more.length === 0
}

/** Whether one history continues another. */
export const beginsWith = (history: RetentionHistory, known: RetentionHistory): boolean =>
  canonical(history.slice(0, known.length)) === canonical(known)
