import { parseAttenuation } from './attenuation.ts'
import { addCaveats } from './macaroon/add-caveat.ts'
import { printMacaroons } from './macaroon/parse-macaroon.ts'
import { parseMacaroonText, printMacaroonText } from './macaroon-text.ts'

export type Attenuated =
  { readonly token: string } | { readonly refused: 'malformed' | 'caveat' | 'discharged'; readonly caveat?: string }

/**
 * A macaroon token, narrowed; offline, without any key. What no verifier of ours would understand is refused here already, and so
 * is a token whose discharges are bound to what it was before: narrow first, discharge then.
 */
export function attenuateToken(text: string, caveats: readonly string[]): Attenuated {
  const [root, ...discharges] = parseMacaroonText(text) ?? []
  if (root === undefined) return { refused: 'malformed' }
  if (discharges.length > 0) return { refused: 'discharged' }
  const unknown = caveats.find((caveat) => parseAttenuation(caveat) === undefined)
  if (unknown !== undefined) return { refused: 'caveat', caveat: unknown }
  const narrowed = [addCaveats(root, caveats)]
  return { token: text.startsWith('gth_') ? printMacaroonText(narrowed) : printMacaroons(narrowed) }
}
