import { chainMac } from '../../crypto/chain-mac.ts'
import type { Macaroon } from './macaroon.ts'

/** The link of a third-party caveat: it covers the box with the discharge's key, too. */
export function thirdPartyMac(signature: Uint8Array, verificationId: Uint8Array, identifier: Uint8Array): Buffer {
  return pairMac(signature, verificationId, identifier)
}

const nobody = Buffer.alloc(32)

/** A discharge's signature for use with one root alone, so that it is worth nothing beside another (K06). */
export function boundSignature(root: Uint8Array, discharge: Uint8Array): Buffer {
  return pairMac(nobody, root, discharge)
}

function pairMac(key: Uint8Array, first: Uint8Array, second: Uint8Array): Buffer {
  return chainMac(key, Buffer.concat([chainMac(key, first), chainMac(key, second)]))
}

/** The signature before each caveat, and the last one, which is the macaroon's if the key is right. */
export function signatureChain(
  rootKey: Uint8Array,
  macaroon: Pick<Macaroon, 'identifier' | 'caveats'>,
): readonly Uint8Array[] {
  const chain = [chainMac(rootKey, macaroon.identifier)]
  for (const { identifier, thirdParty } of macaroon.caveats) {
    const before = chain[chain.length - 1] ?? nobody
    chain.push(
      thirdParty === undefined
        ? chainMac(before, identifier)
        : thirdPartyMac(before, thirdParty.verificationId, identifier),
    )
  }
  return chain
}
