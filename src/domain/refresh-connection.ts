import { longestRetryAfter } from '../protocol/retry-after.ts'
import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import { connectionExpiry, isHeld, type HeldConnection, type RefreshFailure, type RefreshIntent } from './connection.ts'
import { put, type Decision, type Slot, type Write } from './record.ts'

/** What a fetch finds: tokens to give (renewed soon, if at all possible), tokens to renew first, or an end. */
export type TokenNeed = 'none' | 'soon' | 'now' | 'over'

/** A token that ends within this is not handed out: whoever gets it has to carry it somewhere yet. */
const margin: Seconds = 30
/** L29: of its life. */
const renewAfter = 0.8

/**
 * What has to happen before these tokens are handed out. `age` is how long ago they came, by whichever clock says more:
 * `expires_in` is a length of time, and no clock of the provider matters.
 */
export function tokenNeed(connection: HeldConnection, age: Seconds, rejectedEdition?: number): TokenNeed {
  if (connection.state === 'needs_reauth') return 'over'
  // The provider's API refused the very token that is kept: one refresh.
  if (rejectedEdition === connection.edition) return connection.refreshable ? 'now' : 'over'
  const { expiresAt, issuedAt, refreshable } = connection
  if (expiresAt === undefined) return 'none'
  const life = expiresAt - issuedAt
  if (!refreshable) return age < life ? 'none' : 'over'
  if (age >= life - Math.min(margin, life / 10)) return 'now'
  return age >= life * renewAfter ? 'soon' : 'none'
}

/** Whether a token that should have been renewed is worth something yet, where renewing doesn't succeed. */
export function stillHolds({ expiresAt, issuedAt, edition }: HeldConnection, age: Seconds, rejected?: number): boolean {
  return rejected !== edition && (expiresAt === undefined || age < expiresAt - issuedAt)
}

export type Claim =
  | { readonly kind: 'claimed'; readonly connection: HeldConnection }
  /** Somebody else is at it. */
  | { readonly kind: 'busy'; readonly intent: RefreshIntent }
  /** Not yet: the last refreshes came to nothing. */
  | { readonly kind: 'later' }
  /** Nothing to renew: there is another edition already, or none that could be. */
  | { readonly kind: 'settled' }

/**
 * Write the intent to refresh this edition, before anybody asks the provider: whoever reads it lets be. Only one that `abandoned`
 * names, which was watched for longer than any refresh takes, is taken over: then the process behind it died, and the token may
 * have been used. The time in a record is another node's, and no clock here says how old it is; so with `waited`, the failures after
 * which whoever asks has let the pause go by.
 */
export function claimRefresh(
  slot: Slot<'connection'>,
  asked: {
    readonly now: EpochSeconds
    readonly attempt: string
    readonly edition: number
    /** What whoever asks has opened of it. */
    readonly sealed: string
    readonly abandoned?: string | undefined
    readonly waited?: number | undefined
  },
): Decision<Claim> {
  const connection = slot.value
  const { now, attempt, edition } = asked
  const settled = { writes: [], result: { kind: 'settled' } } as const
  if (connection === undefined || connection.state !== 'active') return settled
  if (connection.edition !== edition || connection.sealed !== asked.sealed || !connection.refreshable) return settled
  const { intent, failures } = connection
  const isOver = intent !== undefined && intent.attempt === asked.abandoned
  if (intent !== undefined && !isOver) return { writes: [], result: { kind: 'busy', intent } }
  if (intent === undefined && failures !== asked.waited) return { writes: [], result: { kind: 'later' } }
  const claimed: HeldConnection = {
    ...connection,
    intent: { attempt, startedAt: now },
    ...(isOver && { unsure: true }),
  }
  return { writes: [replace(slot, claimed)], result: { kind: 'claimed', connection: claimed } }
}

/** What the provider gave, sealed as edition `edition + 1`. */
export type Renewed = Pick<HeldConnection, 'sealed' | 'keyId' | 'scope' | 'issuedAt' | 'expiresAt' | 'refreshable'> & {
  readonly edition: number
}

/**
 * Keep what a refresh gave, before anybody gets to see it. Fenced by the edition that it was made from: as long as nobody has kept
 * anything newer, this is the newest there is, also where somebody gave up on it meanwhile.
 */
