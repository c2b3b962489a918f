import type { AuditEvent } from '../domain/event.ts'
import { keptNow, keptUntil, type Retention, type RetentionHistory } from '../domain/retention.ts'
import type { Seal, SealEntry } from '../domain/seal.ts'
import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import { entryOf, genesisOf, rootOf, sealHash } from './chain-hash.ts'
import { canonical } from '../store/canonical.ts'
import type { ChainHead, ChainItem } from './walk-chain.ts'

export type ChainReport = {
  /** What doesn't hold, in words, the first first; at most `mostFindings` of `bad`. */
  readonly findings: readonly string[]
  readonly bad: number
  readonly events: number
  readonly seals: number
  /** Events that were bound only after their ids had been covered. */
  readonly late: number
  /** Events since the last seal, which nothing binds yet. */
  readonly unsealed: number
  readonly head: ChainHead | undefined
  /** The first seal that is still there, where those before it have expired. */
  readonly beginsAt: number | undefined
  /** How long the chain says that events are kept. */
  readonly keep: Seconds
}

export type ChainProof = {
  readonly now: () => EpochSeconds
  /** What was noted earlier, elsewhere: that seal must stand in the chain. */
  readonly noted?: ChainHead
}

export const mostFindings = 20
const day = 86_400
const nobody: ReadonlyMap<string, SealEntry> = new Map()

/**
 * Whether every event is there that ever was, unchanged, and no other (INV9). Nothing but the items is needed: no key, no
 * network, no store. Holds the entries of one seal at a time.
 */
export async function verifyChain(items: AsyncIterable<ChainItem>, proof: ChainProof): Promise<ChainReport> {
  const findings: string[] = []
  let bad = 0
  const counts = { events: 0, seals: 0, late: 0 }
  let last: { readonly seal: Seal; readonly hash: string } | undefined
  let through = ''
  let beginsAt: number | undefined
  let previousId = ''
  let instanceId: unknown
  let asOf: EpochSeconds | undefined
  /** Said at the beginning, and proved by the seals. */
  let retention: RetentionHistory = []
  let head: unknown = undefined
  let ended = false
  const noted: { is: 'absent' | 'expired' | 'met' | 'differs' } = { is: 'absent' }
  /** What the seal at hand binds and hasn't been met. */
  let due = new Map(nobody)
  /** Met between ids that are covered, though no seal so far binds them. */
  const loose = new Map<string, { readonly at: EpochSeconds; readonly hash: string }>()

  const find = (finding: string): void => {
    bad += 1
    if (findings.length < mostFindings) findings.push(finding)
  }
  // An export is judged as of when it was made, which can't be in the future.
  const nowIs = (): EpochSeconds => Math.min(asOf ?? Infinity, proof.now())
  const isOver = (at: EpochSeconds): boolean => keptUntil(retention, at) < nowIs()
  const hasExpired = (id: string, at: EpochSeconds): boolean =>
    isOver(at) && keptUntil(retention, Number.parseInt(id.slice(0, 12), 16) / 1000) < nowIs() + day

  function settleDue(): void {
    for (const [id, at] of due.values()) if (!isOver(at)) find(missing(id, last?.seal.number))
    due = new Map()
  }

  function takeSeal(seal: unknown, entries: unknown): void {
    settleDue()
    if (!isSeal(seal)) return find(`a seal after number ${last?.seal.number ?? 0} isn't readable`)
    counts.seals += 1
    const name = `seal ${seal.number}`
    const hash = sealHash(seal)
    if (last === undefined) {
      beginsAt = seal.number
      if (seal.number === 1) {
        if (seal.previous !== genesisOf(String(instanceId))) find(`${name} doesn't begin the chain of this instance`)
      } else if (seal.previousUntil >= nowIs())
        find(`the seals before ${name} are missing, though their time isn't over`)
      else if (proof.noted !== undefined && proof.noted.number < seal.number - 1) noted.is = 'expired'
      if (proof.noted !== undefined && proof.noted.number === seal.number - 1)
        noted.is = proof.noted.hash === seal.previous ? 'met' : 'differs'
    } else {
      if (seal.number <= last.seal.number) find(`${name} stands after seal ${last.seal.number}`)
      else if (seal.number !== last.seal.number + 1)
        find(`${name} follows seal ${last.seal.number}: those between are missing`)
      else if (seal.previous !== last.hash) find(`${name} isn't chained to the one before: one of the two was changed`)
      else if (seal.previousUntil !== last.seal.until || seal.until < seal.previousUntil)
        find(`${name} is kept for another time than it may be`)
      if (seal.after !== last.seal.through) find(`${name} doesn't begin where the one before ended`)
    }
    if (!follows(seal, last?.seal)) find(`${name} says otherwise than those before how long events were kept`)
    if (proof.noted?.number === seal.number) noted.is = proof.noted.hash === hash ? 'met' : 'differs'
    takeEntries(seal, entries, name)
    last = { seal, hash }
    if (!seal.late) through = seal.through
  }

  function takeEntries(seal: Seal, entries: unknown, name: string): void {
    if (entries === undefined || entries === null) {
      if (seal.until >= nowIs()) find(`${name} has lost its entries, though their time isn't over`)
      return
    }
    if (!isEntries(entries) || entries.length !== seal.count || rootOf(entries) !== seal.root)
      return find(`the entries of ${name} were changed`)
    if (seal.late) {
      counts.late += entries.length
      for (const [id, at, hash] of entries) {
        const met = loose.get(id)
        loose.delete(id)
        if (met === undefined && !isOver(at)) find(missing(id, seal.number))
        else if (met !== undefined && met.hash !== hash) find(changed(id, seal.number))
      }
    } else due = new Map(entries.map((entry) => [entry[0], entry]))
  }

  function takeEvent(id: unknown, event: unknown): void {
    counts.events += 1
    if (typeof id !== 'string' || !isEvent(event)) return find(`what stands after event ${previousId} is no event`)
    if (id <= previousId) find(`event ${id} stands after ${previousId}, which is newer`)
    previousId = id
    const [, at, hash] = entryOf(id, event)
    const expected = due.get(id)
    due.delete(id)
    if (expected === undefined) loose.set(id, { at, hash })
    else if (expected[2] !== hash) find(changed(id, last?.seal.number))
  }

  for await (const item of items) {
    if (ended) find('there is more after the end')
    if (item.is === 'begin') {
      instanceId = item.instanceId
      if (typeof item.at === 'number') asOf = item.at
      if (isHistory(item.retention)) retention = item.retention
      else if (item.retention !== undefined) find('how long events are kept is not readable')
    } else if (item.is === 'seal') takeSeal(item.seal, item.entries)
    else if (item.is === 'event') takeEvent(item.id, item.event)
    else if (item.is === 'unreadable') find(`${item.where} isn't readable`)
    else {
      ended = true
      head = item.head
    }
  }
  settleDue()
  // What was said at the beginning may be older than the last seal, by as long as an export takes: no event since then is over.
  const proved = last?.seal.retention ?? []
  const isWhole = proved.slice(retention.length).every(({ at }) => at > nowIs() - day)
  if (!isWhole || !beginsWith(proved, retention))
    find('the seals say otherwise than the beginning how long events are kept')
  let unsealed = 0
  for (const [id, { at }] of loose) {
    if (id > through) unsealed += 1
    else if (!hasExpired(id, at))
      find(`event ${id} is bound by no seal, though those around it are: it was put in afterwards, or came late`)
  }
  if (!ended) find('the end is missing')
  const end = last === undefined ? undefined : { number: last.seal.number, hash: last.hash }
  if (head !== 'unknown' && !sameHead(head, end))
    find(`the chain ends with seal ${end?.number ?? 0}, and its head says otherwise: seals are missing at the end`)
  if (proof.noted !== undefined && noted.is !== 'met' && noted.is !== 'expired')
    find(
      `seal ${proof.noted.number} isn't the one that was noted: the chain was written anew, or is that of a restored backup`,
    )
  return { findings, bad, ...counts, unsealed, head: end, beginsAt, keep: keptNow(last?.seal.retention ?? []) }
}

