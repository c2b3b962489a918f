import { encodeBase64url } from '../../crypto/encoding.ts'
import { decodeAnyBase64 } from './any-base64.ts'
import { parseBinaryV1 } from './binary-v1.ts'
import { parseBinariesV2, printBinaryV2 } from './binary-v2.ts'
import { parseJsonV2 } from './json-v2.ts'
import type { Macaroon } from './macaroon.ts'

const longestText = 65_536
const openBrace = 0x7b
const versionTwo = 2

/**
 * A macaroon in any of its forms: V2 JSON, or V1 or V2 binary in base64 of either alphabet; in V2 binary its discharges may
 * follow it. Undefined for anything else.
 */
export function parseMacaroons(text: string): readonly Macaroon[] | undefined {
  if (text.length > longestText) return undefined
  if (text.startsWith('{')) return single(parseJsonV2(Buffer.from(text, 'utf8')))
  const bytes = decodeAnyBase64(text)
  if (bytes === undefined || bytes.length === 0) return undefined
  if (bytes[0] === versionTwo) return parseBinariesV2(bytes)
  return single(bytes[0] === openBrace ? parseJsonV2(bytes) : parseBinaryV1(bytes))
}

/** The same for one macaroon alone. */
export function parseMacaroon(text: string): Macaroon | undefined {
  const macaroons = parseMacaroons(text)
  return macaroons?.length === 1 ? macaroons[0] : undefined
}

/** A root and its bound discharges as they are sent: V2 binary, one behind the other, in base64url. */
export function printMacaroons(macaroons: readonly Macaroon[]): string {
  return encodeBase64url(Buffer.concat(macaroons.map(printBinaryV2)))
}

function single(macaroon: Macaroon | undefined): readonly Macaroon[] | undefined {
  return macaroon === undefined ? undefined : [macaroon]
}
