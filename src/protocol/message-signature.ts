import { refuse, type Refusal } from './errors.ts'
import { parseDictionary, printInnerList, type BareItem, type InnerList } from './structured-fields.ts'
import type { EpochSeconds } from './time.ts'

/** Algorithms of RFC 9421 §3.3 that are understood here. */
export const messageSignatureAlgorithms = ['hmac-sha256', 'ed25519', 'ecdsa-p256-sha256'] as const
export type MessageSignatureAlgorithm = (typeof messageSignatureAlgorithms)[number]

/** The one-time code of a client that must send one: a header of its own, so that it can be a signed component. */
export const oneTimeCodeHeader = 'one-time-code'

/** What a signature says of itself (RFC 9421 §2.3). Nothing of it is true before the signature was verified. */
export type MessageSignature = {
  /** Names of the covered components, in their order. */
  readonly components: readonly string[]
  /** The value of `@signature-params`, in its one spelling. */
  readonly parameters: string
  readonly created: EpochSeconds
  readonly expires?: EpochSeconds
  readonly nonce: string
  readonly keyId: string
  readonly algorithm?: string
  /** base64 */
  readonly signature: string
}

export const messageSignatureLimits = { components: 32, nonceCharacters: 256, keyIdCharacters: 128 } as const

/**
 * Reads `Signature-Input` and `Signature` (RFC 9421 §4). Exactly one signature, with `created`, `nonce` and `keyid`; components
 * without parameters, none twice (§2).
 */
export function parseMessageSignature(signatureInput: string, signature: string): MessageSignature | Refusal {
  const inputs = parseDictionary(signatureInput)
  const signatures = parseDictionary(signature)
  if (inputs === undefined || signatures === undefined) return malformed('Signature-Input or Signature is malformed')
  const [[label, input] = [], ...others] = inputs
  if (label === undefined || input === undefined || others.length > 0 || signatures.size !== 1)
    return malformed('send exactly one signature')
  const bytes = signatures.get(label)
  if (bytes === undefined || !('item' in bytes) || bytes.item.type !== 'bytes' || !('items' in input))
    return malformed('Signature and Signature-Input do not belong together')
  return describeSignature(input, bytes.item.value)
}

function describeSignature(input: InnerList, signature: string): MessageSignature | Refusal {
  const components: string[] = []
  for (const { item, parameters } of input.items) {
    if (item.type !== 'string' || parameters.size > 0) return malformed('components with parameters are not understood')
    if (components.includes(item.value)) return malformed('a component is covered twice')
    components.push(item.value)
  }
  if (components.length > messageSignatureLimits.components) return malformed('too many components')
  const created = integer(input.parameters.get('created'))
  const nonce = text(input.parameters.get('nonce'), messageSignatureLimits.nonceCharacters)
  const keyId = text(input.parameters.get('keyid'), messageSignatureLimits.keyIdCharacters)
  if (created === undefined || nonce === undefined || keyId === undefined)
    return malformed('created, nonce and keyid are needed')
  const [expires, algorithm] = [input.parameters.get('expires'), input.parameters.get('alg')]
  const until = integer(expires)
  const named = text(algorithm, 64)
  if ((expires !== undefined && until === undefined) || (algorithm !== undefined && named === undefined))
    return malformed('expires or alg is malformed')
  return {
    components,
    parameters: printInnerList(input),
    created,
    ...(until !== undefined && { expires: until }),
    nonce,
    keyId,
    ...(named !== undefined && { algorithm: named }),
    signature,
  }
}

/** A request as signatures see it (RFC 9421 §2.1, §2.2). */
export type SignableRequest = {
  readonly method: string
  /** Absolute, without fragment, byte for byte as it is asked for. */
  readonly targetUri: string
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Headers that came more than once: what was joined out of them is nobody's to sign. */
  readonly repeated?: ReadonlySet<string>
}

/** The value of a covered component, or undefined if the request has none (RFC 9421 §2.1, §2.2). */
export function requestComponent(request: SignableRequest, name: string): string | undefined {
  if (!name.startsWith('@')) {
    if (request.repeated?.has(name) === true || name !== name.toLowerCase()) return undefined
    return Object.hasOwn(request.headers, name) ? request.headers[name]?.trim() : undefined
  }
  if (name === '@method') return request.method
  if (name === '@target-uri') return request.targetUri
  const parts = partsOf(request.targetUri)
  if (parts === undefined) return undefined
  const { scheme, authority, path, query } = parts
  switch (name) {
    case '@scheme':
      return scheme
    case '@authority':
      // RFC 9421 §2.2.3: lower case, without the port that the scheme has anyway.
      return authority.toLowerCase().replace(scheme === 'https' ? /:443$/ : /:80$/, '')
    case '@path':
      return path
    case '@query':
      return query ?? '?'
    case '@request-target':
      return `${path}${query ?? ''}`
    default:
      return undefined
  }
}

/** The parts of an absolute URI as they stand: what a parser would tidy up is what the signer didn't sign. */
function partsOf(
  uri: string,
): { readonly scheme: string; readonly authority: string; readonly path: string; readonly query?: string } | undefined {
  const from = uri.indexOf('://') + 3
  if (from < 5) return undefined
  const queryAt = uri.indexOf('?', from)
  const hierarchy = queryAt < 0 ? uri.slice(from) : uri.slice(from, queryAt)
  const pathAt = hierarchy.indexOf('/')
  const authority = pathAt < 0 ? hierarchy : hierarchy.slice(0, pathAt)
  return {
    scheme: uri.slice(0, from - 3),
    authority,
    path: pathAt < 0 ? '/' : hierarchy.slice(pathAt),
    ...(queryAt >= 0 && { query: uri.slice(queryAt) }),
  }
}

/**
 * What is signed (RFC 9421 §2.5), or undefined if a component has no value, or one that could be read as a further line.
 */
export function signatureBase(
  signature: Pick<MessageSignature, 'components' | 'parameters'>,
  valueOf: (component: string) => string | undefined,
): string | undefined {
  let base = ''
  for (const name of signature.components) {
    const value = valueOf(name)
    if (value === undefined || /[^\x20-\x7e]/.test(value)) return undefined
    base += `"${name}": ${value}\n`
  }
  return `${base}"@signature-params": ${signature.parameters}`
}

function malformed(hint: string): Refusal {
  return refuse('invalid_client', 'signature_malformed', hint)
}

function integer(item: BareItem | undefined): number | undefined {
  return item?.type === 'integer' && item.value >= 0 ? item.value : undefined
}

function text(item: BareItem | undefined, most: number): string | undefined {
  return item?.type === 'string' && item.value !== '' && item.value.length <= most ? item.value : undefined
}
