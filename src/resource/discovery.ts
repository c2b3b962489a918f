import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import { askJson, type Fetch } from './ask-json.ts'

/** Where things are at the server. */
export type Endpoints = {
  readonly jwks: string
  readonly introspection: string
  readonly signedRequest?: string
}

const retrySeconds: Seconds = 5

/** The server's metadata (RFC 8414), read at the first use and kept; asked for again at most every five seconds while it fails. */
export function createDiscovery(issuer: string, source: { readonly fetch: Fetch; readonly now: () => EpochSeconds }) {
  let known: Endpoints | undefined
  let asking: Promise<Endpoints | undefined> | undefined
  let askedAt = Number.NEGATIVE_INFINITY

  async function ask(): Promise<Endpoints | undefined> {
    askedAt = source.now()
    const found = await askJson(source.fetch, `${issuer}/.well-known/oauth-authorization-server`)
    // RFC 8414 §3.3: the document must be about the very issuer that it was asked for.
    if (found === undefined || found['issuer'] !== issuer) return undefined
    const { jwks_uri: jwks, introspection_endpoint: introspection, signed_request_endpoint: signedRequest } = found
    if (typeof jwks !== 'string' || typeof introspection !== 'string') return undefined
    known = { jwks, introspection, ...(typeof signedRequest === 'string' && { signedRequest }) }
    return known
  }

  return async (): Promise<Endpoints | undefined> => {
    if (known !== undefined) return known
    if (asking === undefined && source.now() - askedAt < retrySeconds) return undefined
    asking ??= ask().finally(() => {
      asking = undefined
    })
    return asking
  }
}
