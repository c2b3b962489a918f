import { decodeUtf8, encodeBase64url } from '../../crypto/encoding.ts'
import { parseJsonObject, type JsonObject } from '../../crypto/strict-json.ts'
import { decodeAnyBase64 } from './any-base64.ts'
import { macaroonLimits, type Caveat, type Macaroon } from './macaroon.ts'

const signatureBytes = 32

/** The V2 JSON form of libmacaroons: bytes that are text stand as text, others in base64url behind a name that ends in 64. */
export function printJsonV2({ location, identifier, caveats, signature }: Macaroon): string {
  return JSON.stringify({
    v: 2,
    ...(location !== '' && { l: location }),
    ...bytesAs('i', identifier),
    ...(caveats.length > 0 && {
      c: caveats.map((caveat) => ({
        ...(caveat.thirdParty !== undefined && caveat.thirdParty.location !== '' && { l: caveat.thirdParty.location }),
        ...bytesAs('i', caveat.identifier),
        ...(caveat.thirdParty !== undefined && { v64: encodeBase64url(caveat.thirdParty.verificationId) }),
      })),
    }),
    s64: encodeBase64url(signature),
  })
}

const members = new Set(['v', 'l', 'i', 'i64', 'c', 's', 's64'])
const caveatMembers = new Set(['l', 'i', 'i64', 'v', 'v64'])

/** The macaroon in a JSON text, or undefined. A member that isn't known, or comes in two forms at once, is wrong. */
export function parseJsonV2(bytes: Uint8Array): Macaroon | undefined {
  const object = parseJsonObject(bytes)
  // Go's library leaves the version out.
  if (object === undefined || (object['v'] !== 2 && object['v'] !== undefined) || !knows(members, object))
    return undefined
  const location = locationOf(object)
  const identifier = bytesOf(object, 'i')
  const signature = bytesOf(object, 's')
  const caveats = caveatsOf(object['c'])
  if (location === undefined || identifier === undefined || caveats === undefined) return undefined
  if (signature?.length !== signatureBytes) return undefined
  return { location, identifier, caveats, signature }
}

function caveatsOf(list: unknown): readonly Caveat[] | undefined {
  if (list === undefined) return []
  if (!Array.isArray(list) || list.length > macaroonLimits.caveats) return undefined
  const caveats = list.map(caveatOf)
  return caveats.every((caveat) => caveat !== undefined) ? caveats : undefined
}

function caveatOf(object: unknown): Caveat | undefined {
  if (!isObject(object) || !knows(caveatMembers, object)) return undefined
  const identifier = bytesOf(object, 'i')
  const location = locationOf(object)
  if (identifier === undefined || location === undefined) return undefined
  if (object['v'] === undefined && object['v64'] === undefined)
    return object['l'] === undefined ? { identifier } : undefined
  const verificationId = bytesOf(object, 'v')
  return verificationId === undefined ? undefined : { identifier, thirdParty: { location, verificationId } }
}

function bytesAs(name: string, bytes: Uint8Array): Readonly<Record<string, string>> {
  const text = decodeUtf8(bytes)
  return text === undefined ? { [`${name}64`]: encodeBase64url(bytes) } : { [name]: text }
}

function bytesOf(object: JsonObject, name: string): Uint8Array | undefined {
  const [text, base64] = [object[name], object[`${name}64`]]
  if (text !== undefined && base64 !== undefined) return undefined
  const bytes =
    typeof text === 'string'
      ? Buffer.from(text, 'utf8')
      : typeof base64 === 'string'
        ? decodeAnyBase64(base64)
        : undefined
  return bytes === undefined || bytes.length > macaroonLimits.fieldBytes ? undefined : bytes
}

function locationOf(object: JsonObject): string | undefined {
  const location = object['l'] ?? ''
  return typeof location === 'string' && Buffer.byteLength(location) <= macaroonLimits.fieldBytes ? location : undefined
}

function knows(names: ReadonlySet<string>, object: JsonObject): boolean {
  return Object.keys(object).every((name) => names.has(name))
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
