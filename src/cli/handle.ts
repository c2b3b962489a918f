/** Id of the connection that a handle is for; whatever isn't a handle is an id itself. */
export function connectionIdOf(given: string): string {
  return /^gth_vh_[0-9a-f]{8}_[^.]+\.([^.]+)\./.exec(given)?.[1] ?? given
}
