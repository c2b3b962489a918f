/** The store won't be opened: the message says what, why and the mend, in one line for the operator. */
export class StoreRefused extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'StoreRefused'
  }
}
