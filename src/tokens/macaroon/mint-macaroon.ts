import { chainMac } from '../../crypto/chain-mac.ts'
import { fieldOf, type Macaroon } from './macaroon.ts'
import type { RootKey } from './root-key.ts'

export type MacaroonParts = {
  readonly rootKey: RootKey
  readonly identifier: string | Uint8Array
  readonly location?: string
}

/** A macaroon without caveats: it says yes to everything, so its caveats should follow before anybody gets it. */
export function mintMacaroon({ rootKey, identifier, location = '' }: MacaroonParts): Macaroon {
  fieldOf(location, 'location')
  const bytes = fieldOf(identifier, 'identifier')
  return { location, identifier: bytes, caveats: [], signature: chainMac(rootKey, bytes) }
}
