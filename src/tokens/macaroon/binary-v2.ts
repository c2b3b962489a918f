import { decodeUtf8 } from '../../crypto/encoding.ts'
import { macaroonLimits, type Caveat, type Macaroon } from './macaroon.ts'

const version = 2
const field = { end: 0, location: 1, identifier: 2, verificationId: 4, signature: 6 } as const
const signatureBytes = 32

type FieldType = (typeof field)[keyof typeof field]

/** The V2 binary form of libmacaroons: tagged fields with LEB128 lengths. */
export function printBinaryV2(macaroon: Macaroon): Buffer {
  const parts: Uint8Array[] = [Buffer.of(version)]
  const put = (type: FieldType, bytes: Uint8Array) => parts.push(Buffer.from([type, ...lengthOf(bytes.length)]), bytes)
  const text = (type: FieldType, value: string) => {
    if (value !== '') put(type, Buffer.from(value, 'utf8'))
  }
  const end = () => parts.push(Buffer.of(field.end))

  text(field.location, macaroon.location)
  put(field.identifier, macaroon.identifier)
  end()
  for (const { identifier, thirdParty } of macaroon.caveats) {
    text(field.location, thirdParty?.location ?? '')
    put(field.identifier, identifier)
    if (thirdParty !== undefined) put(field.verificationId, thirdParty.verificationId)
    end()
  }
  end()
  put(field.signature, macaroon.signature)
  return Buffer.concat(parts)
}

/**
 * Macaroons written one behind the other, as a root goes out with its discharges; undefined if a byte is wrong or too many, or a
 * limit is passed. Only the shortest form of a length is read, so that one macaroon has one spelling.
 */
export function parseBinariesV2(bytes: Uint8Array): readonly Macaroon[] | undefined {
  const found: Macaroon[] = []
  for (let start = 0; start < bytes.length;) {
    const next = parseFrom(bytes, start)
    if (next === undefined || found.length > macaroonLimits.discharges) return undefined
    found.push(next.macaroon)
    start = next.end
  }
  return found
}

/** One macaroon and nothing behind it. */
export function parseBinaryV2(bytes: Uint8Array): Macaroon | undefined {
  const next = parseFrom(bytes, 0)
  return next?.end === bytes.length ? next.macaroon : undefined
}

function parseFrom(
  bytes: Uint8Array,
  start: number,
): { readonly macaroon: Macaroon; readonly end: number } | undefined {
  let at = start

  function optional(type: FieldType): Uint8Array | undefined {
    if (bytes[at] !== type) return undefined
    const [low = 0x80, high = 0] = [bytes[at + 1], bytes[at + 2]]
    // Two bytes hold every length that is allowed.
    const isShort = low < 0x80
    if (!isShort && (high === 0 || high >= 0x80)) return undefined
    const length = isShort ? low : (low & 0x7f) | (high << 7)
    const from = at + (isShort ? 2 : 3)
    if (length > macaroonLimits.fieldBytes || from + length > bytes.length) return undefined
    at = from + length
    return bytes.subarray(from, at)
  }
  const end = (): boolean => bytes[at++] === field.end

  if (bytes[at++] !== version) return undefined
  const location = optional(field.location)
  const identifier = optional(field.identifier)
  if (identifier === undefined || !end()) return undefined
  const caveats: Caveat[] = []
  while (bytes[at] !== field.end) {
    const caveat = caveatOf(optional(field.location), optional(field.identifier), optional(field.verificationId))
    if (caveat === undefined || !end() || caveats.length >= macaroonLimits.caveats) return undefined
    caveats.push(caveat)
  }
  at++
  const signature = optional(field.signature)
  const place = textOf(location)
  if (signature?.length !== signatureBytes || place === undefined) return undefined
  return { macaroon: { location: place, identifier, caveats, signature }, end: at }
}

function caveatOf(
  location: Uint8Array | undefined,
  identifier: Uint8Array | undefined,
  verificationId: Uint8Array | undefined,
): Caveat | undefined {
  const place = textOf(location)
  if (identifier === undefined || place === undefined) return undefined
  if (verificationId !== undefined) return { identifier, thirdParty: { location: place, verificationId } }
  // A place to go to without anything to get there would be left out when it is written again.
  return location === undefined ? { identifier } : undefined
}

/** An empty location is written by leaving it out. */
function textOf(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return ''
  return bytes.length === 0 ? undefined : decodeUtf8(bytes)
}

function lengthOf(length: number): readonly number[] {
  return length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >>> 7]
}
