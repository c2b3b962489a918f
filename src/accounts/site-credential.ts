import { eventWrite } from '../audit/event-write.ts'
import { endConnection } from '../domain/connect.ts'
import { siteConnectionId } from '../domain/connection.ts'
import { withEdition } from '../domain/edition.ts'
import type { AuditEvent } from '../domain/event.ts'
import { check, ref, type Ref, type Slot, type Write } from '../domain/record.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { newRevocation } from '../upstream/new-revocation.ts'
import type { AccountsContext } from './context.ts'

export type SiteCredential = {
  readonly ref: Ref<'connection'>
  readonly editionRef: Ref<'edition'>
  readonly end: (slot: Slot<'connection'>, edition: Slot<'edition'>, now: EpochSeconds) => readonly Write[]
}

/** What a site gave for an account goes with the account there: whoever unlinks that ends it in the same commit, if there is any. */
export async function siteCredential(
  context: Pick<AccountsContext, 'clock' | 'random' | 'protection'>,
  about: { readonly userId: string; readonly provider: string; readonly actor: NonNullable<AuditEvent['actor']> },
): Promise<SiteCredential> {
  const { userId, provider, actor } = about
  const id = siteConnectionId(userId, provider)
  const errand = await newRevocation(context)
  const event = eventWrite(context, { type: 'connection.revoked', userId, actor, target: id })
  return {
    ref: ref('connection', id),
    editionRef: ref('edition', id),
    end: (slot, edition, now) => {
      const { writes } = withEdition(edition, endConnection(slot, { now, event, errand }), now)
      // L4: nor does one come to be while the account there goes.
      return writes.length === 0 ? [check(slot)] : writes
    },
  }
}
