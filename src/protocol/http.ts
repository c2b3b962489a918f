/** One header line, name in lower case. Repeated names are repeated lines. */
export type HeaderLine = readonly [name: string, value: string]

/**
 * A request as the core sees it: no framework, no stream. The shell has already enforced size and time limits.
 * `path` is the canonical path as received (percent-encoding untouched, no query); `query` is the raw text behind `?`, without it.
 */
export type HttpRequest = {
  readonly method: string
  readonly path: string
  readonly query: string
  /** Single-valued view; a header that came twice holds both values joined by ", " except for those in `repeated`. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Names of headers (lower case) that came more than once on the wire. */
  readonly repeated: ReadonlySet<string>
  readonly body: string
  /** Routes of kind `stream` alone: `body` is empty there. */
  readonly passage?: Passage
  /** Values of `:name` segments of the route. */
  readonly params: Readonly<Record<string, string>>
  readonly peer: Peer
}

/** A body that is passed on as it comes. */
export type Passage = {
  /** Absent: there is none. Whoever begins to read it may stop before its end. */
  readonly upload?: AsyncIterable<Uint8Array>
  /** Aborted when the answer is said, or nobody waits for it any more: what an answer's `stream` hangs on ends with it. */
  readonly gone: AbortSignal
}

/** Who is on the other end of the connection, after trusted proxies were taken into account. */
export type Peer = {
  /** The address that limits and audit use. Always set; never taken from a header that isn't trusted. */
  readonly address: string
  /** Address of the socket's other end. */
  readonly socketAddress: string
  /** Address of our end of the socket. */
  readonly localAddress: string
  /** True if any forwarding header (X-Forwarded-*, Forwarded, Via, X-Real-IP, …) is present, trusted or not. */
  readonly forwarded: boolean
}

export type HttpResponse = {
  readonly status: number
  readonly headers: readonly HeaderLine[]
  readonly body: string | Uint8Array | null
  /** In place of `body`: sent as it comes. If it fails, the connection is cut, so that nobody takes a part for the whole. */
  readonly stream?: AsyncIterable<Uint8Array>
}

export type Endpoint = (request: HttpRequest) => Promise<HttpResponse> | HttpResponse
