import { sameDigest } from '../../crypto/chain-mac.ts'
import { decodeUtf8 } from '../../crypto/encoding.ts'
import { openSecretbox } from '../../crypto/secretbox.ts'
import { macaroonLimits, type Macaroon } from './macaroon.ts'
import { rawRootKey, type RootKey } from './root-key.ts'
import { boundSignature, signatureChain } from './signature-chain.ts'

export type MacaroonRefusal = {
  readonly refused:
    /** Wrong key, or something was changed, taken away or put elsewhere. */
    | 'signature'
    | 'too_large'
    | 'discharge_missing'
    /** One that no caveat asks for, or that comes twice. */
    | 'discharge_surplus'
    /** One that wasn't made for its caveat, or isn't bound to this root. */
    | 'discharge_signature'
    | 'caveat'
  /** The predicate that isn't met. Text of whoever added it: not for the wire. */
  readonly predicate?: string
}

/** What a macaroon and its discharges say, once every MAC is found right. Nothing of it is checked yet. */
export type ProvenMacaroon = {
  /** First-party predicates of the root, in order. */
  readonly predicates: readonly string[]
  /** The same of its discharges. */
  readonly dischargePredicates: readonly string[]
}

/**
 * Every MAC of a macaroon and its discharges, in constant time, before any caveat is looked at. Each third-party caveat needs its
 * own discharge, bound to this root; none may be left over (K07).
 */
export function proveMacaroon(
  macaroon: Macaroon,
  rootKey: RootKey,
  discharges: readonly Macaroon[] = [],
): ProvenMacaroon | MacaroonRefusal {
  if (discharges.length > macaroonLimits.discharges) return { refused: 'too_large' }
  const unused = new Map<string, Macaroon>()
  for (const discharge of discharges) {
    const name = nameOf(discharge.identifier)
    if (unused.has(name)) return { refused: 'discharge_surplus' }
    unused.set(name, discharge)
  }
  const predicates: string[] = []
  const dischargePredicates: string[] = []

  function prove(one: Macaroon, key: RootKey, depth: number): MacaroonRefusal | undefined {
    const own = depth === 0
    if (one.caveats.length > macaroonLimits.caveats || depth > macaroonLimits.dischargeDepth)
      return { refused: 'too_large' }
    const chain = signatureChain(key, one)
    const last = chain[chain.length - 1] ?? key
    const expected = own ? last : boundSignature(macaroon.signature, last)
    // K14: the only comparison of a secret, and the first thing that can fail.
    if (!sameDigest(expected, one.signature)) return { refused: own ? 'signature' : 'discharge_signature' }
    for (const [index, { identifier, thirdParty }] of one.caveats.entries()) {
      if (thirdParty === undefined) {
        const predicate = decodeUtf8(identifier)
        if (predicate === undefined) return { refused: 'caveat' }
        const into = own ? predicates : dischargePredicates
        into.push(predicate)
        continue
      }
      const name = nameOf(identifier)
      const discharge = unused.get(name)
      // Taken away before it is looked into, so that no circle goes round twice.
      if (discharge === undefined || !unused.delete(name)) return { refused: 'discharge_missing' }
      const box = openSecretbox(chain[index] ?? key, thirdParty.verificationId)
      if (box?.length !== 32) return { refused: 'discharge_signature' }
      const refusal = prove(discharge, rawRootKey(box), depth + 1)
      if (refusal !== undefined) return refusal
    }
    return undefined
  }

  const refusal = prove(macaroon, rootKey, 0)
  if (refusal !== undefined) return refusal
  return unused.size > 0 ? { refused: 'discharge_surplus' } : { predicates, dischargePredicates }
}

/** Whether this key made it, discharges aside: for whoever doesn't want to let anybody in. */
export function isAuthentic(macaroon: Macaroon, rootKey: RootKey): boolean {
  if (macaroon.caveats.length > macaroonLimits.caveats) return false
  const chain = signatureChain(rootKey, macaroon)
  return sameDigest(chain[chain.length - 1] ?? rootKey, macaroon.signature)
}

export type VerifyOptions = {
  readonly rootKey: RootKey
  /** As they came with the root: bound to it. */
  readonly discharges?: readonly Macaroon[]
  /** Whether a predicate is met. What it doesn't know isn't met (K03). */
  readonly check: (predicate: string) => boolean
}

/** Whether a macaroon holds: every MAC right, every predicate of it and of its discharges met. */
export function verifyMacaroon(
  macaroon: Macaroon,
  { rootKey, discharges, check }: VerifyOptions,
): { readonly verified: true; readonly predicates: readonly string[] } | MacaroonRefusal {
  const proven = proveMacaroon(macaroon, rootKey, discharges)
  if ('refused' in proven) return proven
  const predicates = [...proven.predicates, ...proven.dischargePredicates]
  const unmet = predicates.find((predicate) => !check(predicate))
  return unmet === undefined ? { verified: true, predicates } : { refused: 'caveat', predicate: unmet }
}

function nameOf(identifier: Uint8Array): string {
  return Buffer.from(identifier).toString('latin1')
}
