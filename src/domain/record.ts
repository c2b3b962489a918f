import type { EpochSeconds } from '../protocol/time.ts'
import type { Client } from './client.ts'
import type { Resource } from './resource.ts'
import type { User } from './user.ts'
import type { Session } from './session.ts'
import type { Attempt } from './attempt.ts'
import type { Factors } from './factors.ts'
import type { Interaction } from './interaction.ts'
import type { Flow } from './flow.ts'
import type { Identity, Newcomer } from './identity.ts'
import type { Connection, Revocation } from './connection.ts'
import type { Consent } from './consent.ts'
import type { Edition } from './edition.ts'
import type { Grant } from './grant.ts'
import type { Instance } from './instance.ts'
import type { KeyRecord } from './key.ts'
import type { AuditEvent } from './event.ts'
import type { Post } from './post.ts'
import type { Bound, Chain, Seal } from './seal.ts'
import type { Outgoing, Ticket } from './ticket.ts'
import type { Withdrawal } from './withdrawal.ts'

/** What each kind of record holds. `v` inside each value is its schema version; a reader refuses one that it doesn't know. */
export type RecordValues = {
  instance: Instance
  client: Client
  resource: Resource
  user: User
  /** A unique name. Its id is `<type>:<normal form>`; created in the same commit as its target. */
  name: { readonly v: 1; readonly target: string }
  session: Session
  /** Its id is the account's. */
  factors: Factors
  attempt: Attempt
  interaction: Interaction
  flow: Flow
  newcomer: Newcomer
  identity: Identity
  connection: Connection
  /** Its id is the connection's. */
  edition: Edition
  revocation: Revocation
  consent: Consent
  grant: Grant
  /** Something that may happen once: a `jti`, a nonce. It exists, that is all. */
  once: { readonly v: 1 }
  /** The `jti` of a single access token that was revoked before its expiry. */
  revoked: { readonly v: 1; readonly at: EpochSeconds }
  key: KeyRecord
  /** What every node's memory must forget. */
  change: { readonly v: 1; readonly forget: Ref }
  event: AuditEvent
  chain: Chain
  seal: Seal
  bound: Bound
  relay: Post
  lease: { readonly v: 1; readonly holder: string }
  ticket: Ticket
  outbox: Outgoing
  withdrawal: Withdrawal
}

export type Kind = keyof RecordValues

export type Ref<K extends Kind = Kind> = { readonly kind: K; readonly id: string }

/** A random stamp, new at every write of a record and never reused, so an unchanged stamp means an unchanged record. */
export type Version = string

/** A record as a store returns it. `value` is plain JSON. */
export type StoredRecord<K extends Kind = Kind> = Ref<K> & {
  readonly version: Version
  readonly value: RecordValues[K]
  /** Absent: lives until deleted. */
  readonly expiresAt?: EpochSeconds
}

/** What a decision sees in place of a record: the value if it is there and alive, and the version a write must expect. */
export type Slot<K extends Kind = Kind> = Ref<K> & {
  readonly version: Version | null
  readonly value: RecordValues[K] | undefined
}

/**
 * One change that a decision asks for. All writes of one decision happen, or none.
 * `expect` is the version found, or null for absence.
 */
export type Write =
  | (Ref & {
      readonly op: 'put'
      readonly expect: Version | null
      readonly value: RecordValues[Kind]
      /** Whose lists it stands in; the first is the owner, the rest are links. Omitted: as they were. */
      readonly owners?: readonly string[]
      readonly expiresAt: EpochSeconds | null
    })
  | (Ref & { readonly op: 'delete'; readonly expect: Version })
  | (Ref & { readonly op: 'check'; readonly expect: Version | null })
  | { readonly op: 'append'; readonly id: string; readonly event: AuditEvent }

/** What a decision returns: the writes, and the answer that is true once they are durable. No writes: nothing is committed. */
export type Decision<R> = { readonly writes: readonly Write[]; readonly result: R }

export function ref<K extends Kind>(kind: K, id: string): Ref<K> {
  return { kind, id }
}

/** Replace what the slot holds (or fill it). `expiresAt: null` means until deleted. */
export function put<K extends Kind>(
  slot: Slot<K>,
  value: RecordValues[K],
  options: { readonly expiresAt: EpochSeconds | null; readonly owners?: readonly string[] },
): Write {
  return { op: 'put', kind: slot.kind, id: slot.id, expect: slot.version, value, ...options }
}

/** A record whose id is new and random, so that it needs no read before. */
export function create<K extends Kind>(
  target: Ref<K>,
  value: RecordValues[K],
  options: { readonly expiresAt: EpochSeconds | null; readonly owners: readonly string[] },
): Write {
  return { op: 'put', ...target, expect: null, value, ...options }
}

/** Assert that the slot is still as it was read. */
export function check(slot: Slot): Write {
  return { op: 'check', kind: slot.kind, id: slot.id, expect: slot.version }
}

/** Delete what the slot holds; nothing to do for an empty one. */
export function remove(slot: Slot): readonly Write[] {
  return slot.version === null ? [] : [{ op: 'delete', kind: slot.kind, id: slot.id, expect: slot.version }]
}

/** Record what happened, in the same commit as what it records. */
export function append(id: string, event: AuditEvent): Write {
  return { op: 'append', id, event }
}
