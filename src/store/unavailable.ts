/** The store can't answer now. `none`: nothing happened. `unknown`: the commit may or may not have happened. */
export class StoreUnavailable extends Error {
  readonly outcome: 'none' | 'unknown'
  /** Said of this one request: somebody keeps its record, or it can't be stored, or is damaged. Others may be fine. */
  readonly ofOne: boolean

  constructor(message: string, outcome: 'none' | 'unknown', options?: { cause?: unknown; ofOne?: boolean }) {
    super(message, options)
    this.name = 'StoreUnavailable'
    this.outcome = outcome
    this.ofOne = options?.ofOne ?? false
  }
}
