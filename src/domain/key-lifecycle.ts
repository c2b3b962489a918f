import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import { announce } from './change.ts'
import type { AuditEvent } from './event.ts'
import type { KeyRecord, Ring, SecretRing, SigningRing } from './key.ts'
import { lifetimes } from './lifetimes.ts'
import { append, put, ref, remove, type Decision, type Ref, type Slot, type Write } from './record.ts'

export const signingRings = [
  'signing-ES256',
  'signing-RS256',
  'signing-EdDSA',
] as const satisfies readonly SigningRing[]
export const secretRings = [
  'token-seal',
  'at-rest',
  'mac',
  'macaroon-root',
  'cookie',
  'cursor',
] as const satisfies readonly SecretRing[]
export const rings: readonly Ring[] = [...signingRings, ...secretRings]

/** Every key's times follow from these. */
export type KeyLifetimes = {
  /** How long a copy of the JWKS may be kept. */
  readonly jwksMaxAge: Seconds
  /** Longest time in which every node of ours has seen a change, or refuses to answer. */
  readonly nodeLag: Seconds
  /** How long a key is used before the next one takes over by itself. */
  readonly rotateAfter: Seconds
  /** How long before that the next signing key stands in the JWKS: caches out there don't all keep to max-age. */
  readonly announceAhead: Seconds
  /** Longest life of what each ring protects; absent: no end is known, so its keys stay. */
  readonly protects: Readonly<Partial<Record<Ring, Seconds>>>
}

const day = 24 * 60 * 60
const signedLife = Math.max(lifetimes.longestAccessToken, lifetimes.idToken)

export const keyLifetimes: KeyLifetimes = {
  jwksMaxAge: 10 * 60,
  nodeLag: 10,
  rotateAfter: 90 * day,
  announceAhead: 7 * day,
  protects: {
    'signing-ES256': signedLife,
    'signing-RS256': signedLife,
    'signing-EdDSA': signedLife,
    'token-seal': lifetimes.longestMinted,
    // Access tokens, capabilities of the vault and discharges: none is minted for longer.
    'macaroon-root': lifetimes.longestMinted,
    mac: Math.max(lifetimes.refreshAbsolute, lifetimes.code, lifetimes.interaction),
    cookie: Math.max(lifetimes.persistentSessionAbsolute, lifetimes.sessionAbsolute),
    cursor: day,
  },
}

/** One ring's own times. */
export type KeyTimes = {
  /** Shortest time between announcement and use. */
  readonly announce: Seconds
  /** The same for a rotation that nobody asked for. */
  readonly announceAhead: Seconds
  readonly rotateAfter: Seconds
  /** How long a retired key goes on verifying; undefined: for good. */
  readonly retain: Seconds | undefined
}

const skew = 60

export function keyTimes(ring: Ring, times: KeyLifetimes): KeyTimes {
  const signs = ring.startsWith('signing-')
  const announce = signs ? times.jwksMaxAge + times.nodeLag : times.nodeLag
  const protects = times.protects[ring]
  return {
    announce,
    announceAhead: signs ? Math.max(announce, times.announceAhead) : announce,
    rotateAfter: times.rotateAfter,
    // A node that hasn't seen the takeover yet still signs with the old key.
    retain: protects === undefined ? undefined : protects + times.nodeLag + skew,
  }
}

const digits = 6

/** Keys of a ring are numbered, so that two processes that make the next one at once collide, and one of them wins. */
export function keyRef(ring: Ring, sequence: number): Ref<'key'> {
  return ref('key', `${ring}:${String(sequence).padStart(digits, '0')}`)
}

export function keySequence(recordId: string): number {
  return Number.parseInt(recordId.slice(-digits), 10)
}

/** Ids for what one decision writes. */
export type FreshKeyIds = { readonly events: readonly [string, string]; readonly changes: readonly [string, string] }

/** New key material, sealed for the place that it goes to. */
export type MadeKey = Pick<KeyRecord, 'keyId' | 'ring' | 'publicJwk' | 'sealed'>

/** The first key of a ring, in use at once: nobody can have a token of another. Where somebody was first, his stays. */
export function createRing(
  slot: Slot<'key'>,
  input: { readonly made: MadeKey; readonly now: EpochSeconds; readonly ids: FreshKeyIds },
): Decision<'created' | 'there'> {
  const { made, now, ids } = input
  if (slot.value !== undefined) return { writes: [], result: 'there' }
  const first: KeyRecord = { v: 1, ...made, state: 'active', createdAt: now, activeFrom: now }
  return {
    writes: [
      put(slot, first, { expiresAt: null, owners: [made.ring] }),
      append(ids.events[0], keyEvent('key.created', { record: first, at: now })),
      announce(ids.changes[0], slot, now),
    ],
    result: 'created',
  }
}

export type RotateKeyInput = {
  /** Every key of the ring that is known, and the free place for the next. */
  readonly known: readonly Slot<'key'>[]
  readonly next: Slot<'key'>
  /** Absent if a key seemed to be waiting already. */
  readonly made: MadeKey | undefined
  /** How long to wait before it may be used. */
  readonly announce: Seconds
  readonly now: EpochSeconds
  readonly actor?: string
  readonly ids: FreshKeyIds
}

