/** What should open the keys at rest is missing, weak, reachable by others or the wrong one. The message names the mend. */
export class ProtectionFailed extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ProtectionFailed'
  }
}
