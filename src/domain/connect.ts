import { clockTolerance, type EpochSeconds } from '../protocol/time.ts'
import {
  besideOwners,
  connectionExpiry,
  connectionOwners,
  isHeld,
  ownerKey,
  type Confirmation,
  type Connection,
  type ConnectionOwner,
  type HeldConnection,
  type PendingConnection,
} from './connection.ts'
import { latestEdition } from './edition.ts'
import { lifetimes } from './lifetimes.ts'
import { isRecalled } from './recall.ts'
import { giveBackErrand, type NewRevocation } from './give-back-errand.ts'
import { withoutRefresh } from './refresh-connection.ts'
import { check, put, type Decision, type Slot, type Write } from './record.ts'

/** What a connection begins with. It stands in the URL that the person opens, sealed, and in no record. */
export type ConnectionStart = {
  readonly connectionId: string
  readonly handleHash: string
  readonly provider: string
  readonly scope: readonly string[]
  readonly owner: ConnectionOwner
  /** Through which client. */
  readonly clientId?: string
  /** From where. */
  readonly address: string
  readonly startedAt: EpochSeconds
  readonly recallsBefore?: number
  /** A redirect URI of that client, where the person goes on to. */
  readonly returnTo?: string
  /** The connection of the same owner whose tokens it is to renew, where it isn't a new one. */
  readonly renews?: string
  /** Begun on the account page: who started is whoever is signed in, and nobody waits elsewhere. */
  readonly onAccountPage?: true
}

/** With 34 bits a guesser has one chance in three thousand million. */
export const codeAttempts = 5

export function startExpiry({ startedAt }: Pick<ConnectionStart, 'startedAt'>): EpochSeconds {
  return startedAt + lifetimes.interaction
}

/**
 * Somebody says in a browser that it was he who started. The first browser with the right code has it, and no other; too many
 * wrong codes end it. Nothing is stored before this.
 */
export function bindConnection(
  slot: Slot<'connection'>,
  start: ConnectionStart,
  shown: { readonly right: boolean; readonly browserHash: string; readonly now: EpochSeconds },
): Decision<'bound' | 'wrong' | 'ended'> {
  const { value } = slot
  const ended = { writes: [], result: 'ended' } as const
  if (value !== undefined && value.state !== 'pending') return ended
  if (value?.browserHash !== undefined && value.browserHash !== shown.browserHash) return ended
  const attempts = (value?.attempts ?? 0) + (shown.right ? 0 : 1)
  const { provider, owner, clientId, handleHash, recallsBefore, address, returnTo, renews, onAccountPage } = start
  const every = {
    v: 1,
    provider,
    owner,
    ...(clientId !== undefined && { clientId }),
    handleHash,
    ...(recallsBefore !== undefined && { recallsBefore }),
    createdAt: start.startedAt,
    updatedAt: shown.now,
    endsAt: startExpiry(start),
  } as const
  if (attempts >= codeAttempts) return { writes: [store(slot, { ...every, state: 'denied' })], result: 'ended' }
  const pending: PendingConnection = {
    ...every,
    state: 'pending',
    attempts,
    address,
    ...(returnTo !== undefined && { returnTo }),
    ...(renews !== undefined && { renews }),
    ...(onAccountPage === true && { onAccountPage }),
    ...(shown.right && { browserHash: shown.browserHash }),
  }
  return { writes: [store(slot, pending)], result: shown.right ? 'bound' : 'wrong' }
}

/** What the provider gave for it. */
export type Obtained = Pick<
  HeldConnection,
  'account' | 'scope' | 'asked' | 'sealed' | 'keyId' | 'edition' | 'refreshable' | 'issuedAt' | 'expiresAt'
> & {
  readonly confirmation?: Confirmation
}

/** What is kept, and what the errand is written with that gives it back if nobody confirms it. */
export type Keeping = Obtained & {
  readonly errand: NewRevocation
  /** Who is signed in in the browser that brought it. */
  readonly userId: string | undefined
}

