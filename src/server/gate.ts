import type { IncomingMessage } from 'node:http'
import { isApiPath } from '../protocol/api-path.ts'
import { repeatsSensitive, scanHeaders, type HeaderScan } from './headers.ts'
import type { HostCheck } from './host.ts'
import type { ShellErrorName } from './shell-error.ts'
import { judgePath } from './target.ts'

/** Node reads no more header lines than this, silently; more than we allow are refused. */
export const headerLimits = { bytes: 16_384, lines: 128, linesRead: 129 } as const

export type Gate = {
  /** Paths without parameters: canonical by being written down. */
  readonly paths: ReadonlySet<string>
  /** What stands before the paths of `/*` routes, up to their first parameter. */
  readonly openPrefixes: readonly string[]
  readonly anyHostPaths: ReadonlySet<string>
  readonly hostCheck: HostCheck
  readonly boundPort: () => number | undefined
}

export type Passed = { readonly path: string; readonly query: string; readonly scan: HeaderScan }

/** What every request must pass, before anybody looks at where it goes. The HTTP parser has refused all that isn't HTTP/1 already. */
export function passGate(gate: Gate, request: IncomingMessage): Passed | ShellErrorName {
  const { rawHeaders, headers, url = '' } = request
  if (rawHeaders.length > headerLimits.lines * 2) return 'too_many_headers'
  if (request.httpVersion !== '1.1' && !isSimpleOldRequest(request)) return 'malformed'
  // RFC 9112 §6.1: whoever nests codings can't be framed by everybody on the way alike.
  const coding = headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return 'malformed'
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue') return 'expectation'
  const scan = scanHeaders(rawHeaders, headers)
  if (repeatsSensitive(scan)) return 'repeated_header'
  if (headers['set-cookie'] !== undefined) delete headers['set-cookie']

  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const { host } = headers
  // RFC 9112 §3.2; a balancer that probes with HTTP/1.0 has no name to ask for.
  if (host === undefined && !(request.httpVersion === '1.0' && gate.anyHostPaths.has(path))) return 'malformed'
  if (host !== undefined && !gate.hostCheck(host, gate.boundPort()) && !gate.anyHostPaths.has(path))
    return 'misdirected'
  // What is passed on is somebody else's path: one that could be read in two ways is no request (L3).
  const isOpen = gate.openPrefixes.some((prefix) => path.startsWith(prefix))
  if (isOpen && !isApiPath(path)) return 'malformed'
  const judgement = isOpen || gate.paths.has(path) ? 'canonical' : judgePath(path)
  if (judgement !== 'canonical') return judgement === 'alias' ? 'not_found' : 'malformed'
  const query = mark === -1 ? '' : url.slice(mark + 1)
  // A fragment never travels (RFC 9112 §3.2); the parser lets it through.
  if (query.includes('#')) return 'malformed'
  return { path, query, scan }
}

/** RFC 9112 §6.1: HTTP/1.0 has no chunked bodies, and an intermediary may have seen another end. HTTP/0.9 has no headers at all. */
function isSimpleOldRequest({ httpVersion, headers }: IncomingMessage): boolean {
  return httpVersion === '1.0' && headers['transfer-encoding'] === undefined
}
