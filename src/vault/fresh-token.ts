import { eventWrite } from '../audit/event-write.ts'
import type { OAuthProvider, Provider } from '../config/provider.ts'
import type { SecretValue } from '../config/secret-value.ts'
import { isHeld, type Connection, type HeldConnection } from '../domain/connection.ts'
import { latestEdition } from '../domain/edition.ts'
import { isRecalled } from '../domain/recall.ts'
import { ref, type StoredRecord } from '../domain/record.ts'
import { breakConnection, needsTouch, stillHolds, touchConnection } from '../domain/refresh-connection.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { aliveValue } from '../store/read-alive.ts'
import { transition } from '../store/transition.ts'
import type { LeftAlone, VaultContext, VaultMemory } from './context.ts'
import { needOf } from './need-of.ts'
import { settledWithin } from './pause.ts'
import { keyUnknown, ownerOf, renew } from './renew.ts'

export type FreshToken =
  | {
      readonly outcome: 'token'
      readonly accessToken: SecretValue
      readonly tokenType: 'Bearer'
      readonly scopes: readonly string[]
      /** Absent: no end is known. */
      readonly expiresAt?: EpochSeconds
      readonly provider: string
      /** Id of the person at the provider. */
      readonly account: string
      /** To be named as `rejected` if the provider's API says that it is none. */
      readonly edition: number
      readonly connection: HeldConnection
    }
  /** The person must connect anew. `reason`: the provider's error code, `restored`, `expired`, `unreadable`. */
  | { readonly outcome: 'needs_reauth'; readonly reason: string }
  /** Somebody, or his provider, hasn't said yes yet; or said no. */
  | { readonly outcome: 'pending' | 'denied' | 'revoked' }
  /** There is no such connection, or nobody whose it is. */
  | { readonly outcome: 'unknown' }
  /** The provider gives none at the moment, and the last one is over; or nobody here can open what is kept yet. */
  | ({ readonly outcome: 'unavailable' } & LeftAlone)

export type AskedToken = {
  /** Id of the connection. Whoever asks has found out that it may be used for him. */
  readonly connection: string
  /** Edition whose token the provider's API refused: it is renewed once, whatever it says of itself (L29). */
  readonly rejected?: number
}

const longestWaitMillis = 5_000

/**
 * A token of the provider that holds, renewed if need be. However many ask, on however many nodes, each rotation is one request
 * to the provider; whoever waits for it waits five seconds at most. Where renewing doesn't succeed, a token that still holds is given.
 */
export async function freshToken(context: VaultContext & VaultMemory, asked: AskedToken): Promise<FreshToken> {
  const { clock } = context
  const until = clock.monotonic() + longestWaitMillis
  let leftAlone: LeftAlone | undefined
  for (let tried = false; ; tried = true) {
    const usable = await findUsable(context, asked.connection)
    if ('outcome' in usable) return usable
    const { connection, provider, newest } = usable
    // L19: the read began when a later edition was known.
    if (connection.edition < newest)
      return breakOff(context, asked.connection, { connection, reason: 'unreadable', newest })
    const age = context.sightings.age(asked.connection, connection)
    const need = needOf(provider, connection, { age, rejected: asked.rejected })
    if (need === 'none') return handOut(context, asked.connection, connection)
    if (need === 'over' || provider.kind === 'site-login') return over(context, asked.connection, connection)
    const pauseLeft = connection.intent === undefined ? context.sightings.pauseLeft(asked.connection, connection) : 0
    const reason = connection.failure?.reason ?? 'upstream_unavailable'
    if (pauseLeft > 0) leftAlone = { retryAfter: pauseLeft, reason }
    if (pauseLeft > 0 || (need === 'now' && tried)) {
      if (stillHolds(connection, age, asked.rejected)) return handOut(context, asked.connection, connection)
      return { outcome: 'unavailable', ...(leftAlone ?? { retryAfter: 1, reason }) }
    }
    const renewing = renew(context, { id: asked.connection, provider, connection, waited: connection.failures })
    // Whoever waits hears of its failure; where nobody does, whoever asks next.
    renewing.catch(() => undefined)
    if (need === 'soon') return handOut(context, asked.connection, connection)
    leftAlone = await settledWithin(context, renewing, until - clock.monotonic())
  }
}