/** What obtained tokens are kept by: the start, and the word on recalls, compared in the same commit. */
export type ObtainSlots = { readonly connection: Slot<'connection'>; readonly instance: Slot<'instance'> }

/** Whoever waits in this very browser, if all of the provider's wasn't recalled since he started (L25). */
function awaited(
  { connection, instance }: ObtainSlots,
  browserHash: string | undefined,
): PendingConnection | undefined {
  const { value } = connection
  if (value?.state !== 'pending' || value.browserHash === undefined || value.browserHash !== browserHash)
    return undefined
  return instance.value === undefined || isRecalled(instance.value, value) ? undefined : value
}

/** L11: the tokens are kept once, in the browser that was bound, and only while somebody waits for them. */
export function completeConnection(
  slots: ObtainSlots,
  done: {
    readonly browserHash: string | undefined
    readonly obtained: Keeping
    readonly event: Write
    readonly now: EpochSeconds
  },
): Decision<PendingConnection | undefined> {
  const value = awaited(slots, done.browserHash)
  if (value === undefined) return { writes: [], result: undefined }
  const { provider, owner, clientId, handleHash, recallsBefore, createdAt } = value
  const { errand, userId, ...obtained } = done.obtained
  const held: HeldConnection = {
    v: 1,
    provider,
    owner,
    ...(clientId !== undefined && { clientId }),
    ...(handleHash !== undefined && { handleHash }),
    ...(recallsBefore !== undefined && { recallsBefore }),
    state: 'active',
    ...obtained,
    createdAt,
    updatedAt: done.now,
    lastUsedAt: done.now,
  }
  const writes = [store(slots.connection, held), check(slots.instance), done.event]
  return { writes: [...writes, ...unlessConfirmed(slots.connection, held, { errand, userId })], result: value }
}

/**
 * L23: the same for a connection that is there. It takes the tokens of the very account that it had, and of no other; what waited is
 * over either way. `obtain` seals them as the edition after all that there were.
 */
export function reconnect(
  slots: ObtainSlots & { readonly target: Slot<'connection'>; readonly edition: Slot<'edition'> },
  done: {
    readonly browserHash: string | undefined
    readonly obtain: (edition: number) => Keeping
    readonly events: { readonly made: Write; readonly denied: Write }
    readonly now: EpochSeconds
  },
): Decision<{ readonly pending: PendingConnection; readonly sameAccount: boolean } | undefined> {
  const pending = awaited(slots, done.browserHash)
  const { value: target } = slots.target
  const { now } = done
  const nothing = { writes: [], result: undefined }
  if (pending === undefined || target === undefined) return nothing
  if (!isHeld(target) || target.provider !== pending.provider) return nothing
  if (ownerKey(target.owner) !== ownerKey(pending.owner)) return nothing
  // L19: what is kept may be a row of before.
  const latest = latestEdition(slots.target.id, slots.edition.value?.edition, slots.instance.value ?? {})
  const { errand, userId, ...obtained } = done.obtain(Math.max(target.edition, latest) + 1)
  // Absent isn't the same: who can't be told from another is another.
  const sameAccount = target.account !== '' && target.account === obtained.account
  if (!sameAccount) {
    const { writes } = denyConnection(slots.connection, done.events.denied, now)
    return { writes, result: { pending, sameAccount } }
  }
  const { reason: _, expiresAt: _e, ...rest } = withoutRefresh(target)
  const after: HeldConnection = { ...rest, ...obtained, state: 'active', updatedAt: now, lastUsedAt: now }
  const over = denyConnection(slots.connection, done.events.made, now)
  return {
    writes: [
      store(slots.target, after),
      check(slots.instance),
      ...over.writes,
      ...unlessConfirmed(slots.target, after, { errand, userId }),
    ],
    result: { pending, sameAccount },
  }
}

