/** Why a request had no answer that may be used. The first seven were never sent, or not to the end. */
export type OutboundFailure =
  | 'url'
  | 'scheme'
  | 'address'
  | 'unresolved'
  | 'headers'
  | 'unreachable'
  | 'certificate'
  | 'timeout'
  | 'redirect'
  | 'encoding'
  | 'too_large'
  | 'broken'

/** No usable answer came. The message names host and reason, never a path, a query or anything that was sent. */
export class OutboundFailed extends Error {
  readonly why: OutboundFailure

  constructor(why: OutboundFailure, host: string) {
    super(`no answer from ${host}: ${why}`)
    this.name = 'OutboundFailed'
    this.why = why
  }
}