/**
 * Announce the next key of a ring. If one waits already, a second would only pile up: the waiting one comes forward
 * as far as its announcement allows. 'behind': others made keys that the caller didn't know; look again.
 */
export function rotateKey(input: RotateKeyInput): Decision<'announced' | 'waiting' | 'behind'> {
  const { known, next, made, now, ids } = input
  if (next.value !== undefined) return { writes: [], result: 'behind' }
  const waiting = known.find((slot) => slot.value?.state === 'announced')
  if (waiting?.value !== undefined) {
    const activeFrom = Math.min(waiting.value.activeFrom, Math.max(now, waiting.value.createdAt + input.announce))
    if (activeFrom === waiting.value.activeFrom) return { writes: [], result: 'waiting' }
    const record = { ...waiting.value, activeFrom }
    return {
      writes: [
        put(waiting, record, { expiresAt: null }),
        append(ids.events[0], keyEvent('key.brought_forward', { record, at: now, actor: input.actor })),
        announce(ids.changes[0], waiting, now),
      ],
      result: 'waiting',
    }
  }
  if (made === undefined) return { writes: [], result: 'behind' }
  const announced: KeyRecord = { v: 1, ...made, state: 'announced', createdAt: now, activeFrom: now + input.announce }
  return {
    writes: [
      put(next, announced, { expiresAt: null, owners: [made.ring] }),
      append(ids.events[0], keyEvent('key.created', { record: announced, at: now, actor: input.actor })),
      announce(ids.changes[0], next, now),
    ],
    result: 'announced',
  }
}

/**
 * The one next step that is due in a ring: a key whose announcement is over takes over from the active one, or a retired
 * key goes whose last token has expired. Every step is whole by itself, so a crash between two costs nothing.
 */
export function advanceRing(
  known: readonly Slot<'key'>[],
  input: { readonly now: EpochSeconds; readonly times: KeyTimes; readonly ids: FreshKeyIds },
): Decision<'took_over' | 'removed' | 'nothing'> {
  const { now, times, ids } = input
  const successor = known.find((slot) => slot.value?.state === 'announced' && slot.value.activeFrom <= now)
  if (successor?.value !== undefined) {
    const writes: Write[] = []
    const former = known.find((slot) => slot.value?.state === 'active')
    if (former?.value !== undefined) {
      const removal = times.retain === undefined ? {} : { removeAt: now + times.retain }
      const retired: KeyRecord = { ...former.value, state: 'retired', retiredAt: now, ...removal }
      writes.push(
        put(former, retired, { expiresAt: null }),
        append(ids.events[0], keyEvent('key.retired', { record: retired, at: now })),
        announce(ids.changes[0], former, now),
      )
    }
    const active: KeyRecord = { ...successor.value, state: 'active' }
    writes.push(
      put(successor, active, { expiresAt: null }),
      append(ids.events[1], keyEvent('key.rotated', { record: active, at: now })),
      announce(ids.changes[1], successor, now),
    )
    return { writes, result: 'took_over' }
  }
  const spent = known.find((slot) => slot.value !== undefined && isSpent(slot.value, now))
  if (spent?.value === undefined) return { writes: [], result: 'nothing' }
  return {
    writes: [
      ...remove(spent),
      append(ids.events[0], keyEvent('key.removed', { record: spent.value, at: now })),
      announce(ids.changes[0], spent, now),
    ],
    result: 'removed',
  }
}

/** What a ring needs now: a step of `advanceRing`, an announcement, or nothing. */
export function dueInRing(
  records: readonly KeyRecord[],
  times: KeyTimes,
  now: EpochSeconds,
): 'advance' | 'announce' | undefined {
  const waiting = records.find((record) => record.state === 'announced')
  if (waiting !== undefined && waiting.activeFrom <= now) return 'advance'
  if (records.some((record) => isSpent(record, now))) return 'advance'
  const active = records.find((record) => record.state === 'active')
  if (active === undefined || waiting !== undefined) return undefined
  return active.activeFrom + times.rotateAfter - times.announceAhead <= now ? 'announce' : undefined
}

function isSpent(record: KeyRecord, now: EpochSeconds): boolean {
  return record.state === 'retired' && record.removeAt !== undefined && record.removeAt <= now
}

/** Whether something made with this key is accepted now: not before it can be in use anywhere, not after its last token (E13). */
export function mayVerify(record: KeyRecord, now: EpochSeconds): boolean {
  if (record.state === 'announced') return record.activeFrom <= now
  return !isSpent(record, now)
}

function keyEvent(
  type: AuditEvent['type'],
  { record, at, actor }: { readonly record: KeyRecord; readonly at: EpochSeconds; readonly actor?: string | undefined },
): AuditEvent {
  return { v: 1, type, at, target: `${record.ring}/${record.keyId}`, ...(actor !== undefined && { actor }) }
}
