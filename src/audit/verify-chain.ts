import { keptNow, keptUntil, type RetentionHistory } from '../domain/retention.ts'
import type { Seal, SealEntry } from '../domain/seal.ts'
import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import { entryOf, sealHash } from './chain-hash.ts'
import { isEvent, isHistory, isSeal } from './chain-shapes.ts'
import { beginsWith, meetsNoted, provedEntries, sealFindings, type Hashed } from './seal-findings.ts'
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

/** What a chain says of itself, and its seals prove. */
type Begin = { readonly instanceId: string; readonly asOf: EpochSeconds; readonly retention: RetentionHistory }

/**
 * Whether every event is there that ever was, unchanged, and no other (INV9). Nothing but the items is needed: no key, no
 * network, no store. Holds the entries of one seal at a time.
 */
export async function verifyChain(items: AsyncIterable<ChainItem>, proof: ChainProof): Promise<ChainReport> {
  const findings: string[] = []
  let bad = 0
  const counts = { events: 0, seals: 0, late: 0 }
  let begin: Begin = { instanceId: '', asOf: Infinity, retention: [] }
  let isFirst = true
  let end: { readonly head: unknown } | undefined
  let first: Seal | undefined
  let last: Hashed | undefined
  let through = ''
  let previousId = ''
  let noted: ReturnType<typeof meetsNoted>
  /** What the seal at hand binds and hasn't been met. */
  let due = new Map<string, SealEntry>()
  /** Met between ids that are covered, though no seal so far binds them. */
  const loose = new Map<string, { readonly at: EpochSeconds; readonly hash: string }>()

  const find = (...found: readonly string[]): void => {
    bad += found.length
    findings.push(...found.slice(0, mostFindings - findings.length))
  }
  // An export is judged as of when it was made, which can't be in the future.
  const nowIs = (): EpochSeconds => Math.min(begin.asOf, proof.now())
  const isOver = (at: EpochSeconds): boolean => keptUntil(begin.retention, at) < nowIs()
  const hasExpired = (id: string, at: EpochSeconds): boolean =>
    isOver(at) && keptUntil(begin.retention, Number.parseInt(id.slice(0, 12), 16) / 1000) < nowIs() + day

  function takeBegin(item: ChainItem & { readonly is: 'begin' }): void {
    const { instanceId, at, retention = [] } = item
    const isReadable = isHistory(retention)
    if (!isReadable) find('how long events are kept is not readable')
    begin = {
      instanceId: String(instanceId),
      asOf: typeof at === 'number' ? at : Infinity,
      retention: isReadable ? retention : [],
    }
  }

  function settleDue(): void {
    for (const [id, at] of due.values()) if (!isOver(at)) find(missing(id, last?.seal.number))
    due = new Map()
  }

  function takeSeal(seal: unknown, entries: unknown): void {
    settleDue()
    if (!isSeal(seal)) return find(`a seal after number ${last?.seal.number ?? 0} isn't readable`)
    counts.seals += 1
    first ??= seal
    const hashed = { seal, hash: sealHash(seal) }
    const around = { before: last, now: nowIs() }
    find(...sealFindings(seal, { ...around, instanceId: begin.instanceId }))
    if (proof.noted !== undefined) noted = meetsNoted(proof.noted, hashed, around) ?? noted
    takeEntries(seal, entries)
    last = hashed
    if (!seal.late) through = seal.through
  }

  function takeEntries(seal: Seal, entries: unknown): void {
    const proved = provedEntries(seal, entries, nowIs())
    if (typeof proved === 'string') return find(proved)
    if (seal.late) for (const entry of proved) takeLate(seal, entry)
    else due = new Map(proved.map((entry) => [entry[0], entry]))
  }

  function takeLate({ number }: Seal, [id, at, hash]: SealEntry): void {
    counts.late += 1
    const met = loose.get(id)
    loose.delete(id)
    if (met === undefined && !isOver(at)) find(missing(id, number))
    else if (met !== undefined && met.hash !== hash) find(changed(id, number))
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
    if (end !== undefined) find('there is more after the end')
    // One that comes later would judge what stands on either side of it by another time.
    if (isFirst !== (item.is === 'begin')) find(isFirst ? 'the beginning is missing' : 'there is a second beginning')
    if (item.is === 'begin' && isFirst) takeBegin(item)
    isFirst = false
    if (item.is === 'begin') continue
    if (item.is === 'seal') takeSeal(item.seal, item.entries)
    else if (item.is === 'event') takeEvent(item.id, item.event)
    else if (item.is === 'unreadable') find(`${item.where} isn't readable`)
    else end = item
  }
  settleDue()
  // What was said at the beginning may be older than the last seal, by as long as an export takes: no event since then is over.
  const proved = last?.seal.retention ?? []
  const isWhole = proved.slice(begin.retention.length).every(({ at }) => at > nowIs() - day)
  if (!isWhole || !beginsWith(proved, begin.retention))
    find('the seals say otherwise than the beginning how long events are kept')
  let unsealed = 0
  for (const [id, { at }] of loose) {
    if (id > through) unsealed += 1
    else if (!hasExpired(id, at))
      find(`event ${id} is bound by no seal, though those around it are: it was put in afterwards, or came late`)
  }
  if (isFirst) find('the beginning is missing')
  if (end === undefined) find('the end is missing')
  const head = last === undefined ? undefined : { number: last.seal.number, hash: last.hash }
  if (end?.head !== 'unknown' && !sameHead(end?.head, head))
    find(`the chain ends with seal ${head?.number ?? 0}, and its head says otherwise: seals are missing at the end`)
  if (proof.noted !== undefined && noted !== 'met' && noted !== 'expired')
    find(
      `seal ${proof.noted.number} isn't the one that was noted: the chain was written anew, or is that of a restored backup`,
    )
  return { findings, bad, ...counts, unsealed, head, beginsAt: first?.number, keep: keptNow(proved) }
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
