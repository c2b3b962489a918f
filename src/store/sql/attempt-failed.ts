/**
 * Why an attempt came to nothing.
 * `again`: others were in the way; nothing happened, and it may go better at once.
 * `alone`: something in it can't be; nothing happened, and others of the same batch may be fine by themselves.
 * `slow`: the same, of a server that gave it up after a while.
 * `none`: the server can't do it now; nothing happened.
 * `unknown`: the answer was lost; it may have happened.
 */
export class AttemptFailed extends Error {
  readonly verdict: 'again' | 'alone' | 'slow' | 'none' | 'unknown'
  /** The session ended, or its server takes no writes any more: those that idle beside it are likely no better. */
  readonly sessionsOver: boolean

  constructor(
    message: string,
    verdict: AttemptFailed['verdict'],
    options: { readonly cause?: unknown; readonly sessionsOver?: boolean } = {},
  ) {
    super(message, options)
    this.name = 'AttemptFailed'
    this.verdict = verdict
    this.sessionsOver = options.sessionsOver ?? false
  }
}

/** A row doesn't read as what was written. Its parser would quote it, and that says nothing of the others. */
export const damaged = (cause: unknown): AttemptFailed =>
  new AttemptFailed("a record isn't what was written, run gatehouse store verify", 'alone', { cause })