/** A connection whose token may be given or renewed, its provider, and its latest edition when the read began; or why there is none. */
async function findUsable(
  context: VaultContext & VaultMemory,
  id: string,
): Promise<{ readonly connection: HeldConnection; readonly provider: Provider; readonly newest: number } | FreshToken> {
  const { connection, newest } = await found(context, id)
  if (connection === undefined) return { outcome: 'unknown' }
  if (connection.state === 'revoked') context.sightings.saw(id, connection.edition ?? 0)
  if (!isHeld(connection)) return { outcome: connection.state }
  if (isRecalled(await context.directory.instance(), connection)) return { outcome: 'revoked' }
  if (connection.confirmation !== undefined) return { outcome: 'pending' }
  const provider = await usableProvider(context, connection)
  if (provider === undefined) return { outcome: 'unknown' }
  return { connection, provider, newest }
}

/** A connection, and the latest edition that there was when its read began (L19). */
async function found(
  { sightings, directory, transition: { store }, clock }: VaultContext & VaultMemory,
  id: string,
): Promise<{ readonly connection: Connection | undefined; readonly newest: number }> {
  for (;;) {
    const newest = latestEdition(id, sightings.newest(id), await directory.instance())
    const now = clock.seconds()
    const [record, apart] = await store.read([ref('connection', id), ref('edition', id)])
    const connection = aliveValue(record as StoredRecord<'connection'> | undefined, now)
    const noted = aliveValue(apart as StoredRecord<'edition'> | undefined, now)?.edition ?? 0
    const isLate = connection !== undefined && isHeld(connection) && connection.edition < noted && noted > newest
    if (!isLate) return { connection, newest }
    // Read together, but not as of one moment: a renewal may have come in between, and then the next read brings it.
    sightings.saw(id, noted)
  }
}

/** Its provider, if it is there and everybody stands behind the connection who has to. */
async function usableProvider(
  { upstream, directory }: VaultContext,
  { provider: name, owner }: Connection,
): Promise<Provider | undefined> {
  const provider: Provider | undefined = upstream.providers.get(name)
  switch (owner.kind) {
    case 'user': {
      const user = await directory.user(owner.userId)
      return user === undefined || user.locked ? undefined : provider
    }
    case 'client': {
      const client = await directory.client(owner.clientId)
      return client === undefined || client.disabled ? undefined : provider
    }
    case 'handle':
      return isAnonymous(provider) ? provider : undefined
  }
}

function isAnonymous(provider: Provider | undefined): provider is OAuthProvider {
  return provider !== undefined && provider.kind !== 'site-login' && provider.anonymous
}

async function handOut(context: VaultContext, id: string, connection: HeldConnection): Promise<FreshToken> {
  const { instanceId } = await context.directory.instance()
  const { edition, scope, expiresAt, provider, account } = connection
  if (needsTouch(connection, context.clock.seconds()))
    await transition(context.transition, { connection: ref('connection', id) }, (slots, now) =>
      touchConnection(slots.connection, now),
    )
  const tokens = await context.upstream.unseal({ instanceId, kind: 'connection', id, edition }, connection)
  if (tokens === 'unknown_key') return { outcome: 'unavailable', ...keyUnknown }
  if (tokens === 'unreadable') return breakOff(context, id, { connection, reason: 'unreadable' })
  return {
    outcome: 'token',
    accessToken: tokens.accessToken,
    tokenType: 'Bearer',
    scopes: scope,
    ...(expiresAt !== undefined && { expiresAt }),
    provider,
    account,
    edition,
    connection,
  }
}

/** Nothing is left to renew with. */
async function over(context: VaultContext, id: string, connection: HeldConnection): Promise<FreshToken> {
  if (connection.state === 'needs_reauth')
    return { outcome: 'needs_reauth', reason: connection.reason ?? 'invalid_grant' }
  return breakOff(context, id, { connection, reason: 'expired' })
}

async function breakOff(
  context: VaultContext,
  id: string,
  broken: { readonly connection: HeldConnection; readonly reason: string; readonly newest?: number },
): Promise<FreshToken> {
  const { reason, newest } = broken
  const { edition } = broken.connection
  const event = eventWrite(context, { type: 'connection.broken', ...ownerOf(broken.connection), target: id, reason })
  await transition(context.transition, { connection: ref('connection', id) }, (slots, now) =>
    breakConnection(slots.connection, { edition, reason, newest }, { event, now }),
  )
  return { outcome: 'needs_reauth', reason }
}
