/**
 * Macaroons for programs: mint them, narrow them offline, discharge and verify them. They are those of libmacaroons, so any
 * compatible library reads what this one writes, and the other way round.
 */
export { createRandom, type Random } from '../../crypto/random.ts'
export { addCaveat, addCaveats, addThirdPartyCaveat, type ThirdPartyCaveat } from './add-caveat.ts'
export { parseBinaryV1, printBinaryV1 } from './binary-v1.ts'
export { parseBinariesV2, parseBinaryV2, printBinaryV2 } from './binary-v2.ts'
export { bindDischarge } from './bind-discharge.ts'
export { checkWith, exactly, notAfter, oneOf, type Check, type Checkers } from './checkers.ts'
export { parseInstant, printInstant } from './instant.ts'
export { parseJsonV2, printJsonV2 } from './json-v2.ts'
export { MacaroonTooLarge, macaroonLimits, type Caveat, type Macaroon } from './macaroon.ts'
export { mintMacaroon, type MacaroonParts } from './mint-macaroon.ts'
export { parseMacaroon, parseMacaroons, printMacaroons } from './parse-macaroon.ts'
export { parsePredicate, printPredicate, type Predicate } from './predicate.ts'
export { rawRootKey, rootKeyOf, type RootKey } from './root-key.ts'
export {
  isAuthentic,
  proveMacaroon,
  verifyMacaroon,
  type MacaroonRefusal,
  type ProvenMacaroon,
  type VerifyOptions,
} from './verify-macaroon.ts'
