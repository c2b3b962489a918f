import {
  oneTimeCodeHeader,
  requestComponent,
  signatureBase,
  type SignableRequest,
} from '../protocol/message-signature.ts'
import { printInnerList, type BareItem, type InnerList } from '../protocol/structured-fields.ts'
import type { EpochSeconds } from '../protocol/time.ts'
import { contentDigest } from './content-digest.ts'
import { signMessage, type MessageSigningKey } from './message-signature.ts'
import { totp } from './one-time-code.ts'

/** A request that is about to be sent. */
export type UnsignedRequest = {
  readonly method: string
  readonly url: string
  /** What it carries already; only `authorization` matters here. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: string | Uint8Array
}

/** Who signs, with what. The two secrets stay where they are: only what is made of them travels. */
export type RequestSigner = {
  readonly clientId: string
  readonly key: MessageSigningKey
  /** For a client that must send one-time codes. */
  readonly oneTimeCodeSecret?: Uint8Array
}

/**
 * The headers that make a request a signed one (RFC 9421 §3.1), to be sent with it and with nothing else changed. Covers what
 * Gatehouse demands: method, address, digest of the body, `authorization` where present, and the one-time code.
 */
export function signRequest(
  request: UnsignedRequest,
  by: RequestSigner & { readonly now: EpochSeconds; readonly nonce: string },
): Readonly<Record<string, string>> {
  const url = new URL(request.url)
  url.hash = ''
  const authorization = Object.entries(request.headers ?? {}).find(
    ([name]) => name.toLowerCase() === 'authorization',
  )?.[1]
  const added = {
    ...(request.body !== undefined && request.body.length > 0 && { 'content-digest': contentDigest(request.body) }),
    ...(by.oneTimeCodeSecret !== undefined && {
      [oneTimeCodeHeader]: totp({ secret: by.oneTimeCodeSecret, now: by.now }),
    }),
  }
  const signable: SignableRequest = {
    method: request.method.toUpperCase(),
    targetUri: url.href,
    headers: { ...added, authorization },
  }
  const components = [
    '@method',
    '@target-uri',
    ...Object.keys(added),
    ...(authorization === undefined ? [] : ['authorization']),
  ]
  const parameters = printInnerList(inputOf(components, by))
  const base = signatureBase({ components, parameters }, (name) => requestComponent(signable, name))
  if (base === undefined) throw new TypeError('a header to be signed holds something other than printable ASCII')
  return { ...added, 'signature-input': `sig=${parameters}`, signature: `sig=:${signMessage(by.key, base)}:` }
}

function inputOf(
  components: readonly string[],
  by: { readonly clientId: string; readonly now: EpochSeconds; readonly nonce: string },
): InnerList {
  const text = (value: string): BareItem => ({ type: 'string', value })
  return {
    items: components.map((name) => ({ item: text(name), parameters: new Map() })),
    parameters: new Map<string, BareItem>([
      ['created', { type: 'integer', value: by.now }],
      ['nonce', text(by.nonce)],
      ['keyid', text(by.clientId)],
    ]),
  }
}
