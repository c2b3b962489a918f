import { sha256 } from '../crypto/hash.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { userIdPrefix } from '../protocol/client-id.ts'
import type { AccessClaims } from './access-claims.ts'
import type { CaveatContext } from './caveat-context.ts'
import type { ImportedKey } from './keys-view.ts'
import type { Macaroon } from './macaroon/macaroon.ts'
import { parseInstant } from './macaroon/instant.ts'
import { parsePredicate } from './macaroon/predicate.ts'
import { isAuthentic, proveMacaroon, type MacaroonRefusal, type ProvenMacaroon } from './macaroon/verify-macaroon.ts'
import { narrowClaims } from './narrow-claims.ts'
import type { TokenRefusal } from './token-refusal.ts'

/** 16 bytes of an id in lower-case base32, as fatcat names its editors. */
const editor = /^[a-z2-7]{26}$/

/** How the client of an imported key is called where a client must be named; no client can have such an id. */
export const importedClientPrefix = 'import:'

/**
 * A macaroon that another server minted before its users moved here: `editor_id =` and `time >` exactly once each, then whatever
 * narrows. It is for the API and the scope that its key was imported for, until that key ends, and speaks for the account that
 * was imported under the same id.
 */
export function readImportedMacaroon(
  imported: ImportedKey,
  [root, ...discharges]: readonly [Macaroon, ...Macaroon[]],
  measured: { readonly now: EpochSeconds; readonly issuer: string; readonly context: CaveatContext | 'any' },
): AccessClaims | TokenRefusal {
  const { context } = measured
  const proven = context === 'any' ? undischarged(root, imported) : proveMacaroon(root, imported.rootKey(), discharges)
  if ('refused' in proven)
    return { refused: proven.refused === 'discharge_missing' ? 'token_undischarged' : 'token_signature' }
  const { predicates, dischargePredicates } = proven
  const owner = onlyValue(predicates, 'editor_id', '=')
  const issued = onlyValue(predicates, 'time', '>')
  const iat = issued === undefined ? undefined : parseInstant(issued)
  // D.3: neither may be missing; said twice, two readers might take different ones.
  if (owner === undefined || !editor.test(owner) || iat === undefined || iat >= imported.notAfter)
    return { refused: 'token_malformed' }
  const claims: AccessClaims = {
    iss: measured.issuer,
    sub: `${userIdPrefix}${owner}`,
    aud: [imported.resource],
    clientId: `${importedClientPrefix}${imported.name}`,
    scope: imported.scope,
    iat,
    exp: imported.notAfter,
    jti: sha256(`imported macaroon\n${imported.name}\n${owner}\n${issued}`),
    gid: `${importedClientPrefix}${imported.name}`,
    epoch: '-',
    imported: true,
  }
  if (context === 'any') return claims
  const own = predicates.filter((text) => !isIdentity(text))
  return narrowClaims(claims, { own, discharged: dischargePredicates }, context)
}

/** For whoever revokes it: what it says, without what it needs beside it. */
function undischarged(root: Macaroon, imported: ImportedKey): ProvenMacaroon | MacaroonRefusal {
  if (!isAuthentic(root, imported.rootKey())) return { refused: 'signature' }
  const own = root.caveats.filter(({ thirdParty }) => thirdParty === undefined)
  return { predicates: own.map(({ identifier }) => Buffer.from(identifier).toString('utf8')), dischargePredicates: [] }
}

function onlyValue(predicates: readonly string[], key: string, operator: string): string | undefined {
  const found = predicates.map(parsePredicate).filter((one) => one?.key === key && one.operator === operator)
  return found.length === 1 ? found[0]?.value : undefined
}

function isIdentity(text: string): boolean {
  const predicate = parsePredicate(text)
  return predicate?.key === 'editor_id' || (predicate?.key === 'time' && predicate.operator === '>')
}
