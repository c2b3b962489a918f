import type { Provider } from '../config/provider.ts'
import { isHeld, type Connection } from '../domain/connection.ts'
import type { Instance } from '../domain/instance.ts'
import { isRecalled } from '../domain/recall.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { needOf } from './need-of.ts'

/** What is known of connections without asking anybody. */
export type StandingContext = {
  readonly instance: Pick<Instance, 'recalls'>
  readonly providers: ReadonlyMap<string, Provider>
  readonly now: EpochSeconds
}

export type Standing = { readonly state: Connection['state']; readonly reason?: string }

/**
 * What a connection is worth now, whoever asked for its token when: what was recalled is over though nobody has got to it, and what
 * nobody has renewed as long as that could be done needs its person, though nobody has asked since (INV6).
 */
export function standingOf({ instance, providers, now }: StandingContext, connection: Connection): Standing {
  const { state, provider: name } = connection
  if (isRecalled(instance, connection) && state !== 'denied') return { state: 'revoked' }
  if (!isHeld(connection)) return { state }
  const provider = providers.get(name)
  const age = Math.max(0, now - connection.issuedAt)
  const isOver = state === 'active' && provider !== undefined && needOf(provider, connection, { age }) === 'over'
  if (isOver) return { state: 'needs_reauth', reason: 'expired' }
  return { state, ...(connection.reason !== undefined && { reason: connection.reason }) }
}
