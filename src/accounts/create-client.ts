import type { Actor } from '../domain/authority.ts'
import type { Client } from '../domain/client.ts'
import { put, ref, type Decision } from '../domain/record.ts'
import { parseClientMetadata } from '../protocol/client-metadata.ts'
import { isRefusal } from '../protocol/errors.ts'
import { problem } from '../protocol/problem.ts'
import { transition } from '../store/transition.ts'
import { freshCredentials, furnish, type ShownCredentials } from './client-credentials.ts'
import { clientProblem, clientRecord, metadataProblem } from './client-record.ts'
import type { AccountsContext, Outcome } from './context.ts'
import { findGivenScopes } from './given-scopes.ts'
import { changeWrites } from './change-writes.ts'
import { actorName, permit } from './permit.ts'

/** Credentials appear here and never again. */
export type MadeClient = ShownCredentials & { readonly client: Client }

/** Make a client from RFC 7591 metadata. An id that was ever somebody's is refused, a deleted client's too. */
export async function createClient(
  context: AccountsContext,
  actor: Actor,
  document: unknown,
): Promise<Outcome<MadeClient>> {
  const parsed = parseClientMetadata(document)
  if (isRefusal(parsed)) return { refused: metadataProblem(parsed) }
  const clientId = parsed.clientId ?? `c${context.random.text(16)}`
  const metadata = { ...parsed, clientId }
  const given = await findGivenScopes(context)
  const refused = permit(actor, given(metadata)) ?? clientProblem(metadata)
  if (refused !== undefined) return { refused }

  const fresh = await freshCredentials(context, { clientId, method: metadata.authentication.method })
  const target = ref('client', clientId)
  const trail = changeWrites(context, { type: 'client.created', clientId, actor: actorName(actor) }, [target])
  return transition(context.transition, { client: target }, ({ client: slot }, now): Decision<Outcome<MadeClient>> => {
    if (slot.value !== undefined) {
      const why =
        slot.value.deletedAt === undefined
          ? 'is taken'
          : 'belonged to a client that was deleted, and is never used again'
      return {
        writes: [],
        result: { refused: problem('conflict', { field: 'client_id', detail: `client_id ${why}; choose another` }) },
      }
    }
    const furnished = furnish({ secrets: [] }, metadata.authentication, { fresh, now })
    if (furnished === undefined) throw new Error('credentials of another kind were made than the client needs')
    const client = clientRecord(metadata, {
      credentials: furnished.credentials,
      epoch: 1,
      managedBy: 'administrator',
      createdAt: now,
      updatedAt: now,
    })
    return {
      writes: [put(slot, client, { expiresAt: null, owners: ['*'] }), ...trail(now)],
      result: { done: { client, ...furnished.shown } },
    }
  })
}
