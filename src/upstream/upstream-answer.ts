import { ResponseBodyError } from 'oauth4webapi'
import { OutboundFailed } from '../outbound/outbound-failed.ts'
import type { Reason } from '../protocol/reasons.ts'

/** The provider can't say at the moment: what is still valid stays valid, and asking again may help. */
export type UpstreamUnavailable = {
  readonly kind: 'unavailable'
  /** No answer came; or it was a refusal of whoever asked, or none at all, and asking again helps once somebody has mended that. */
  readonly reason: Extract<Reason, 'upstream_unavailable' | 'upstream_refused' | 'upstream_malformed'>
  /** For the log: `timeout`, `status 500`, `invalid_client`, …; never anything that was sent. */
  readonly why: string
  /** Seconds that the provider asked to wait. */
  readonly retryAfter?: number
}

/** The provider's answer is no answer, or not the one that was asked for. */
export type UpstreamRefused = { readonly kind: 'refused'; readonly reason: Reason; readonly why: string }

/** A status that says "later": thrown by the adapted fetch, before anybody tries to read the body. */
export class UpstreamBusy extends Error {
  readonly status: number
  readonly retryAfter: number | undefined

  constructor(status: number, retryAfter: number | undefined) {
    super(`status ${status}`)
    this.name = 'UpstreamBusy'
    this.status = status
    this.retryAfter = retryAfter
  }
}

/** What an exception of a request or of oauth4webapi means. Its own text may quote tokens and goes nowhere. */
export function readFailure(
  error: unknown,
  reason: Reason = 'upstream_malformed',
): UpstreamUnavailable | UpstreamRefused {
  if (error instanceof OutboundFailed) return { kind: 'unavailable', reason: 'upstream_unavailable', why: error.why }
  if (error instanceof UpstreamBusy) {
    const { retryAfter, message } = error
    return {
      kind: 'unavailable',
      reason: 'upstream_unavailable',
      why: message,
      ...(retryAfter !== undefined && { retryAfter }),
    }
  }
  if (error instanceof ResponseBodyError)
    return { kind: 'refused', reason: 'upstream_refused', why: codeOf(error.error) }
  if (error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('OAUTH_'))
    return { kind: 'refused', reason, why: error.code }
  throw error
}

/** A failure that says nothing of what was asked for, a refusal too: whoever runs this server, or the provider, may mend it. */
export function asUnavailable(failure: UpstreamUnavailable | UpstreamRefused): UpstreamUnavailable {
  if (failure.kind === 'unavailable') return failure
  const { reason, why } = failure
  return { kind: 'unavailable', reason: reason === 'upstream_refused' ? reason : 'upstream_malformed', why }
}

/** What stands in place of an error code that is written otherwise than the RFCs write them. */
export const unknownCode = 'unknown_error'

/** An error code as the RFCs write them; anything else a provider says is its own business. */
export function codeOf(error: string): string {
  return /^[a-z_]{1,60}$/.test(error) ? error : unknownCode
}
