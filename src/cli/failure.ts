/** The command can't do it. The message is one line for the operator: what, why, the mend. */
export class CliFailure extends Error {
  /** 1: refused or failed; 2: asked in the wrong way. */
  readonly exitCode: 1 | 2
  /** Further lines of the same weight: a configuration may have several faults. */
  readonly more: readonly string[]

  constructor(message: string, options: { readonly exitCode?: 1 | 2; readonly more?: readonly string[] } = {}) {
    super(message)
    this.name = 'CliFailure'
    this.exitCode = options.exitCode ?? 1
    this.more = options.more ?? []
  }
}