/** Nobody may ever confirm it; then its record goes by itself, and nothing else would remember what it held. */
function unlessConfirmed(
  { id: connectionId }: Slot<'connection'>,
  held: HeldConnection,
  { errand, userId }: Pick<Keeping, 'errand' | 'userId'>,
): readonly Write[] {
  const { confirmation, account, owner } = held
  if (confirmation === undefined) return []
  // A clock that is ahead must not take back what can be confirmed yet.
  const due = confirmation.until + clockTolerance
  const owners = besideOwners(owner, userId)
  return [giveBackErrand(errand, { ...held, connectionId, unlessConfirmed: { account, owners } }, due)]
}

/** The person, or the provider, said no. */
export function denyConnection(slot: Slot<'connection'>, event: Write, now: EpochSeconds): Decision<boolean> {
  const { value } = slot
  if (value?.state !== 'pending') return { writes: [], result: false }
  const { attempts: _, browserHash: _b, address: _a, returnTo: _r, renews: _c, onAccountPage: _p, ...rest } = value
  return { writes: [store(slot, { ...rest, state: 'denied', updatedAt: now }), event], result: true }
}

/** The code from the last page, which only whoever consented has seen. `end` is what one wrong code too many asks for. */
export function confirmConnection(
  slot: Slot<'connection'>,
  shown: {
    readonly right: boolean
    readonly now: EpochSeconds
    readonly end: Ending
  },
): Decision<'confirmed' | 'wrong' | 'ended'> {
  const { value } = slot
  if (value === undefined || !isHeld(value)) return { writes: [], result: 'ended' }
  const { confirmation, ...rest } = value
  if (confirmation === undefined) return { writes: [], result: 'confirmed' }
  if (shown.right) return { writes: [store(slot, { ...rest, updatedAt: shown.now })], result: 'confirmed' }
  const attempts = confirmation.attempts + 1
  if (attempts >= codeAttempts) return { writes: endConnection(slot, shown.end).writes, result: 'ended' }
  return { writes: [store(slot, { ...rest, confirmation: { ...confirmation, attempts } })], result: 'wrong' }
}

export type Ending = {
  readonly now: EpochSeconds
  readonly event: Write
  readonly errand: NewRevocation
}

/** Disconnect: here at once, at the provider as soon as it can be done. What is ended stays ended; doing it again changes nothing. */
export function endConnection(slot: Slot<'connection'>, { now, event, errand }: Ending): Decision<boolean> {
  const { value } = slot
  if (value === undefined || value.state === 'revoked' || value.state === 'denied') return { writes: [], result: false }
  const { provider, owner, clientId, handleHash, createdAt } = value
  const ended: Connection = {
    v: 1,
    provider,
    owner,
    ...(clientId !== undefined && { clientId }),
    ...(handleHash !== undefined && { handleHash }),
    ...(isHeld(value) && { edition: value.edition + 1 }),
    state: 'revoked',
    createdAt,
    updatedAt: now,
    // L12: anybody may begin one, so what nobody finished stays no longer for its end.
    endsAt: value.state === 'pending' ? value.endsAt : now + lifetimes.connectionEnded,
  }
  // Also where the refresh token is dead: the access token beside it may work. A restore leaves nothing to give.
  const holdsTokens = isHeld(value) && value.sealed !== ''
  const errands = holdsTokens ? [giveBackErrand(errand, { ...value, connectionId: slot.id }, now)] : []
  return { writes: [store(slot, ended), event, ...errands], result: true }
}

/** A start of which nothing is known but its handle, and that must come to nothing. False: more is known, or it is over. */
export function endUnbegun(
  slot: Slot<'connection'>,
  { hash: handleHash, startedAt }: { readonly hash: string; readonly startedAt: EpochSeconds },
  now: EpochSeconds,
): Decision<boolean> {
  const endsAt = startExpiry({ startedAt })
  if (slot.value !== undefined || now >= endsAt) return { writes: [], result: false }
  const about = { provider: '', owner: { kind: 'handle' }, handleHash, createdAt: startedAt, updatedAt: now } as const
  return { writes: [store(slot, { v: 1, ...about, state: 'denied', endsAt })], result: true }
}

function store(slot: Slot<'connection'>, connection: Connection): Write {
  return put(slot, connection, { expiresAt: connectionExpiry(connection), owners: connectionOwners(connection) })
}
