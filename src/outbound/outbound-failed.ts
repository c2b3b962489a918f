/** Failures of requests that were never sent, or not to the end: nobody has acted on them. */
export const unsentFailures = [
  'url',
  'scheme',
  'address',
  'unresolved',
  'headers',
  'unreachable',
  'certificate',
] as const

/** Why a request had no answer that may be used. */
export type OutboundFailure =
  (typeof unsentFailures)[number] | 'timeout' | 'redirect' | 'encoding' | 'too_large' | 'broken'

/** No usable answer came. The message names host and reason, never a path, a query or anything that was sent. */
export class OutboundFailed extends Error {
  readonly why: OutboundFailure

  constructor(why: OutboundFailure, host: string) {
    super(`no answer from ${host}: ${why}`)
    this.name = 'OutboundFailed'
    this.why = why
  }
}
