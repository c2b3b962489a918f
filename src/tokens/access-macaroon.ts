import { macBytes } from '../crypto/mac.ts'
import type { Random } from '../crypto/random.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import type { AccessClaims } from './access-claims.ts'
import type { CaveatContext } from './caveat-context.ts'
import { identityBlockLength, parseIdentityBlock, printIdentityBlock } from './identity-block.ts'
import { readImportedMacaroon } from './imported-macaroon.ts'
import type { Issuance } from './issuance.ts'
import type { SecretKey, TokenKeys } from './keys-view.ts'
import { addCaveats, addThirdPartyCaveat } from './macaroon/add-caveat.ts'
import type { Macaroon } from './macaroon/macaroon.ts'
import { mintMacaroon } from './macaroon/mint-macaroon.ts'
import { rawRootKey, type RootKey } from './macaroon/root-key.ts'
import { isAuthentic, proveMacaroon } from './macaroon/verify-macaroon.ts'
import { parseMacaroonText, printMacaroonText } from './macaroon-text.ts'
import { narrowClaims } from './narrow-claims.ts'
import { sealPromise } from './sealed-promise.ts'
import type { TokenRefusal } from './token-refusal.ts'

/** Longest text of a macaroon that we mint. Whoever narrows it or adds discharges makes it longer. */
export const longestMinted = 4096

/** `gth1.<key id>.<jti>`: enough to find the key and to revoke this one, and nothing else. */
const identifierShape = /^gth1\.([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{1,128})$/

/** An access token as a macaroon: its leading caveats are the claims, and whoever holds it may add narrower ones, offline. */
export function mintAccessMacaroon(
  keys: TokenKeys & { readonly random: Random },
  claims: AccessClaims,
  { attenuations = [], promises = [] }: Pick<Issuance, 'attenuations' | 'promises'>,
): string {
  const { keyId, key } = keys.secret('macaroon-root')
  const identifier = `gth1.${keyId}.${claims.jti}`
  const bare = mintMacaroon({ rootKey: rootOf({ keyId, key }), identifier, location: claims.iss })
  const narrowed = addCaveats(bare, [...printIdentityBlock(claims), ...attenuations])
  const location = `${claims.iss}/oauth/discharge`
  const promised = promises.reduce((macaroon, promise) => {
    const { caveatId, rootKey } = sealPromise(keys, { ...promise, userId: claims.sub }, keys.random)
    return addThirdPartyCaveat(macaroon, { location, identifier: caveatId, rootKey }, keys.random)
  }, narrowed)
  return printMacaroonText([promised])
}

/** What a macaroon is measured by. `any`: by nothing but its MAC, for whoever wants to revoke it. */
export type MeasuredBy = {
  readonly now: EpochSeconds
  readonly issuer: string
  readonly context: CaveatContext | 'any'
}

/**
 * The claims of a macaroon of ours, narrowed by all its caveats: scope and audience are what every list of them holds, it ends
 * at the first of its ends. The MACs are checked before anything in it is believed (K13); what isn't understood refuses it whole.
 */
export function readAccessMacaroon(
  keys: Pick<TokenKeys, 'secretById' | 'importedKey'>,
  text: string,
  measured: MeasuredBy,
): AccessClaims | TokenRefusal {
  const macaroons = parseMacaroonText(text)
  const name = macaroons === undefined ? '' : Buffer.from(macaroons[0].identifier).toString('latin1')
  if (macaroons === undefined) return { refused: 'token_malformed' }
  const [root, ...discharges] = macaroons
  const [, keyId, jti] = identifierShape.exec(name) ?? []
  // A key of somebody else never proves what only ours may say.
  const imported = keyId === undefined ? keys.importedKey(name) : undefined
  if (imported !== undefined) return readImportedMacaroon(imported, macaroons, measured)
  const secret = keyId === undefined ? undefined : keys.secretById('macaroon-root', keyId)
  if (secret === undefined || jti === undefined) return { refused: 'token_signature' }
  if (measured.context === 'any') return identityOf(root, rootOf(secret), { ...measured, jti })

  const proven = proveMacaroon(root, rootOf(secret), discharges)
  if ('refused' in proven) {
    return { refused: proven.refused === 'discharge_missing' ? 'token_undischarged' : 'token_signature' }
  }
  const claims = parseIdentityBlock(proven.predicates, { issuer: measured.issuer, jti })
  if (claims === undefined) return { refused: 'token_malformed' }
  const own = proven.predicates.slice(identityBlockLength)
  return narrowClaims(claims, { own, discharged: proven.dischargePredicates }, measured.context)
}

/** Whom it was made for, whatever was added to it since. */
function identityOf(
  root: Macaroon,
  rootKey: RootKey,
  known: { readonly issuer: string; readonly jti: string },
): AccessClaims | TokenRefusal {
  if (!isAuthentic(root, rootKey)) return { refused: 'token_signature' }
  const leading = root.caveats.slice(0, identityBlockLength)
  if (leading.some(({ thirdParty }) => thirdParty !== undefined)) return { refused: 'token_malformed' }
  const predicates = leading.map(({ identifier }) => Buffer.from(identifier).toString('utf8'))
  return parseIdentityBlock(predicates, known) ?? { refused: 'token_malformed' }
}

const purpose = Buffer.from('macaroon root\0', 'utf8')

/** The ring's key signs nothing itself, so that a macaroon's identifier is never a message that another kind signs. */
function rootOf({ key }: SecretKey): RootKey {
  return rawRootKey(macBytes(key, purpose))
}
