import { eventWrite, type Happening } from '../audit/event-write.ts'
import type { OAuthProvider } from '../config/provider.ts'
import { giveBackErrand } from '../domain/give-back-errand.ts'
import type { Connection, HeldConnection } from '../domain/connection.ts'
import { lifetimes } from '../domain/lifetimes.ts'
import { ref, type Decision } from '../domain/record.ts'
import {
  breakConnection,
  claimRefresh,
  keepRenewed,
  postponeRefresh,
  retryPause,
  type Claim,
} from '../domain/refresh-connection.ts'
import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import { readAlive } from '../store/read-alive.ts'
import { transition } from '../store/transition.ts'
import { StoreUnavailable } from '../store/unavailable.ts'
import { newRevocation } from '../upstream/new-revocation.ts'
import type { KeptTokens, NotOpened } from '../upstream/sealed-tokens.ts'
import type { UpstreamTokens } from '../upstream/upstream-tokens.ts'
import { changeConnection } from './change-connection.ts'
import type { LeftAlone, VaultContext, VaultMemory } from './context.ts'
import { pause } from './pause.ts'

type Work = VaultContext & VaultMemory

export type Renewal = {
  readonly id: string
  readonly provider: OAuthProvider
  /** As it was found. */
  readonly connection: HeldConnection
  /** After how many failures in a row the pause is over. */
  readonly waited: number | undefined
}

/** What the provider said: nothing (for so many seconds, if it says that much), or anything at all. */
type Outcome = 'unasked' | 'answered' | 'unanswered' | Seconds

const pollMillis = 100

/** The key comes with the next reading of the rings, at most one a second. */
export const keyUnknown: LeftAlone = { retryAfter: 1, reason: 'connection_key' }

/**
 * Renew a connection's tokens, once for all who ask here at the same time; resolves when there is nothing to wait for any more.
 * What came of it stands in the record; if nobody is asked just now, for how long and why comes back. Rejects only if the store
 * doesn't answer.
 */
export function renew(context: Work, renewal: Renewal): Promise<LeftAlone | undefined> {
  const { renewals } = context
  const key = `${renewal.id} ${renewal.connection.edition}`
  const running = renewals.get(key)
  if (running !== undefined) return running
  const started = run(context, renewal).finally(() => renewals.delete(key))
  renewals.set(key, started)
  return started
}

/** Claim and ask; wait while another process is at it, and take over if that one died, which shows in an intent that never ends. */
async function run(context: Work, renewal: Renewal): Promise<LeftAlone | undefined> {
  const { id, provider, connection } = renewal
  const { instanceId } = await context.directory.instance()
  const held = await context.upstream.unseal(
    { instanceId, kind: 'connection', id, edition: connection.edition },
    connection,
  )
  // Before anything is written: nodes that have the key may renew it meanwhile.
  if (held === 'unknown_key') {
    const { reason } = keyUnknown
    context.onTrouble({ what: 'refresh', provider: provider.name, connection: id, reason, why: connection.keyId })
    return keyUnknown
  }
  let abandoned: string | undefined
  for (;;) {
    const entry = await context.breaker.enter(provider.name)
    if ('retryAfter' in entry) return { ...entry, reason: connection.failure?.reason ?? 'upstream_unavailable' }
    let outcome: Outcome = 'unasked'
    let claim: Claim
    try {
      const attempt = context.random.text(12)
      claim = await claimFor(context, renewal, { attempt, abandoned })
      if (claim.kind === 'claimed') outcome = await ask(context, renewal, { ...claim, attempt, held })
    } finally {
      if (outcome === 'unasked') entry.left()
      else if (outcome === 'answered') entry.succeeded()
      else entry.failed(outcome === 'unanswered' ? undefined : outcome)
    }
    if (claim.kind !== 'busy') return undefined
    abandoned = await watch(context, id, claim.intent.attempt)
  }
}

function claimFor(
  context: VaultContext,
  { id, connection: { edition, sealed }, waited }: Renewal,
  asked: { readonly attempt: string; readonly abandoned: string | undefined },
): Promise<Claim> {
  return transition(context.transition, { connection: ref('connection', id) }, ({ connection }, now) =>
    claimRefresh(connection, { ...asked, now, edition, sealed, waited }),
  )
}

/** Waits until this attempt is over; its name, if that takes longer than any refresh. By the monotonic clock: the other node's may differ. */
async function watch(context: VaultContext, id: string, attempt: string): Promise<string | undefined> {
  const {
    clock,
    transition: { store },
  } = context
  const until = clock.monotonic() + lifetimes.refreshLease * 1000
  while (clock.monotonic() < until) {
    await pause(context, pollMillis)
    const found = await readAlive(store, ref('connection', id), clock.seconds())
    if (found?.state !== 'active' || found.intent?.attempt !== attempt) return undefined
  }
  return attempt
}

