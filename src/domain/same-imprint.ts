import type { Imprint } from './grant.ts'

/** Not constant-time on purpose: whoever gets here has already proved with a MAC that both values are ours. */
export function sameImprint(left: Imprint, right: Imprint): boolean {
  return left.nonce === right.nonce && left.keyId === right.keyId
}
