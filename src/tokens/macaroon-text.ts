import { encodeBase64url } from '../crypto/encoding.ts'
import { printBinaryV2 } from './macaroon/binary-v2.ts'
import type { Macaroon } from './macaroon/macaroon.ts'
import { parseMacaroons } from './macaroon/parse-macaroon.ts'
import { parseToken, printToken } from './token-text.ts'

const kind = 'mc'
const prefix = `gth_${kind}_`

/** `gth_mc_<crc>_<V2 binary in base64url>`; discharges, bound to the root, stand behind it. */
export function printMacaroonText(macaroons: readonly Macaroon[]): string {
  return printToken(kind, encodeBase64url(Buffer.concat(macaroons.map(printBinaryV2))))
}

/** The root and its discharges, from our own spelling or the bare forms of any macaroon library. */
export function parseMacaroonText(text: string): readonly [Macaroon, ...Macaroon[]] | undefined {
  const body = text.startsWith(prefix) ? parseToken(kind, text) : text
  const [root, ...discharges] = (body === undefined ? undefined : parseMacaroons(body)) ?? []
  return root === undefined ? undefined : [root, ...discharges]
}

/** Whether a text can only be meant as a macaroon. Three base64url parts between dots are a JWT. */
export function isMacaroonText(text: string): boolean {
  return text.startsWith(prefix) || (!text.startsWith('gth_') && text !== '' && !/^[\w-]*\.[\w-]*\.[\w-]*$/.test(text))
}
