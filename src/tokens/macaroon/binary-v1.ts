import { decodeUtf8 } from '../../crypto/encoding.ts'
import { macaroonLimits, type Caveat, type Macaroon } from './macaroon.ts'

const signatureBytes = 32
const newline = 0x0a

type Packet = { readonly key: string; readonly value: Uint8Array }

/** The V1 binary form of libmacaroons: packets `<length in four hex digits><key> <value>\n`. */
export function printBinaryV1(macaroon: Macaroon): Buffer {
  const parts = [packet('location', Buffer.from(macaroon.location, 'utf8')), packet('identifier', macaroon.identifier)]
  for (const { identifier, thirdParty } of macaroon.caveats) {
    parts.push(packet('cid', identifier))
    if (thirdParty === undefined) continue
    parts.push(packet('vid', thirdParty.verificationId), packet('cl', Buffer.from(thirdParty.location, 'utf8')))
  }
  return Buffer.concat([...parts, packet('signature', macaroon.signature)])
}

/** One macaroon and nothing behind it, or undefined. */
export function parseBinaryV1(bytes: Uint8Array): Macaroon | undefined {
  const packets = packetsOf(bytes)
  if (packets === undefined) return undefined
  let at = 0
  const take = (key: string): Uint8Array | undefined => (packets[at]?.key === key ? packets[at++]?.value : undefined)

  const location = textOf(take('location'))
  const identifier = take('identifier')
  if (location === undefined || identifier === undefined) return undefined
  const caveats: Caveat[] = []
  for (let cid = take('cid'); cid !== undefined; cid = take('cid')) {
    const verificationId = take('vid')
    const place = verificationId === undefined ? undefined : textOf(take('cl'))
    if (verificationId !== undefined && place === undefined) return undefined
    caveats.push({
      identifier: cid,
      ...(verificationId !== undefined && place !== undefined && { thirdParty: { location: place, verificationId } }),
    })
  }
  const signature = take('signature')
  if (signature?.length !== signatureBytes || at !== packets.length) return undefined
  return caveats.length > macaroonLimits.caveats ? undefined : { location, identifier, caveats, signature }
}

const head = /^([0-9a-f]{4})(location|identifier|cid|vid|cl|signature) /

function packetsOf(bytes: Uint8Array): readonly Packet[] | undefined {
  const packets: Packet[] = []
  const mostPackets = 3 + 3 * macaroonLimits.caveats
  for (let start = 0; start < bytes.length;) {
    // The longest head is that of an identifier, 15 characters.
    const [all, digits = '', key] = head.exec(Buffer.from(bytes.subarray(start, start + 15)).toString('latin1')) ?? []
    const end = start + Number.parseInt(digits, 16)
    if (all === undefined || key === undefined || end > bytes.length) return undefined
    const from = start + all.length
    if (from >= end || bytes[end - 1] !== newline || packets.length >= mostPackets) return undefined
    const value = bytes.subarray(from, end - 1)
    if (value.length > macaroonLimits.fieldBytes) return undefined
    packets.push({ key, value })
    start = end
  }
  return packets
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : decodeUtf8(bytes)
}

function packet(key: string, value: Uint8Array): Buffer {
  const length = 4 + key.length + 1 + value.length + 1
  return Buffer.concat([
    Buffer.from(`${length.toString(16).padStart(4, '0')}${key} `, 'latin1'),
    value,
    Buffer.of(newline),
  ])
}