const missing = (id: string, number: number | undefined): string =>
  `event ${id} is missing: seal ${number} binds it, and its time isn't over`
const changed = (id: string, number: number | undefined): string =>
  `event ${id} was changed after seal ${number} had bound it`

function sameHead(head: unknown, end: ChainHead | undefined): boolean {
  if (typeof head !== 'object' || head === null) return end === undefined
  const said = head as Partial<ChainHead>
  return said.number === end?.number && said.hash === end?.hash
}

/** Each seal repeats what the one before said; what is new begins with itself, so nobody shortens the past afterwards. */
function follows({ number, at, retention = [] }: Seal, before: Seal | undefined): boolean {
  if (before === undefined) return true
  const known = before.retention ?? []
  const [added, ...more] = retention.slice(known.length)
  const own = added === undefined || (added.from === number && added.at === at)
  return beginsWith(retention, known) && own && more.length === 0
}

const beginsWith = (history: RetentionHistory, known: RetentionHistory): boolean =>
  canonical(history.slice(0, known.length)) === canonical(known)

function isHistory(value: unknown): value is RetentionHistory {
  return (
    Array.isArray(value) &&
    value.every((entry: unknown) => {
      if (typeof entry !== 'object' || entry === null) return false
      const { from, at, keep } = entry as Partial<Retention>
      return [from, at, keep].every(isNumber)
    })
  )
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isNumber = (value: unknown): value is number => typeof value === 'number'

function isSeal(value: unknown): value is Seal {
  if (typeof value !== 'object' || value === null) return false
  const { v, number, previous, at, after, through, late, count, root, until, previousUntil, retention } =
    value as Partial<Seal>
  return (
    v === 1 &&
    typeof late === 'boolean' &&
    (retention === undefined || isHistory(retention)) &&
    [previous, after, through, root].every(isText) &&
    [number, at, count, until, previousUntil].every(isNumber)
  )
}

function isEntries(value: unknown): value is readonly SealEntry[] {
  return (
    Array.isArray(value) &&
    value.every((entry: unknown) => {
      const [id, at, hash, ...more] = Array.isArray(entry) ? (entry as unknown[]) : []
      return isText(id) && isNumber(at) && isText(hash) && more.length === 0
    })
  )
}

const isEvent = (value: unknown): value is AuditEvent =>
  typeof value === 'object' && value !== null && isNumber((value as Partial<AuditEvent>).at)