/** The connection with this process's intent in it, and what it holds. */
type Claimed = {
  readonly connection: HeldConnection
  readonly attempt: string
  readonly held: KeptTokens | Exclude<NotOpened, 'unknown_key'>
}

/** One request to the provider, and its outcome into the record. */
async function ask(context: Work, { id, provider }: Renewal, { connection, attempt, held }: Claimed): Promise<Outcome> {
  const { upstream, random } = context
  const { edition } = connection
  const { instanceId } = await context.directory.instance()
  const about = { ...ownerOf(connection), target: id } as const
  const refs = { connection: ref('connection', id) }
  const breakWith = (reason: string) => {
    const event = eventWrite(context, { type: 'connection.broken', ...about, reason })
    return transition(context.transition, refs, (slots, now) =>
      breakConnection(slots.connection, { edition, attempt, reason }, { event, now }),
    )
  }
  // L18, L19: what doesn't open was moved, altered or put back.
  if (held === 'unreadable' || held.refreshToken === undefined) {
    await breakWith('unreadable')
    return 'unasked'
  }
  const { refreshToken } = held
  const refreshed = await upstream.refresh(provider, {
    refreshToken,
    scope: connection.scope,
    account: connection.account,
  })
  switch (refreshed.kind) {
    case 'done': {
      const tokens: UpstreamTokens = { refreshToken, ...refreshed.tokens }
      const renewed = sealedAs(context, { instanceId, id, edition: edition + 1, tokens, now: context.clock.seconds() })
      const event = eventWrite(context, { type: 'connection.refreshed', ...about })
      const errand = await newRevocation(context)
      // The provider has used the old one up: this must get in, however long the store takes.
      const kept = await untilStored(context, () =>
        changeConnection(context.transition, id, (slot, now): Decision<'kept' | 'superseded' | 'ended'> => {
          if (slot.value !== undefined && slot.value.state !== 'revoked')
            return keepRenewed(slot, renewed, { event, now })
          // INV3: whoever disconnected meant these, too; what went back when he did was used up by this very renewal.
          const late = giveBackErrand(errand, { ...connection, ...renewed, connectionId: id }, now)
          return { writes: [late], result: 'ended' }
        }),
      )
      if (kept === 'ended') context.giveBack()
      return 'answered'
    }
    case 'denied':
      await breakWith(refreshed.why)
      return 'answered'
    case 'unavailable': {
      const wait = retryPause(connection.failures ?? 0, fraction(random.bytes(1)), refreshed.retryAfter)
      const { maybeUsed, reason, why } = refreshed
      context.onTrouble({ what: 'refresh', provider: provider.name, connection: id, reason, why })
      const event = eventWrite(context, { type: 'connection.refresh_failed', ...about, reason: why })
      const failed = { edition, attempt, pause: wait, maybeUsed, failure: { reason, why } }
      await transition(context.transition, refs, (slots, now) =>
        postponeRefresh(slots.connection, failed, { event, now }),
      )
      return refreshed.retryAfter ?? 'unanswered'
    }
  }
}

/** Tokens as a record keeps them. */
export function sealedAs(
  { upstream }: Pick<VaultContext, 'upstream'>,
  about: {
    readonly instanceId: string
    readonly id: string
    readonly edition: number
    readonly tokens: UpstreamTokens
    readonly now: EpochSeconds
  },
): Pick<HeldConnection, 'sealed' | 'keyId' | 'scope' | 'issuedAt' | 'expiresAt' | 'edition' | 'refreshable'> {
  const { instanceId, id, edition, tokens, now } = about
  return {
    ...upstream.seal({ instanceId, kind: 'connection', id, edition }, tokens),
    edition,
    scope: tokens.scope,
    issuedAt: now,
    refreshable: tokens.refreshToken !== undefined,
    ...(tokens.expiresAt !== undefined && { expiresAt: tokens.expiresAt }),
  }
}

/** Whose a connection is, as events name it. */
export function ownerOf({
  owner,
  clientId,
}: Pick<Connection, 'owner' | 'clientId'>): Pick<Happening, 'userId' | 'clientId'> {
  if (owner.kind === 'client') return { clientId: owner.clientId }
  return {
    ...(clientId !== undefined && { clientId }),
    ...(owner.kind === 'user' && { userId: owner.userId }),
  }
}

const longestTrying = 300

async function untilStored<T>(context: VaultContext, store: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await store()
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || tried >= longestTrying) throw error
      await pause(context, Math.min(1000, 50 * tried))
    }
  }
}

const fraction = ([byte = 0]: Uint8Array): number => byte / 256
