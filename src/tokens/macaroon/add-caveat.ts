import { chainMac } from '../../crypto/chain-mac.ts'
import type { Random } from '../../crypto/random.ts'
import { sealSecretbox } from '../../crypto/secretbox.ts'
import { MacaroonTooLarge, fieldOf, macaroonLimits, type Caveat, type Macaroon } from './macaroon.ts'
import type { RootKey } from './root-key.ts'
import { thirdPartyMac } from './signature-chain.ts'

/** The same macaroon, narrowed by a predicate. Needs no key: anybody who holds one can do it. Throws MacaroonTooLarge. */
export function addCaveat(macaroon: Macaroon, predicate: string | Uint8Array): Macaroon {
  const identifier = fieldOf(predicate, 'caveat')
  return extended(macaroon, { identifier }, chainMac(macaroon.signature, identifier))
}

/** The same for several, in order. */
export function addCaveats(macaroon: Macaroon, predicates: readonly (string | Uint8Array)[]): Macaroon {
  return predicates.reduce<Macaroon>(addCaveat, macaroon)
}

export type ThirdPartyCaveat = {
  /** Where the holder goes for the discharge. */
  readonly location: string
  /** What the third party recognizes, and learns the discharge's root key from. */
  readonly identifier: string | Uint8Array
  /** Of the discharge; known to whoever adds the caveat and to the third party. */
  readonly rootKey: RootKey
}

/** The same macaroon, good only together with a discharge by somebody else. Throws MacaroonTooLarge. */
export function addThirdPartyCaveat(
  macaroon: Macaroon,
  { location, identifier, rootKey }: ThirdPartyCaveat,
  random: Pick<Random, 'bytes'>,
): Macaroon {
  fieldOf(location, 'location')
  const bytes = fieldOf(identifier, 'caveat')
  const verificationId = sealSecretbox(macaroon.signature, rootKey, random)
  return extended(
    macaroon,
    { identifier: bytes, thirdParty: { location, verificationId } },
    thirdPartyMac(macaroon.signature, verificationId, bytes),
  )
}

function extended(macaroon: Macaroon, caveat: Caveat, signature: Uint8Array): Macaroon {
  if (macaroon.caveats.length >= macaroonLimits.caveats)
    throw new MacaroonTooLarge(`a macaroon has at most ${macaroonLimits.caveats} caveats`)
  return { ...macaroon, caveats: [...macaroon.caveats, caveat], signature }
}
