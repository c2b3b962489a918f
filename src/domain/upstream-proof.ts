import { clockTolerance, type EpochSeconds } from '../protocol/time.ts'
import type { Flow } from './flow.ts'
import type { ProvedAt } from './session.ts'

/**
 * When somebody proved himself who comes back from a provider: as its ID token says, since a provider that knows its user sends
 * him back without asking anything. Untold, where it doesn't say and nobody asked. OIDC Core §3.1.2.1: where `max_age` was asked
 * for, `auth_time` must be there and the client must look at it.
 */
export function upstreamProof(
  flow: Pick<Flow, 'createdAt' | 'maxAge'>,
  authTime: EpochSeconds | undefined,
  now: EpochSeconds,
): ProvedAt | 'not fresh' {
  const { createdAt, maxAge } = flow
  if (maxAge === undefined)
    return authTime === undefined ? { authTime: now, untold: true } : { authTime: Math.min(authTime, now) }
  if (authTime === undefined || authTime < createdAt - maxAge - clockTolerance) return 'not fresh'
  // Done on this very way: a clock there that is behind ours makes it no older than the way.
  return { authTime: Math.min(authTime >= createdAt - clockTolerance ? Math.max(authTime, createdAt) : authTime, now) }
}
