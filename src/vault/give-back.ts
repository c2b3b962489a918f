import { eventWrite } from '../audit/event-write.ts'
import { giveBackErrand } from '../domain/give-back-errand.ts'
import { besideOwners, isHeld, type Connection, type HeldConnection, type Revocation } from '../domain/connection.ts'
import { isRecalled } from '../domain/recall.ts'
import { ref } from '../domain/record.ts'
import { listAll } from '../store/list-all.ts'
import { readAlive } from '../store/read-alive.ts'
import { startErrands, type Errands } from '../store/start-errands.ts'
import { commitNew } from '../store/transition.ts'
import { newRevocation, unwrapRevocation } from '../upstream/new-revocation.ts'
import type { Finished } from '../upstream/finish-upstream.ts'
import type { Trouble, VaultContext, VaultMemory } from './context.ts'

const longestPause = 6 * 3_600

/**
 * Gives the tokens of ended connections back to their providers (RFC 7009) until each has answered or the errand is a month old.
 * What came of it is an event.
 */
export function startGiveBack(
  context: VaultContext & Pick<VaultMemory, 'breaker' | 'onTrouble'>,
  onFailure: (error: unknown) => void,
): Errands {
  const { breaker } = context
  return startErrands({
    transition: context.transition,
    later: context.later,
    kind: 'revocation',
    longestPause,
    // About a month of trying, whatever the pauses.
    expiryOf: ({ attempts }, now, pause) => now + Math.max(2 * pause, (120 - attempts) * longestPause),
    run: async (errand, id) => {
      if (await isSettled(context, errand)) return []
      // Whose provider doesn't answer holds up nobody else's.
      const entry = await breaker.enter(errand.provider)
      if ('retryAfter' in entry) return undefined
      const reason = await give(context, id, errand).catch((error: unknown) => {
        entry.left()
        throw error
      })
      const { connectionId: target, provider, userId } = errand
      if (typeof reason === 'object') {
        context.onTrouble({ what: 'give-back', provider, connection: target, ...reason })
        if (reason.reason === 'connection_key') entry.left()
        else entry.failed(undefined)
        return undefined
      }
      entry.succeeded()
      const about = { target, reason, ...(userId !== undefined && { userId }) }
      return [eventWrite(context, { type: 'connection.given_back', ...about })]
    },
    onFailure,
  })
}

/** Whether it was confirmed; or ended, which has left an errand of its own; or must stay, since it would end another one. */
async function isSettled(context: VaultContext, errand: Revocation): Promise<boolean> {
  const { unlessConfirmed, connectionId, provider } = errand
  if (unlessConfirmed === undefined) return false
  const { store } = context.transition
  const connection = await readAlive(store, ref('connection', connectionId), context.clock.seconds())
  if (connection !== undefined && !(isHeld(connection) && connection.confirmation !== undefined)) return true
  return isConnected(context, { provider, ...unlessConfirmed })
}

type Account = { readonly provider: string; readonly account: string | undefined }

// Absent isn't the same: who can't be told from another is another.
const isOf = (connection: Connection, { provider, account = '' }: Account): connection is HeldConnection =>
  connection.state === 'active' && connection.provider === provider && account !== '' && connection.account === account

/** Whether one of them has the account connected, for good: some providers end all that an account gave with one of its tokens. */
async function isConnected(
  { directory, transition: { store }, clock }: VaultContext,
  { owners, ...account }: Account & { readonly owners: readonly string[] },
): Promise<boolean> {
  const instance = await directory.instance()
  for (const owner of owners)
    for await (const { value, expiresAt = Infinity } of listAll(store, 'connection', owner)) {
      const isKept = isOf(value, account) && value.confirmation === undefined && clock.seconds() < expiresAt
      if (isKept && !isRecalled(instance, value)) return true
    }
  return false
}

/**
 * The same of tokens that came and are nobody's to keep: nobody waits for them any more, they were recalled, or they are another
 * account's than was to be renewed. Unless that account is connected here, or by its owner beside, or by whoever brought them.
 */
export async function giveBackUnkept(context: VaultContext, unkept: Unkept): Promise<void> {
  const { clock, upstream, transition } = context
  const { id, provider, found, userId } = unkept
  const { tokens, identity } = unkept.finished
  const owner = found?.owner ?? { kind: 'handle' }
  const account = { provider, account: identity?.subject }
  const instance = await context.directory.instance()
  if (found !== undefined && isOf(found, account) && !isRecalled(instance, found)) return
  if (await isConnected(context, { ...account, owners: besideOwners(owner, userId) })) return
  const { instanceId } = instance
  // No connection ever has this edition, so that its seal opens in none.
  const edition = 0
  const sealed = upstream.seal({ instanceId, kind: 'connection', id, edition }, tokens)
  const kept = { provider, owner, connectionId: id, edition, ...sealed }
  await commitNew(transition, [giveBackErrand(await newRevocation(context), kept, clock.seconds())])
}

type Unkept = {
  /** Of the start that they came for. */
  readonly id: string
  readonly provider: string
  /** What there is of it. */
  readonly found: Connection | undefined
  /** Who is signed in in the browser that brought them. */
  readonly userId: string | undefined
  readonly finished: Extract<Finished, { kind: 'done' }>
}

/** It must be tried again. */
type Later = Pick<Trouble, 'reason' | 'why'>

/** Both tokens, the refresh token first: with it most providers end the other too. */
async function give(
  { upstream, directory, protection }: VaultContext,
  errandId: string,
  errand: Revocation,
): Promise<'done' | 'unsupported' | 'refused' | 'unreadable' | Later> {
  const { connectionId: id, edition, keyId } = errand
  const provider = upstream.providers.get(errand.provider)
  if (provider === undefined || provider.kind === 'site-login') return 'unsupported'
  const { instanceId } = await directory.instance()
  const sealed = unwrapRevocation(await protection(), errandId, errand)
  if (sealed === undefined) return 'unreadable'
  const tokens = await upstream.unseal({ instanceId, kind: 'connection', id, edition }, { sealed, keyId })
  if (tokens === 'unreadable') return tokens
  if (tokens === 'unknown_key') return { reason: 'connection_key', why: keyId }
  let refused = false
  for (const token of [tokens.refreshToken, tokens.accessToken]) {
    if (token === undefined) continue
    const revoked = await upstream.revoke(provider, token)
    if (revoked.kind === 'unsupported') return revoked.kind
    if (revoked.kind === 'unavailable') return { reason: revoked.reason, why: revoked.why }
    // What it says of one token says nothing of the other.
    refused ||= revoked.kind === 'refused'
  }
  return refused ? 'refused' : 'done'
}
