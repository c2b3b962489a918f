/** The store can't answer now. `none`: nothing happened. `unknown`: the commit may or may not have happened. */
export class StoreUnavailable extends Error {
  readonly outcome: 'none' | 'unknown'

  constructor(message: string, outcome: 'none' | 'unknown', options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'StoreUnavailable'
    this.outcome = outcome
  }
}