export function keepRenewed(
  slot: Slot<'connection'>,
  renewed: Renewed,
  { event, now }: { readonly event: Write; readonly now: EpochSeconds },
): Decision<'kept' | 'superseded'> {
  const connection = slot.value
  if (connection === undefined || !isHeld(connection) || connection.edition + 1 !== renewed.edition)
    return { writes: [], result: 'superseded' }
  // INV3: what was ended stays ended; `restored` was ended by whoever restored.
  if (connection.reason === 'restored') return { writes: [], result: 'superseded' }
  const { reason: _reason, expiresAt: _e, ...rest } = withoutRefresh(connection)
  const kept: HeldConnection = { ...rest, ...renewed, state: 'active', updatedAt: now }
  return { writes: [replace(slot, kept), event], result: 'kept' }
}

/** L21: the refresh token is dead. Said once, aloud, and never asked again; unless somebody else's refresh came first. */
export function breakConnection(
  slot: Slot<'connection'>,
  broken: {
    readonly edition: number
    readonly attempt?: string
    readonly reason: string
    /** The edition that there was before an older one was put back: what comes next comes after that. */
    readonly newest?: number | undefined
  },
  { event, now }: { readonly event: Write; readonly now: EpochSeconds },
): Decision<'broken' | 'superseded'> {
  const connection = slot.value
  const isMine =
    connection?.state === 'active' &&
    connection.edition === broken.edition &&
    (broken.attempt === undefined || connection.intent?.attempt === broken.attempt)
  if (!isMine) return { writes: [], result: 'superseded' }
  const { intent: _, retryAt: _r, failures: _f, pause: _p, failure: _l, ...rest } = connection
  const edition = Math.max(connection.edition, broken.newest ?? 0)
  const after: HeldConnection = { ...rest, edition, state: 'needs_reauth', reason: broken.reason, updatedAt: now }
  return { writes: [replace(slot, after), event], result: 'broken' }
}

/**
 * No answer, or none that says anything of the token: what is kept stays, and the next try waits. INV6: what somebody has to mend,
 * since asking again won't, is an event, once for as long as it stays the same.
 */
export function postponeRefresh(
  slot: Slot<'connection'>,
  failed: {
    readonly edition: number
    readonly attempt: string
    readonly pause: Seconds
    readonly maybeUsed: boolean
    readonly failure: RefreshFailure
  },
  { event, now }: { readonly event: Write; readonly now: EpochSeconds },
): Decision<EpochSeconds | undefined> {
  const connection = slot.value
  if (connection?.state !== 'active' || connection.edition !== failed.edition) return { writes: [], result: undefined }
  if (connection.intent?.attempt !== failed.attempt) return { writes: [], result: undefined }
  const { intent: _, ...rest } = connection
  const { pause, failure } = failed
  const retryAt = now + pause
  const after: HeldConnection = {
    ...rest,
    failures: (connection.failures ?? 0) + 1,
    retryAt,
    pause,
    failure,
    ...(failed.maybeUsed && { unsure: true }),
  }
  const isNews = failure.reason !== 'upstream_unavailable' && failure.why !== connection.failure?.why
  return { writes: [replace(slot, after), ...(isNews ? [event] : [])], result: retryAt }
}

const touchEvery: Seconds = 24 * 60 * 60

/** Note that it is used, once a day: what nobody uses goes. */
export function touchConnection(slot: Slot<'connection'>, now: EpochSeconds): Decision<undefined> {
  const connection = slot.value
  if (connection === undefined || !isHeld(connection) || !needsTouch(connection, now))
    return { writes: [], result: undefined }
  return { writes: [replace(slot, { ...connection, lastUsedAt: now })], result: undefined }
}

export function needsTouch({ lastUsedAt }: HeldConnection, now: EpochSeconds): boolean {
  return now >= lastUsedAt + touchEvery
}

/** Seconds until the next try: twice as long each time, not in step with others; or what the provider asked for. */
export function retryPause(failures: number, fraction: number, retryAfter: Seconds | undefined): Seconds {
  const grown = Math.min(300, 2 ** Math.min(failures, 10))
  return Math.max(1, Math.ceil(grown * (0.5 + fraction / 2)), Math.min(retryAfter ?? 0, longestRetryAfter))
}

/** A connection whose refresh token is another one than it was: nothing is known against that yet. */
export function withoutRefresh(
  connection: HeldConnection,
): Omit<HeldConnection, 'intent' | 'unsure' | 'failures' | 'retryAt' | 'pause' | 'failure'> {
  const { intent: _, unsure: _u, failures: _f, retryAt: _r, pause: _p, failure: _l, ...rest } = connection
  return rest
}

function replace(slot: Slot<'connection'>, connection: HeldConnection): Write {
  return put(slot, connection, { expiresAt: connectionExpiry(connection) })
}
