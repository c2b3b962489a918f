import type { EpochSeconds, Seconds } from '../protocol/time.ts'
import type { Fetch } from './ask-json.ts'
import { checkRequest, type Checks, type IncomingCall, type Verdict, type Wants } from './check-request.ts'
import { systemClock } from './clock.ts'
import { createDiscovery } from './discovery.ts'
import { expressGuard, type ExpressGuard } from './express.ts'
import { fastifyGuard, type FastifyGuard } from './fastify.ts'
import { fetchGuard, type FetchGuard } from './fetch.ts'
import { createIntrospection, longestMemorySeconds } from './introspect.ts'
import { createKeySet } from './key-set.ts'
import { createSignatureCheck } from './verify-signature.ts'
import { looksLikeJwt, verifyJwt } from './verify-jwt.ts'

export type ResourceServerOptions = {
  /** The Gatehouse that issues the tokens, exactly as it calls itself. */
  readonly issuer: string
  /** Identifier of this API, the only audience that is accepted. For signed requests it is the address of the API, too. */
  readonly resource: string
  /** This API's own client, one of the resource's `introspection_clients`. Without it JWTs alone are understood. */
  readonly client?: { readonly clientId: string; readonly clientSecret: string }
  /** How long an introspection answer is believed, at most 10 seconds; 0: each token is asked about each time. Default: 5. */
  readonly memorySeconds?: Seconds
  readonly fetch?: Fetch
  readonly now?: () => EpochSeconds
}

export type ResourceServer = {
  /** The checks by themselves, for kinds of servers that have no guard here. */
  readonly check: (call: IncomingCall, wants?: Wants) => Promise<Verdict>
  /** Express 4 and 5, Connect: a middleware. */
  readonly express: (wants?: Wants) => ExpressGuard
  /** Fastify 4 and 5: hooks, to be spread into the options of a route. */
  readonly fastify: (wants?: Wants) => FastifyGuard
  /** Hono, Deno, Bun, workers: wraps a handler of `Request`. */
  readonly fetch: FetchGuard
}

/**
 * Guards an API: JWTs are verified offline with the issuer's keys, every other token by asking it, signed requests by asking who
 * signed. Asks for nothing before the first call. Throws TypeError for options that can't be meant.
 */
export function createResourceServer(options: ResourceServerOptions): ResourceServer {
  const { issuer, resource, client, memorySeconds = 5 } = options
  const source = { fetch: options.fetch ?? ((url, init) => fetch(url, init)), now: options.now ?? systemClock }
  checkOptions(options)
  const endpoints = createDiscovery(issuer, source)
  const keys = createKeySet(async () => (await endpoints())?.jwks, source)
  const ask = client === undefined ? undefined : { ...source, resource, authorization: basicOf(client) }
  const introspect = ask && createIntrospection(async () => (await endpoints())?.introspection, ask, memorySeconds)
  const signature = ask && createSignatureCheck(async () => (await endpoints())?.signedRequest, ask)

  const checks: Checks = {
    realm: resource,
    origin: URL.parse(resource)?.origin ?? '',
    now: source.now,
    token: async (text, call) => {
      if (looksLikeJwt(text)) return verifyJwt(keys, text, { issuer, resource, now: source.now() })
      // Only a macaroon is measured by the call; to tell it about others would keep each answer once for every path.
      return introspect?.(text, text.startsWith('gth_at_') ? undefined : call) ?? { invalid: 'token' }
    },
    signature: async (call) => signature?.(call) ?? { invalid: 'signature' },
  }
  const check = (call: IncomingCall, wants: Wants = {}): Promise<Verdict> => checkRequest(checks, call, wants)
  return {
    check,
    express: (wants = {}) => expressGuard(check, wants),
    fastify: (wants = {}) => fastifyGuard(check, wants),
    fetch: fetchGuard(check),
  }
}

function checkOptions({ issuer, resource, memorySeconds = 0 }: ResourceServerOptions): void {
  if (URL.parse(issuer)?.origin !== issuer)
    throw new TypeError(
      'issuer is the origin of your Gatehouse, such as https://login.example.org, without a slash at its end',
    )
  if (URL.parse(resource) === null)
    throw new TypeError('resource is the identifier of this API, an absolute URI such as https://api.example.org')
  if (!(memorySeconds >= 0 && memorySeconds <= longestMemorySeconds))
    throw new TypeError(`memorySeconds is 0 to ${longestMemorySeconds}: a revoked token lives on for that long`)
}

/** RFC 6749 §2.3.1: id and secret are form-encoded before they are joined. */
function basicOf({ clientId, clientSecret }: { readonly clientId: string; readonly clientSecret: string }): string {
  return `Basic ${btoa(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`)}`
}
