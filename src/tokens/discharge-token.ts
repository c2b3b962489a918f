import type { EpochSeconds } from '../protocol/time.ts'
import { addCaveat } from './macaroon/add-caveat.ts'
import { bindDischarge } from './macaroon/bind-discharge.ts'
import { printInstant } from './macaroon/instant.ts'
import type { Macaroon } from './macaroon/macaroon.ts'
import { mintMacaroon } from './macaroon/mint-macaroon.ts'
import { parseMacaroons, printMacaroons } from './macaroon/parse-macaroon.ts'
import { parseMacaroonText, printMacaroonText } from './macaroon-text.ts'
import type { SealedPromise } from './sealed-promise.ts'

/** A discharge by us, until then. Whoever asked for it binds it to his token. */
export function mintDischarge(
  { rootKey }: SealedPromise,
  about: { readonly caveatId: string; readonly issuer: string; readonly until: EpochSeconds },
): string {
  const bare = mintMacaroon({ rootKey, identifier: about.caveatId, location: about.issuer })
  return printMacaroons([addCaveat(bare, `time < ${printInstant(about.until)}`)])
}

/** A token together with discharges, each bound to it; undefined if one of them is no macaroon. */
export function withDischarges(token: string, discharges: readonly string[]): string | undefined {
  const [root, ...bound] = parseMacaroonText(token) ?? []
  const more = discharges.map(parseMacaroons)
  if (root === undefined || !areAll(more)) return undefined
  const all = [root, ...bound, ...more.flat().map((discharge) => bindDischarge(root, discharge))]
  return token.startsWith('gth_') ? printMacaroonText(all) : printMacaroons(all)
}

function areAll(lists: readonly (readonly Macaroon[] | undefined)[]): lists is readonly (readonly Macaroon[])[] {
  return lists.every((list) => list !== undefined)
}
