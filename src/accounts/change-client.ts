import type { Actor } from '../domain/authority.ts'
import type { Client, SecretHash } from '../domain/client.ts'
import { bumpedEpoch } from '../domain/epoch.ts'
import type { EventType } from '../domain/event.ts'
import { powerlessClient } from '../domain/powerless-client.ts'
import { put, ref, type Decision } from '../domain/record.ts'
import { authenticationMethods, sealsSecret } from '../protocol/client-authentication.ts'
import { parseClientMetadata, printClientMetadata, type ClientDocument } from '../protocol/client-metadata.ts'
import { isRefusal } from '../protocol/errors.ts'
import { problem, type Problem } from '../protocol/problem.ts'
import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import { transition } from '../store/transition.ts'
import { canonical } from '../store/canonical.ts'
import { freshCredentials, furnish, heldBy, type FreshCredentials } from './client-credentials.ts'
import { clientProblem, clientRecord, metadataProblem, narrows } from './client-record.ts'
import type { AccountsContext, Outcome } from './context.ts'
import type { MadeClient } from './create-client.ts'
import { findClient } from './find-client.ts'
import { findGivenScopes } from './given-scopes.ts'
import { changeWrites } from './change-writes.ts'
import { actorName, permit } from './permit.ts'

export const noSuchClient: Problem = problem('not_found', { detail: 'there is no such client' })
const ofTheFile: Problem = problem('managed_by_file', {
  detail: 'the client stands in the configuration file; change it there and send SIGHUP',
})

const changedMeanwhile: Problem = problem('conflict', { detail: 'the client changed meanwhile; try again' })

/** How long the old secret may go on working beside the new one. */
export const longestOverlap: Seconds = 7 * 24 * 60 * 60
const mostSecrets = 5

type About = { readonly actor: Actor; readonly clientId: string }

/**
 * Change single fields of a client (RFC 7591 names and `disabled`; null takes a field away). When it may do less than before, all
 * that was issued to it dies. A client that becomes confidential gets a secret, which the answer alone holds.
 */
export async function changeClient(
  context: AccountsContext,
  { actor, clientId, fields }: About & { readonly fields: ClientDocument },
): Promise<Outcome<MadeClient>> {
  const fresh = await credentialsFor(context, clientId, fields['token_endpoint_auth_method'])
  const given = await findGivenScopes(context)
  return withClient(context, { actor, clientId, event: 'client.changed' }, (client, now, nowMillis) => {
    // What the grant types say, response types only repeat.
    const { response_types: _repeated, ...current } = printClientMetadata(client)
    const { disabled = client.disabled, ...metadataFields } = fields
    if (typeof disabled !== 'boolean')
      return { refused: problem('invalid_field', { field: 'disabled', detail: 'disabled must be true or false' }) }
    const parsed = parseClientMetadata({ ...current, ...metadataFields })
    if (isRefusal(parsed)) return { refused: metadataProblem(parsed) }
    if (parsed.clientId !== undefined && parsed.clientId !== clientId) {
      return {
        refused: problem('invalid_field', {
          field: 'client_id',
          detail: 'client_id stays as it is; make another client instead',
        }),
      }
    }
    const metadata = { ...parsed, clientId }
    const refused = permit(actor, given(client)) ?? permit(actor, given(metadata)) ?? clientProblem(metadata)
    if (refused !== undefined) return { refused }
    const furnished = furnish(heldBy(client), metadata.authentication, { fresh, now })
    if (furnished === undefined) return { refused: changedMeanwhile }
    const { credentials, shown } = furnished
    const changed = { ...clientRecord(metadata, { ...client, credentials, updatedAt: now }), disabled }
    if (canonical({ ...changed, updatedAt: client.updatedAt }) === canonical(client)) return { client }
    const after = narrows(client, changed) ? { ...changed, epoch: bumpedEpoch(client.epoch, nowMillis) } : changed
    return { client: after, ...shown }
  })
}

