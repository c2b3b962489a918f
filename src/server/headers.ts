import type { IncomingHttpHeaders } from 'node:http'

/** What the single-valued view of the headers hides. */
export type HeaderScan = {
  /** Names (lower case) that came more than once. */
  readonly repeated: ReadonlySet<string>
  /** Whether any proxy left a mark, in whatever spelling. */
  readonly forwarded: boolean
}

const none: ReadonlySet<string> = new Set()
const plain: HeaderScan = { repeated: none, forwarded: false }
const proxied: HeaderScan = { repeated: none, forwarded: true }

/** L3: two of them would be two opinions about who asks, for whom, or where the body ends. */
const mayComeOnce = [
  'authorization',
  'host',
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'origin',
  'dpop',
  'sec-fetch-site',
]

/** `raw` alternates names and values as received; `headers` is Node's view of the same. The common case allocates nothing. */
export function scanHeaders(raw: readonly string[], headers: IncomingHttpHeaders): HeaderScan {
  let forwarded = false
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? ''
    if (mayForward(name) && forwarding.test(name)) forwarded = true
  }
  if (Object.keys(headers).length * 2 === raw.length) return forwarded ? proxied : plain
  return { repeated: repeatedNames(raw), forwarded }
}

export function repeatsSensitive(scan: HeaderScan): boolean {
  return scan.repeated.size > 0 && mayComeOnce.some((name) => scan.repeated.has(name))
}

function repeatedNames(raw: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase()
    if (seen.has(name)) repeated.add(name)
    seen.add(name)
  }
  return repeated
}

/** A cheap look at the first letters, and at the end, spares nearly every header the regular expression. */
function mayForward(name: string): boolean {
  if ((name.charCodeAt(name.length - 2) | 32) === 0x69 && (name.charCodeAt(name.length - 1) | 32) === 0x70) return true // …ip
  switch (name.charCodeAt(0) | 32) {
    case 0x78: // x
    case 0x66: // f
    case 0x76: // v
    case 0x74: // t
      return true
    case 0x63: {
      // c, but not content-…, cookie, connection, cache-control
      const second = name.charCodeAt(1) | 32
      return second !== 0x6f && second !== 0x61
    }
    default:
      return false
  }
}

/** G13: `_` is a spelling of `-` to many a proxy and framework. Each platform names the address of its clients in its own way: `…-Client-IP`, `…-Real-IP`. */
const forwarding =
  /^(?:x[-_]forwarded(?:[-_].*)?|forwarded(?:[-_].*)?|via|(?:[a-z0-9]{1,32}[-_]){0,4}(?:real|client|connecting|connection|src)[-_]ip|x[-_](?:proxyuser|appengine[-_]user)[-_]ip|x[-_]original[-_].*|x[-_]rewrite[-_]url|x[-_]host|x[-_]envoy[-_].*|x[-_]azure[-_].*|cdn[-_]loop)$/i
