import { eventWrite } from '../audit/event-write.ts'
import type { Revocation } from '../domain/connection.ts'
import { startErrands, type Errands } from '../store/start-errands.ts'
import type { VaultContext, VaultMemory } from './context.ts'

const longestPause = 6 * 3_600

/**
 * Gives the tokens of ended connections back to their providers (RFC 7009) until each has answered or the errand is a month old.
 * What came of it is an event.
 */
export function startGiveBack(
  context: VaultContext & Pick<VaultMemory, 'breaker'>,
  onFailure: (error: unknown) => void,
): Errands {
  const { breaker } = context
  return startErrands({
    transition: context.transition,
    kind: 'revocation',
    longestPause,
    // About a month of trying, whatever the pauses.
    expiryOf: ({ attempts }, now, pause) => now + Math.max(2 * pause, (120 - attempts) * longestPause),
    run: async (errand) => {
      // Whose provider doesn't answer holds up nobody else's.
      const entry = await breaker.enter(errand.provider)
      if ('retryAfter' in entry) return undefined
      const reason = await give(context, errand).catch((error: unknown) => {
        entry.left()
        throw error
      })
      if (reason === 'later') {
        entry.failed(undefined)
        return undefined
      }
      entry.succeeded()
      const { connectionId: target, userId } = errand
      const about = { target, reason, ...(userId !== undefined && { userId }) }
      return [eventWrite(context, { type: 'connection.given_back', ...about })]
    },
    onFailure,
  })
}

/** Both tokens, the refresh token first: with it most providers end the other too. */
async function give(
  { upstream, directory }: VaultContext,
  errand: Revocation,
): Promise<'done' | 'unsupported' | 'refused' | 'unreadable' | 'later'> {
  const { connectionId, edition } = errand
  const provider = upstream.providers.get(errand.provider)
  if (provider === undefined || provider.kind === 'site-login') return 'unsupported'
  const { instanceId } = await directory.instance()
  const tokens = upstream.unseal({ instanceId, connectionId, edition }, errand)
  if (tokens === undefined) return 'unreadable'
  let refused = false
  for (const token of [tokens.refreshToken, tokens.accessToken]) {
    if (token === undefined) continue
    const revoked = await upstream.revoke(provider, token)
    if (revoked.kind === 'unsupported') return revoked.kind
    if (revoked.kind === 'unavailable') return 'later'
    // What it says of one token says nothing of the other.
    refused ||= revoked.kind === 'refused'
  }
  return refused ? 'refused' : 'done'
}