/** A new secret for a client that has one. The old ones die at once, or after `overlapSeconds`. */
export async function rotateClientSecret(
  context: AccountsContext,
  { actor, clientId, overlapSeconds = 0 }: About & { readonly overlapSeconds?: Seconds },
): Promise<Outcome<MadeClient>> {
  const fresh = await credentialsFor(context, clientId)
  const given = await findGivenScopes(context)
  return withClient(context, { actor, clientId, event: 'client.secret_rotated' }, (client, now) => {
    const refused = permit(actor, given(client))
    if (refused !== undefined) return { refused }
    const { authentication: proof } = client
    if (!('secrets' in proof)) {
      return {
        refused: problem('invalid_field', {
          field: 'token_endpoint_auth_method',
          detail: `a client with ${proof.method} has no secret`,
        }),
      }
    }
    if ((fresh.secret.kept.sealed !== undefined) !== sealsSecret(proof)) return { refused: changedMeanwhile }
    if (!Number.isInteger(overlapSeconds) || overlapSeconds < 0 || overlapSeconds > longestOverlap) {
      return {
        refused: problem('invalid_field', {
          field: 'overlap_seconds',
          detail: `the old secret may live on for 0 to ${longestOverlap} seconds`,
        }),
      }
    }
    const secrets = [{ ...fresh.secret.kept, createdAt: now }, ...leavingAt(proof.secrets, now, overlapSeconds)].slice(
      0,
      mostSecrets,
    )
    return {
      client: { ...client, authentication: { ...proof, secrets }, updatedAt: now },
      secret: fresh.secret.shown,
    }
  })
}

/** Delete a client. All that was issued to it is dead; a tombstone keeps its id from ever being somebody else's. */
export function deleteClient(context: AccountsContext, { actor, clientId }: About): Promise<Outcome<MadeClient>> {
  return withClient(context, { actor, clientId, event: 'client.deleted' }, (client, now, nowMillis) => {
    const refused = permit(actor, { do: 'delete-client' })
    if (refused !== undefined) return { refused }
    return {
      client: {
        ...powerlessClient(clientId, client.createdAt),
        idTokenAlgorithm: client.idTokenAlgorithm,
        loopbackOnly: true,
        epoch: bumpedEpoch(client.epoch, nowMillis),
        managedBy: client.managedBy,
        disabled: true,
        updatedAt: now,
        deletedAt: now,
      },
    }
  })
}

/** New credentials for the client as it is, or as it will be with another method. */
async function credentialsFor(context: AccountsContext, clientId: string, asked?: unknown): Promise<FreshCredentials> {
  const will = authenticationMethods.find((method) => method === asked)
  const method = will ?? (await findClient(context, clientId))?.authentication.method ?? 'none'
  return freshCredentials(context, { clientId, method })
}

type Change = (client: Client, now: EpochSeconds, nowMillis: number) => MadeClient | { readonly refused: Problem }

async function withClient(
  context: AccountsContext,
  { actor, clientId, event }: About & { readonly event: EventType },
  change: Change,
): Promise<Outcome<MadeClient>> {
  const target = ref('client', clientId)
  const nowMillis = context.clock.millis()
  const trailOf = (type: EventType) => changeWrites(context, { type, clientId, actor: actorName(actor) }, [target])
  const [trail, switchedOff, switchedOn] = [trailOf(event), trailOf('client.disabled'), trailOf('client.enabled')]
  return transition(context.transition, { client: target }, ({ client: slot }, now): Decision<Outcome<MadeClient>> => {
    const client = slot.value
    if (client === undefined || client.deletedAt !== undefined) return { writes: [], result: { refused: noSuchClient } }
    // An entry that has left the file is nobody's any more: it may be deleted.
    if (client.managedBy === 'file' && !(event === 'client.deleted' && client.disabled))
      return { writes: [], result: { refused: ofTheFile } }
    const changed = change(client, now, nowMillis)
    if ('refused' in changed) return { writes: [], result: changed }
    if (changed.client === client) return { writes: [], result: { done: changed } }
    const switched = event === 'client.changed' && changed.client.disabled !== client.disabled
    const told = !switched ? trail : changed.client.disabled ? switchedOff : switchedOn
    return { writes: [put(slot, changed.client, { expiresAt: null }), ...told(now)], result: { done: changed } }
  })
}

function leavingAt(secrets: readonly SecretHash[], now: EpochSeconds, overlap: Seconds): readonly SecretHash[] {
  if (overlap === 0) return []
  return secrets
    .filter((secret) => secret.expiresAt === undefined || secret.expiresAt > now)
    .map((secret) => ({ ...secret, expiresAt: Math.min(secret.expiresAt ?? Number.MAX_SAFE_INTEGER, now + overlap) }))
}
