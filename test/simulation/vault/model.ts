import { isHeld, type Connection } from '../../../src/domain/connection.ts'
import type { Instance } from '../../../src/domain/instance.ts'
import type { Recall } from '../../../src/domain/recall.ts'
import { lifetimes } from '../../../src/domain/lifetimes.ts'
import type { OwnedRecord, StampedWrite } from '../../../src/store/port.ts'
import type { FreshToken } from '../../../src/vault/fresh-token.ts'
import { Violation, type Moment } from '../model.ts'
import type { Owner } from '../scheduler.ts'
import { judgeAnswer } from './judge-answer.ts'
import type { Known, Opened, Sent } from './known.ts'
import type { Family, Told } from './provider.ts'

const refreshLeaseMillis = lifetimes.refreshLease * 1000

/**
 * The reference model of connections (INV6, and INV3, INV7, INV10, L25 of them). It sees commits, what is sent to the provider and
 * heard from there, crashes, and answers; it opens what is kept, and asks the provider what that is worth.
 */
export function createVaultModel(context: {
  readonly now: () => number
  readonly order: () => number
  readonly clocksStep: boolean
  readonly providerName: string
  readonly open: (id: string, connection: Connection) => Opened | undefined
  readonly read: (token: string) => Told | undefined
  readonly isGood: (refresh: string) => boolean
  readonly failed: (violation: Violation) => void
}) {
  const { now, order, clocksStep, providerName, open, read, isGood, failed } = context
  const known = new Map<string, Known>()
  const byFamily = new Map<Family, Known>()
  const requests = new Map<string, Sent[]>()
  const users = new Map<string, Sent>()
  const dead = new Set<Owner>()
  /** When each recall of the provider was committed. */
  const recalls: number[] = []
  let isLastFinished = true
  const counts = { commits: 0, answers: 0, renewals: 0, sent: 0, reuses: 0, broken: 0, ends: 0, recalls: 0 }

  function must(holds: boolean, sentence: string): asserts holds {
    if (holds) return
    const violation = new Violation(sentence)
    // Thrown alone, it might be taken for a fault of the road by whoever asked.
    failed(violation)
    throw violation
  }

  const isExcused = ({ node, heard, claimedAt }: Sent): boolean =>
    dead.has(node) || heard === 'nothing' || now() - claimedAt >= refreshLeaseMillis

  function sawCommit(writes: readonly StampedWrite[], by: Owner): void {
    counts.commits += 1
    const told = writes.flatMap((write) => (write.op === 'append' ? [write.event.type] : []))
    const errands = writes.filter((write) => write.op === 'put' && write.kind === 'revocation').length
    for (const write of writes) {
      if (write.op === 'put' && write.kind === 'instance') sawInstance(write.value as Instance, told)
      // A put of kind `connection` holds a connection.
      if (write.op === 'put' && write.kind === 'connection')
        sawConnection(write.id, write.value as Connection, { told, errands, by })
    }
  }

  function sawInstance(next: Instance, told: readonly string[]): void {
    const recall = next.recalls?.[providerName]
    const count = recall?.count ?? 0
    must(count === recalls.length || count === recalls.length + 1, `L25: recall ${recalls.length} became ${count}`)
    if (count > recalls.length) {
      must(told.includes('provider.recalled'), 'INV7: a provider was recalled without an event')
      recalls.push(now())
      counts.recalls += 1
    }
    isLastFinished = isFinished(recall)
    if (recall?.finishedAt === undefined) return
    for (const one of known.values())
      must(!isLeft(one), `L25: recall ${count} was said to be finished, and ${one.id} is ${one.stored?.state}`)
  }

  /** When it was recalled, if it was. */
  function recalledAt({ recallsBefore }: Known): number | undefined {
    return recalls[recallsBefore]
  }

  /** Recalled, and not ended yet. What a node begins that hasn't heard of it comes to nothing, and waits for its own end. */
  function isLeft(one: Known): boolean {
    return recalledAt(one) !== undefined && one.stored !== undefined && isHeld(one.stored)
  }

  function sawConnection(
    id: string,
    next: Connection,
    { told, errands, by }: { readonly told: readonly string[]; readonly errands: number; readonly by: Owner },
  ): void {
    const one: Known = known.get(id) ?? {
      id,
      stored: undefined,
      kept: undefined,
      editions: new Map(),
      highest: 0,
      claims: [],
      recallsBefore: next.recallsBefore ?? 0,
      brokenAt: -1,
      given: { edition: 0, order: 0 },
    }
    known.set(id, one)
    const { stored, kept } = one
    const before = stored !== undefined && isHeld(stored) ? stored : undefined
    one.stored = next
    must(stored?.state !== 'revoked' || next.state === 'revoked', `INV3: ${id} came back to life`)
    if (next.state === 'revoked' && stored?.state !== 'revoked') {
      counts.ends += 1
      must(told.includes('connection.revoked'), `INV7: ${id} ended without an event`)
      must(
        before === undefined || before.sealed === '' || errands === 1,
        `INV3: ${id} ended, and nothing gives its tokens back`,
      )
    }
    if (before?.state === 'needs_reauth') one.brokenAt = order()
    if (!isHeld(next)) return
    if (next.sealed !== before?.sealed) sawTokens(one, next, told)
    else must(next.edition >= before.edition, `INV6: the edition of ${id} fell`)
    const isBroken = next.state === 'needs_reauth'
    if (isBroken && before?.state === 'active') {
      counts.broken += 1
      must(told.includes('connection.broken'), `INV6: ${id} is broken, and nobody says so`)
      must(
        kept !== undefined && !isGood(kept.refresh),
        `INV6: ${id} needs its person (${next.reason}) though its token is good`,
      )
    }
    must(before === undefined || before.account === next.account, `INV6: ${id} is another account’s than it was`)
    const { intent } = next
    const isTakenOver = before?.intent !== undefined && before.intent.attempt !== intent?.attempt
    if (intent !== undefined && intent.attempt !== before?.intent?.attempt)
      one.claims.push({ node: by, token: one.kept?.refresh ?? '', at: now() })
    const wasUsed = one.kept !== undefined && users.has(one.kept.refresh)
    must(
      isBroken || (intent !== undefined && !isTakenOver) || !wasUsed || next.unsure === true,
      `INV6: the refresh token of ${id} was used up, and its record is sure of it`,
    )
  }

  /** INV6: what is kept is the newest that came of a consent, for the account that it is. */
  function sawTokens(one: Known, next: Connection & { readonly edition: number }, told: readonly string[]): void {
    const { id, kept } = one
    const opened = open(id, next)
    const [access, refresh] = [read(opened?.access ?? ''), read(opened?.refresh ?? '')]
    must(opened !== undefined && access !== undefined && refresh !== undefined, `INV6: what ${id} keeps doesn’t open`)
    must(access.family === refresh.family, `INV6: ${id} keeps tokens of two consents`)
    must('account' in next && refresh.family.account === next.account, `INV6: ${id} keeps another account’s tokens`)
    must(next.edition > one.highest, `INV6: edition ${next.edition} of ${id} comes after ${one.highest}`)
    one.highest = next.edition
    const isRenewed = told.includes('connection.refreshed')
    if (isRenewed) {
      counts.renewals += 1
      must(
        kept?.family === refresh.family && refresh.generation === kept.generation + 1,
        `INV6: ${id} went from generation ${kept?.generation} to ${refresh.generation} by a renewal`,
      )
    } else
      must(
        told.includes('connection.made') || told.includes('connection.renewed'),
        `INV7: ${id} got tokens without an event`,
      )
    if (!isRenewed) one.reauthTold = undefined
    one.kept = { ...refresh, ...opened }
    one.editions.set(next.edition, one.kept)
    byFamily.set(refresh.family, one)
  }

  return {
    sawCommit,
    counts,
    must: (holds: boolean, sentence: string): void => must(holds, sentence),
    known: (): Iterable<Known> => known.values(),
    died: (node: Owner): void => void dead.add(node),
    /** It was told to end, and has: whatever it began is over. */
    closed: (node: Owner): void =>
      must(
        [...requests.values()].flat().every((sent) => sent.node !== node || sent.heard !== undefined),
        'INV6: a node ended while it waited for a provider',
      ),
    isDead: (node: Owner): boolean => dead.has(node),

    /** The store is another one: what was brought back, fenced. Nothing of before counts, but what was ended may need an end again. */
    restored(records: readonly OwnedRecord[]): void {
      const self = records.find(({ kind }) => kind === 'instance')?.value as Instance | undefined
      const recall = self?.recalls?.[providerName]
      recalls.length = recall?.count ?? 0
      isLastFinished = isFinished(recall)
      for (const one of known.values()) {
        const found = records.find(({ kind, id }) => kind === 'connection' && id === one.id)
        one.stored = found?.value as Connection | undefined
        one.kept = undefined
        one.claims = []
        one.endTold = one.stored?.state === 'revoked' ? order() : undefined
        one.brokenAt = order()
        one.editions.clear()
        must(
          one.stored === undefined || one.stored.state === 'revoked' || one.stored.state === 'needs_reauth',
          `FLT-33: ${one.id} came back ${one.stored?.state}`,
        )
      }
    },

    /** INV6: never two requests for one connection at the same time, and none without an intent that was written before. */
    sent(node: Owner, token: string): Sent {
      counts.sent += 1
      const told = read(token)
      const connection = told === undefined ? undefined : byFamily.get(told.family)
      must(connection !== undefined, `INV6: ${token} was sent, and no connection kept it`)
      const claim = connection.claims.findLast((one) => one.node === node && one.token === token)
      must(claim !== undefined, `INV6: ${connection.id} was renewed without an intent`)
      const mine: Sent = { node, connection, token, claimedAt: claim.at }
      const others = (requests.get(token) ?? []).filter(({ heard, node }) => heard === undefined && !dead.has(node))
      must(
        others.every((other) => isExcused(other) || isExcused(mine)),
        `INV6: ${connection.id} is being renewed ${others.length + 1} times at once`,
      )
      requests.set(token, [...others, mine])
      return mine
    },
    heard: (sent: Sent, what: 'answer' | 'nothing'): void => {
      sent.heard = what
    },
    /** INV6: a refresh token comes again only where nobody who lives can know what it gave. */
    acted({ family, generation }: Told, came: 'newest' | 'again', request: Sent): void {
      if (came === 'newest') {
        users.set(request.token, request)
        return
      }
      counts.reuses += 1
      const before = users.get(request.token)
      must(
        before !== undefined && (isExcused(before) || isExcused(request)),
        `INV6: generation ${generation} of ${family.name} was sent again though its answer had come`,
      )
    },

    /** INV6: whether what it keeps is good, or it says that it isn't. */
    isSound(id: string): boolean {
      const { stored, kept } = known.get(id) ?? {}
      return stored?.state !== 'active' || kept === undefined || isGood(kept.refresh)
    },
    /** Whether what somebody who lives heard from the provider is written down. */
    isAtRest: (): boolean =>
      [...requests.values()].flat().every(({ node, connection: { stored } }) => {
        const isBeingRenewed = stored !== undefined && isHeld(stored) && stored.intent !== undefined
        return dead.has(node) || !isBeingRenewed
      }),
    /** L25: whether all that was recalled has been ended, and whoever asks is told so. */
    isRecallOver: (): boolean => isLastFinished && ![...known.values()].some(isLeft),
    /**
     * Afterwards: the newest that somebody who lives was given is what is kept, or went back to the provider with all the others.
     */
    settled({ id, stored, kept }: Known): void {
      if (stored === undefined || kept === undefined) return
      const { family } = kept
      const newest = users.get(`refresh.${family.name}.${family.generation - 1}`)
      const isLost = newest !== undefined && (newest.heard !== 'answer' || dead.has(newest.node))
      if (stored.state === 'revoked')
        must(family.ended !== undefined || isLost, `INV3: ${id} was ended, and its tokens live at the provider`)
      else
        must(
          kept.generation === family.generation || isLost,
          `INV6: ${id} keeps generation ${kept.generation}, and somebody was given ${family.generation}`,
        )
    },

    /** A consent was kept: nothing of before says anything of it. */
    connected(id: string): void {
      counts.answers += 1
      must(known.get(id)?.stored !== undefined, `INV10: ${id} was connected, and nothing stored it`)
    },
    /** An administrator was told of a recall. */
    recalled: (count: number): void =>
      must(count <= recalls.length, `INV10: recall ${count} was told, and there were ${recalls.length}`),
    disconnected(id: string): void {
      counts.answers += 1
      const one = known.get(id)
      if (one === undefined || one.stored === undefined) return
      must(one.stored.state === 'revoked', `INV10: ${id} was ended, and its record says ${one.stored.state}`)
      one.endTold ??= order()
    },
    answered(id: string, fresh: FreshToken, from: Moment): void {
      counts.answers += 1
      judgeAnswer({ order, clocksStep, recalledAt, must }, known.get(id), { id, fresh, from })
    },
  }
}

const isFinished = (recall: Recall | undefined): boolean => recall === undefined || recall.finishedAt !== undefined

export type VaultModel = ReturnType<typeof createVaultModel>
