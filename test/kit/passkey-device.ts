import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { unescapeHtml, type Answer } from './browser.ts'

type Request = { readonly challenge: string; readonly rpId: string }
type Creation = {
  readonly challenge: string
  readonly rp: { readonly id: string }
  readonly user: { readonly id: string }
}
/** What a hostile or broken device or page may change. */
export type Twist = {
  readonly origin?: string
  readonly rpId?: string
  readonly challenge?: string
  readonly verified?: boolean
  readonly counter?: number
  readonly userHandle?: string
}

/** A device that makes passkeys, as WebAuthn L3 §6 has it: ES256, no attestation, its person verified. */
export function createDevice(origin: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const id = randomBytes(16)
  let counter = 0
  let userHandle = ''

  const clientData = (type: string, challenge: string, from: string): Buffer =>
    Buffer.from(JSON.stringify({ type, challenge, origin: from, crossOrigin: false }))

  function authenticatorData(rpId: string, twist: Twist, attested = Buffer.alloc(0)): Buffer {
    const flags = 0x01 | (twist.verified === false ? 0 : 0x04) | (attested.length > 0 ? 0x40 : 0)
    const count = Buffer.alloc(4)
    count.writeUInt32BE(twist.counter ?? counter)
    const hash = createHash('sha256')
      .update(twist.rpId ?? rpId)
      .digest()
    return Buffer.concat([hash, Buffer.of(flags), count, attested])
  }

  return {
    id: id.toString('base64url'),
    /** The answer of `navigator.credentials.create`, as the page's script prints it. */
    create({ challenge, rp, user }: Creation, twist: Twist = {}): string {
      userHandle = user.id
      const key = cborMap([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, Buffer.from(x, 'base64url')],
        [-3, Buffer.from(y, 'base64url')],
      ])
      const attested = Buffer.concat([Buffer.alloc(16), Buffer.of(0, id.length), id, key])
      const attestationObject = cborMap([
        ['fmt', 'none'],
        ['attStmt', []],
        ['authData', authenticatorData(rp.id, twist, attested)],
      ])
      return print(id, {
        clientDataJSON: clientData('webauthn.create', twist.challenge ?? challenge, twist.origin ?? origin),
        attestationObject,
      })
    },
    /** The answer of `navigator.credentials.get`. */
    get({ challenge, rpId }: Request, twist: Twist = {}): string {
      counter += 1
      const data = authenticatorData(rpId, twist)
      const clientDataJSON = clientData('webauthn.get', twist.challenge ?? challenge, twist.origin ?? origin)
      const signed = Buffer.concat([data, createHash('sha256').update(clientDataJSON).digest()])
      return print(id, {
        clientDataJSON,
        authenticatorData: data,
        signature: sign('sha256', signed, privateKey),
        userHandle: Buffer.from(twist.userHandle ?? userHandle, 'base64url'),
      })
    },
  }
}

/** What a page asks a device for, in the form `#id`. */
function passkeyOptions(page: Answer, id: string): unknown {
  const options = new RegExp(`<form id="${id}"[^>]*data-options="([^"]+)"`).exec(page.text)?.[1]
  if (options === undefined) throw new Error(`the page asks for no passkey: ${page.status} ${page.text.slice(0, 300)}`)
  return JSON.parse(unescapeHtml(options))
}

export const requestOf = (page: Answer): Request => passkeyOptions(page, 'passkey') as Request
export const creationOf = (page: Answer): Creation => passkeyOptions(page, 'add-passkey') as Creation

function print(id: Buffer, parts: Readonly<Record<string, Buffer>>): string {
  const response = Object.fromEntries(Object.entries(parts).map(([name, bytes]) => [name, bytes.toString('base64url')]))
  const rawId = id.toString('base64url')
  return JSON.stringify({ id: rawId, rawId, type: 'public-key', response, clientExtensionResults: {} })
}

type CborValue = number | string | Buffer | readonly []

/** As much of CBOR (RFC 8949) as this takes. */
function cborMap(entries: readonly (readonly [number | string, CborValue])[]): Buffer {
  const parts = entries.flatMap(([key, value]) => [cbor(key), cbor(value)])
  return Buffer.concat([head(5, entries.length), ...parts])
}

function cbor(value: CborValue): Buffer {
  if (typeof value === 'number') return value >= 0 ? head(0, value) : head(1, -1 - value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  return Buffer.isBuffer(value) ? Buffer.concat([head(2, value.length), value]) : head(5, 0)
}

function head(major: number, length: number): Buffer {
  const type = major << 5
  if (length < 24) return Buffer.of(type | length)
  return length < 256 ? Buffer.of(type | 24, length) : Buffer.of(type | 25, length >> 8, length & 0xff)
}
