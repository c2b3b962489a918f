import { oneTimeCodeStep } from '../protocol/one-time-code.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { isHeld, type Connection } from './connection.ts'
import type { Edition } from './edition.ts'
import { bumpedEpoch } from './epoch.ts'
import type { Factors } from './factors.ts'
import type { Grant } from './grant.ts'
import type { Instance } from './instance.ts'
import type { Kind, RecordValues, StoredRecord } from './record.ts'

/** When a backup is restored. */
export type RestoreTime = { readonly now: EpochSeconds; readonly millis: number }

type RestoreRule<K extends Kind> = (value: RecordValues[K], at: RestoreTime) => RecordValues[K] | undefined

const returns = <V>(value: V): V => value
const staysAway = (): undefined => undefined

/** What becomes of each kind of record: whoever adds a kind says it here. */
const restoreRules: { readonly [K in Kind]: RestoreRule<K> } = {
  client: returns,
  resource: returns,
  user: returns,
  name: returns,
  identity: returns,
  factors: fenceFactors,
  key: returns,
  event: returns,
  chain: returns,
  seal: returns,
  bound: returns,
  relay: staysAway,
  revoked: returns,
  grant: fenceGrant,
  // Withdrawn after the backup, a consent would count again; everybody is asked once more instead.
  consent: staysAway,
  session: staysAway,
  attempt: staysAway,
  interaction: staysAway,
  flow: staysAway,
  newcomer: staysAway,
  connection: fenceConnection,
  edition: fenceEdition,
  revocation: returns,
  // A link that was used after the backup must not work again.
  ticket: staysAway,
  outbox: staysAway,
  // Every grant of before is ended anyway.
  withdrawal: staysAway,
  // Those that were used after the backup are missing anyway: `restoredAt` stands for all of them.
  once: staysAway,
  change: staysAway,
  lease: staysAway,
  instance: fenceInstance,
}

/** Every kind of record; the instance, which makes a store one that can be served, comes last. */
export const kinds = Object.keys(restoreRules) as readonly Kind[]

/** Those that a restore brings back, changed or not. */
export const returningKinds = kinds.filter((kind) => restoreRules[kind] !== staysAway)

/**
 * What a store that lost its latest commits (FLT-11) keeps as it stands, though a backup wouldn't bring it back: the moved epoch
 * ends it, `restoredAt` stands for what is missing of it, or doing it twice harms nobody.
 */
const standing: readonly Kind[] = [
  'grant',
  'session',
  'attempt',
  'once',
  'change',
  'lease',
  'outbox',
  'withdrawal',
  'relay',
]

/** Those whose records must be looked at one by one in such a store. */
export const lostKinds = kinds.filter(
  (kind) => restoreRules[kind] !== returns && kind !== 'instance' && !standing.includes(kind),
)

/**
 * FLT-33: what a record from a backup is when it returns, or undefined if it doesn't. What was used or revoked since the
 * backup is unknown, so nothing that was issued before counts any more: the global epoch and the generation move.
 */
export function fence<K extends Kind>(record: StoredRecord<K>, at: RestoreTime): RecordValues[K] | undefined {
  const rule: RestoreRule<K> = restoreRules[record.kind]
  return rule(record.value, at)
}

function fenceInstance(instance: Instance, { now, millis }: RestoreTime): Instance {
  return {
    ...instance,
    generation: instance.generation + 1,
    epoch: bumpedEpoch(instance.epoch, millis),
    highWaterAt: Math.max(instance.highWaterAt, now),
    restoredAt: now,
  }
}

/**
 * What another server gave may have been renewed or taken back since, and what was ended here must stay ended: it comes back to
 * say so, and the person connects once more.
 */
function fenceConnection(connection: Connection, { now, millis }: RestoreTime): Connection | undefined {
  if (!isHeld(connection) || connection.endsAt !== undefined || connection.confirmation !== undefined) return undefined
  const { intent: _, ...rest } = connection
  // Editions of what was sealed since the backup must not come again.
  const edition = bumpedEpoch(connection.edition, millis)
  return { ...rest, edition, state: 'needs_reauth', reason: 'restored', sealed: '', updatedAt: now }
}

/** L19: what was sealed since the backup is older than all that comes now. No later than the connection, which may be connected anew already. */
function fenceEdition({ edition }: Edition, { millis }: RestoreTime): Edition {
  return { v: 1, edition: Math.max(edition, millis) }
}

/** A code may have been redeemed since, a family may have rotated: the epoch ends both, and the record says so too. */
function fenceGrant(grant: Grant, { now }: RestoreTime): Grant | undefined {
  if (grant.code !== undefined && grant.code.redeemedAt === undefined) return undefined
  return { ...grant, revokedAt: grant.revokedAt ?? now }
}

/** A recovery code may have been used since: all of them are. A code of the app from before now may have been, too. */
function fenceFactors(factors: Factors, { now }: RestoreTime): Factors {
  const { authenticator } = factors
  if (authenticator === undefined) return { ...factors, recoveryHashes: [] }
  const lastStep = Math.max(authenticator.lastStep, oneTimeCodeStep(now))
  return { ...factors, recoveryHashes: [], authenticator: { ...authenticator, lastStep } }
}
