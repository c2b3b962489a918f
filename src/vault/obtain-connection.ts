import { eventWrite } from '../audit/event-write.ts'
import type { RefusalContext } from '../audit/refusals.ts'
import { completeConnection, denyConnection, reconnect, startExpiry, type Keeping } from '../domain/connect.ts'
import type { PendingConnection } from '../domain/connection.ts'
import { mac } from '../crypto/mac.ts'
import { withEdition } from '../domain/edition.ts'
import { ref } from '../domain/record.ts'
import { readAlive } from '../store/read-alive.ts'
import { transition } from '../store/transition.ts'
import { makeShortCode } from '../tokens/short-code.ts'
import { newRevocation } from '../upstream/new-revocation.ts'
import type { Finished } from '../upstream/finish-upstream.ts'
import { boundStart } from './bound-start.ts'
import type { VaultContext } from './context.ts'
import { giveBackUnkept } from './give-back.ts'
import { ownerOf, sealedAs } from './renew.ts'

export type Obtainment = {
  readonly connectionId: string
  readonly provider: string
  readonly browserHash: string | undefined
  /** Where the browser is, as far as anybody whom we trust says so. */
  readonly address: string
  readonly addressKnown: boolean
  /** Whoever is signed in in it. */
  readonly userId: string | undefined
}

export type ObtainedConnection = {
  readonly pending: PendingConnection
  /** False: the connection that was to be renewed is another account's; nothing was kept. */
  readonly sameAccount: boolean
  /** What whoever started has to show besides the handle: he was somewhere else than the browser. */
  readonly confirmationCode: string | undefined
}

type Gift = Extract<Finished, { kind: 'done' }>

/**
 * Keep what somebody's consent gave, for the start that it was given for, once. Undefined: nobody waits for it in this browser
 * any more, or somebody else is signed in in it than started (L04). What isn't kept is given back.
 */
export async function obtainConnection(
  context: VaultContext,
  about: Obtainment,
  finished: Gift,
): Promise<ObtainedConnection | undefined> {
  const { connectionId: id, provider, userId } = about
  const found = await readAlive(context.transition.store, ref('connection', id), context.clock.seconds())
  const isTheirs = found?.owner.kind !== 'user' || found.owner.userId === userId
  const isAwaited = found?.state === 'pending' && isTheirs
  const obtained = isAwaited ? await keep(context, { about, pending: found }, finished) : undefined
  if (obtained?.sameAccount !== true) await giveBackUnkept(context, { id, provider, found, userId, finished })
  return obtained
}

async function keep(
  context: VaultContext,
  { about, pending }: { readonly about: Obtainment; readonly pending: PendingConnection },
  { tokens, identity, asked }: Gift,
): Promise<ObtainedConnection | undefined> {
  const { clock, random, keys } = context
  const { connectionId: id, browserHash, address } = about
  const now = clock.seconds()
  const { instanceId } = await context.directory.instance()
  // Whoever is in two places may be so for a bad reason.
  const isElsewhere = pending.onAccountPage !== true && !(about.addressKnown && address === pending.address)
  const confirmationCode = isElsewhere ? makeShortCode(random) : undefined
  const { keyId, key } = keys.secret('mac')
  const target = pending.renews ?? id
  const happened = { ...ownerOf(pending), target, scope: tokens.scope.join(' '), address }
  const made = eventWrite(context, { type: target === id ? 'connection.made' : 'connection.renewed', ...happened })
  const errand = await newRevocation(context)
  const obtain = (edition: number): Keeping => ({
    errand,
    userId: about.userId,
    account: identity?.subject ?? '',
    asked,
    ...sealedAs(context, { instanceId, id: target, edition, tokens, now }),
    ...(confirmationCode !== undefined && {
      confirmation: {
        mac: mac(key, confirmationText(target, confirmationCode)),
        keyId,
        attempts: 0,
        until: startExpiry({ startedAt: pending.createdAt }),
      },
    }),
  })
  const waiting = { connection: ref('connection', id), instance: ref('instance', 'self') }
  if (target === id) {
    const completed = await transition(context.transition, waiting, (slots, at) =>
      completeConnection(slots, { browserHash, obtained: obtain(1), event: made, now: at }),
    )
    return completed === undefined ? undefined : { pending: completed, sameAccount: true, confirmationCode }
  }
  const denied = eventWrite(context, { type: 'connection.denied', ...happened, reason: 'another_account' })
  const refs = { ...waiting, target: ref('connection', target), edition: ref('edition', target) }
  const renewed = await transition(context.transition, refs, (slots, at) =>
    withEdition(slots.edition, reconnect(slots, { browserHash, obtain, events: { made, denied }, now: at }), at),
  )
  return renewed === undefined ? undefined : { ...renewed, confirmationCode }
}

/** The person, or his provider, said no. */
export async function refuseConnection(
  context: RefusalContext,
  id: string,
  { why, userId, address }: { readonly why: string; readonly userId: string | undefined; readonly address: string },
): Promise<void> {
  const event = eventWrite(context, {
    type: 'connection.denied',
    target: id,
    reason: why,
    address,
    ...(userId !== undefined && { userId }),
  })
  const bound = boundStart(context, address)
  await transition(context.transition, { connection: ref('connection', id) }, ({ connection }, now) =>
    bound(connection, denyConnection(connection, event, now)),
  )
}

export function confirmationText(connectionId: string, code: string): string {
  return `confirmation of a connection\n${connectionId}\n${code}`
}
