import type { AuditEvent } from '../../../src/domain/event.ts'
import type { Grant } from '../../../src/domain/grant.ts'
import type { RecordValues } from '../../../src/domain/record.ts'
import type { StoreAdmin } from '../../../src/store/port.ts'
import type { Journal } from './books.ts'

/** What a store holds, as far as facts are about it. */
export type Kept = {
  /** `jti` of every token that an event says was given, or revoked. */
  readonly tokens: ReadonlySet<string>
  readonly revokedTokens: ReadonlySet<string>
  /** `users <id>`, `clients <id>`, `resources <id>`, as in the paths of the REST API. */
  readonly records: ReadonlySet<string>
  readonly epochs: ReadonlyMap<string, number>
  readonly grants: ReadonlyMap<string, Grant>
  /** How often an event says that a grant's refresh token was rotated, or its code redeemed. */
  readonly rotated: ReadonlyMap<string, number>
  readonly redeemed: ReadonlySet<string>
  readonly codes: number
}

export async function keptIn(admin: StoreAdmin): Promise<Kept> {
  const tokens = new Set<string>()
  const revokedTokens = new Set<string>()
  const records = new Set<string>()
  const epochs = new Map<string, number>()
  const grants = new Map<string, Grant>()
  const rotated = new Map<string, number>()
  const redeemed = new Set<string>()
  let codes = 0
  for await (const { kind, id, value } of admin.scan('user', 'client', 'resource', 'grant', 'event')) {
    // The store returns what it was asked for, and `kind` says which.
    if (kind === 'user') {
      records.add(`users ${id}`)
      epochs.set(id, (value as RecordValues['user']).epoch)
    } else if (kind === 'client') {
      // A deleted one stays, so that nobody takes its name.
      if ((value as RecordValues['client']).deletedAt === undefined) records.add(`clients ${id}`)
    } else if (kind === 'resource') records.add(`resources ${Buffer.from(id).toString('base64url')}`)
    else if (kind === 'grant') grants.set(id, value as Grant)
    else {
      const { type, jti, grantId = '' } = value as AuditEvent
      if (type === 'token.revoked' && jti !== undefined) revokedTokens.add(jti)
      else if (jti !== undefined) tokens.add(jti)
      if (type === 'token.refreshed') rotated.set(grantId, (rotated.get(grantId) ?? 0) + 1)
      if (type === 'code.redeemed') redeemed.add(grantId)
      if (type === 'code.issued') codes += 1
    }
  }
  return { tokens, revokedTokens, records, epochs, grants, rotated, redeemed, codes }
}

/** One commit writes a grant and the event about it: a store that is as of one commit holds both or neither. */
export function inspectPairs({ grants, rotated, redeemed }: Kept, journal: Journal): void {
  for (const [id, { refresh, code }] of grants) {
    const events = rotated.get(id) ?? 0
    if (refresh !== undefined && refresh.generation !== events)
      journal.violate('INV9', `grant ${id} was rotated ${refresh.generation} times, and ${events} events say so`)
    if (code?.redeemedAt !== undefined && !redeemed.has(id))
      journal.violate('INV9', `the code of grant ${id} was redeemed, and no event says so`)
  }
  for (const id of redeemed)
    if (!grants.has(id))
      journal.violate('INV9', `an event says that the code of grant ${id} was redeemed, and it wasn't`)
}
